# SPDX-License-Identifier: Apache-2.0
# Warnings that imports emit. One that is ignored leaves one trace, in whose name it came; all others are faults.


class Warned:
    def __init__(self, recorder):
        self.recorder = recorder
        # Where ignored warnings have left that they came: addresses of dictionaries; where nobody watches, (by, name of the module).
        self.registries, self.warned_in = set(), set()

    def emits(self, args, named):
        """A warning is going to be emitted; returns what `warned` goes by."""
        recorder = self.recorder
        owner = recorder.stack[-1]
        if not owner or recorder.inside or recorder.idle:
            return None
        given = {**dict(zip(('message', 'category', 'stacklevel'), args)), **named}
        text, category = given.get('message'), given.get('category') or UserWarning
        if isinstance(text, Warning):
            text, category = str(text), type(text)
        namespace, line = emitter_of(sys._getframe(1), given.get('stacklevel', 1))
        module = namespace.get('__name__') or '<string>'
        if type(text) is not str or type(module) is not str or given.get('skip_file_prefixes'):
            recorder.fault('WARNED', str(module))
            return None
        action, is_own = action_for(text, category, module, line)
        names = [name for name in (owner, recorder.stack[-2]) if name and namespace_of(recorder.modules.get(name)) is namespace]
        # Filters for as long as something is imported are none of the process, unless they say the same: whoever imports then.
        if is_own and (action != 'ignore' or names[:1] in ([], [owner]) or lasting_action(text, category, module, line) != action):
            return None
        if action != 'ignore' or not names:
            recorder.fault('WARNED', module)
            return None
        # Filters that it has added itself come first.
        recorder.settle_lists()
        return namespace, ('warned', names[0], text, category, module, line)

    def emitted(self, expected):
        """What was expected has happened: it was ignored."""
        namespace, event = expected
        registry = namespace.get('__warningregistry__')
        if type(registry) is not dict or list(registry) != ['version']:
            self.recorder.fault('WARNED', event[1])
            return
        # What the next one leaves, which may come from where nobody sees it, is seen.
        registry.clear()
        self.registries.add(id(registry))
        self.recorder.event(*event)

    def named(self, event):
        """The event in words."""
        _, name, text, category, module, line = event
        if not is_named_class(self.recorder.modules, category):
            self.recorder.fault('WARNED', name)
            return None
        return 'warned', name, text, name_of_class(category), module, line

    def name_all(self):
        recorder = self.recorder
        for owner, events in recorder.events.items():
            recorder.stack.append(owner)
            named = [self.named(event) if event[0] == 'warned' else event for event in events]
            recorder.events[owner] = [event for event in named if event]
            recorder.stack.pop()


def is_internal(frame):
    """As Python/_warnings.c has it."""
    name = frame.f_code.co_filename
    return 'importlib' in name and '_bootstrap' in name


def emitter_of(frame, level):
    """In whose name a warning is emitted by this frame: a namespace, and the number of a line."""
    skips = level > 0 and not is_internal(frame)
    while level > 1 and frame is not None:
        level -= 1
        frame = frame.f_back
        while skips and frame is not None and is_internal(frame):
            frame = frame.f_back
    return (vars(sys), 0) if frame is None else (frame.f_globals, frame.f_lineno)


def action_for(*warning):
    """What the filters say of a warning; and whether only filters say so that are there for as long as something is imported."""
    lasting, is_own = _warnings.filters, True
    holder = sys.modules.get('warnings', _warnings)
    for item in holder.filters:
        is_own = is_own and not any(item is one for one in lasting)
        if matches(item, *warning):
            return item[0], is_own
    return default_action(holder), False


def lasting_action(*warning):
    """The same of those that stay."""
    found = (item[0] for item in _warnings.filters if matches(item, *warning))
    return next(found, default_action(_warnings))
