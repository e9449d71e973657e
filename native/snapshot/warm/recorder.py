# SPDX-License-Identifier: Apache-2.0
# Follows the imports of a template: which module asked for which, and what else each import did. Its methods are called
# by warm.c, at the start and the end of each load, and in a template that is watched (`watching`) also at each import
# statement, at each audit event and around extension modules. Whatever was done since the last call was done by the
# module that is being loaded.
#
# Events of a module, in their order:
#   ('ask', name)                 it asked for a module, which may have been there already
#   ('absent', name)              it asked for one that does not exist
#   ('set', name)                 it put something into sys.modules itself
#   ('share', name, names)        it has got what has these names from a module that extension modules share, or put it there
#   ('seen', name)                it looked whether a module is in sys.modules, and it was
#   ('unseen', name)              the same, and it was not
#   ('names', packages)           it looked which modules of these packages there are; those it found are 'seen'
#   ('made', class)               it made a class; written as ('derives', other, class), for other ones that somebody asks
#   ('classes', class, classes)   it asked the class for those that are derived from it, which were these, in this order
#   ('listed', path, digest)      it has asked for the names in a directory, and their kinds
#   ('warned', name, text, category, module, line)   it emitted a warning that was ignored, in the name of this module: its own,
#                                 or the one that asked for it
#   ('pool', processors)          it has asked for the number of processors, or started a thread for each, which end before a fork
#   ('keys', library, offset)     Rust's keys of hash maps are there in the thread's storage of one of its libraries
#   ('drawn', name, offset)       a text of its namespace has, there, a name that it has drawn (drawn.py)
#   ('uses', place, original)     it has got hold of a function or a spec that stands at a place: of the original, or of what was put
#                                 there later; written where neither is so each time (replaced.py)
#   ('unfilled', place)           it may have seen what a class or function says it is of, before anybody has filled that in (fills.py)
#   ('sees', variable, put)       it has read a variable of the environment that another one puts in: after that, or before
#   ('asks', function, which, arguments, answer)   it has asked this of its surroundings (surroundings.py)
#   ('holds', name)               a function of it remembers something of a module (remembered.py)
#   ('finds', what, place, answer)   it has asked for something of the program's (program.py)
#   ('located', file, name)       it has had inspect find the module of a file (located.py)
#   ('effect', what, place, payload)   see effects.py

import _codecs
import _thread

SYSCONFIG = {('sysconfig', '_CONFIG_VARS'): None, ('sysconfig', '_CONFIG_VARS_INITIALIZED'): False}
# Remembered answers, by their empty value: taken out at the freeze.
FORGOTTEN = {
    **{('platform', '_uname_cache'): None, ('platform', '_sys_version_cache'): {}, ('platform', '_platform_cache'): {}},
    **{('inspect', 'modulesbyfile'): {}, ('inspect', '_filesbymodname'): {}},
    **SYSCONFIG,
}
# By the beginning of a library's file: the bytes that it draws once, of which it makes the keys of its hash maps. The crate
# ahash draws them like any others.
SEEDS_OF_MAPS = {'_pydantic_core': 64}


# What each module has.
OF_MODULES = {'__name__', '__doc__', '__package__', '__loader__', '__spec__', '__builtins__'}


# Stands for the program's file: whoever looks through the whole stack while it is imported comes to a frame of it.
PROGRAM = '/pycds/program'
# bring(name): imports a module as a program does. Its globals are those that warnings take where there is no frame.
_code = compile('def bring(name): __import__(name)', PROGRAM, 'exec').co_consts[0]
bring = FUNCTION(_code, vars(sys))


class Recorder:
    """Follows the imports of this interpreter from now on."""

    def __init__(self, watching, probe):
        """
        :param probe: function of warm.c: ((kind, count, name or names), ...) of what the C library was asked since the last call
        """
        self.watching = watching
        self.probe = probe
        self.processors = processors()
        self.modules = sys.modules
        self.known = set(sys.modules)
        self.base = dict(sys.modules)
        self.hidden = {}
        self.stack = ['']
        self.inside = False
        self.idle = False
        # What was seen, by module.
        self.events = {'': []}
        self.effects = []
        self.faults = {}
        self.renewed = {}  # those that are none, since it does the same in each process
        self.files = {}
        self.failed = {}
        self.held = {}  # of what kinds that is which it has when its body has run
        self.begun = []  # in this order
        self.in_handlers = set()  # those of them that began while an error was being handled
        self.clock = __import__('time').process_time
        self.since = self.clock()  # what has been done since was done by the module that is being loaded
        self.costs = {}  # seconds of processor: without what it has imported
        self.anew = []  # the modules that could not be loaded anew
        # Of libraries and extension modules.
        self.known_libraries = set(libraries())
        self.libraries = {}  # by module: what was loaded for it
        self.base_globals = self.known_globals = global_scope()
        self.globals = {}  # by module: those of them whose symbols all others see since
        self.extensions = []  # that are being initialised
        self.fork_handlers = 0  # of libraries, since the last look
        self.numbered = set()  # (module, library that has asked then which file a device of random bytes is)
        self.drawn = set()  # libraries of SEEDS_OF_MAPS that have drawn what they draw once
        # Where modules are may be anywhere.
        self.inside_of = tuple(one.rstrip('/') + '/' for one in (*sys.path, sys.prefix, sys.base_prefix) if one.startswith('/'))
        self.finders = set(sys.path_importer_cache)
        self.lists = {}
        self.finalizers = None
        self.shared_conditions = {}  # by what each is about: as shadow.c has them
        self.collector = unseen('gc')
        self.referents, self.referrers = self.collector.get_referents, self.collector.get_referrers
        self.all_objects = self.collector.get_objects
        self.is_tracing_memory = unseen('_tracemalloc').is_tracing
        # Each follows one kind of thing that imports do.
        self.namespaces = Namespaces(self)
        self.environment = Environment(self)
        self.process = ProcessState(self)
        self.subclasses = Subclasses(self)
        self.warnings = Warned(self)
        self.logging = Loggers(self)
        self.shared = SharedModules(self)
        self.lookups = Lookups(self)
        self.generators = Generators(self)
        self.codecs = Codecs()
        self.locals = Locals()
        self.descriptors = Descriptors()
        self.counts = Counts(self)
        self.fills = Fills(self)
        self.parsers = Parsers()
        move_user_base(self)
        self.surroundings = Surroundings(self)
        self.located = Located(self)
        self.dates = Dates(self)
        self.drawn_names = Drawn(self)
        audited = Audited(self)
        self.program = None  # in a template that is watched, from then on
        # warm.c calls these, which look at the frames behind them.
        self.warns, self.warned, self.asked_classes = self.warnings.emits, self.warnings.emitted, self.subclasses.asked
        self.audit, self.calls = audited.audit, audited.calls
        self.settle()
        self.logging.before = set(self.logging.known)
        self.events = {'': []}
        self.effects = []

    # ---- what is said of a module ----

    def lacking(self, module, name):
        """Somebody looks for a name that a module does not have."""
        owner = self.stack[-1]
        if not owner or self.inside or self.idle or type(name) is not str or is_dunder(name):
            return
        of, reader = namespace_of(module).get('__name__'), sys._getframe(1)
        if of == owner or self.modules.get(of) is not module or name_in(reader) in IMPORTING or reader.f_globals is globals():
            return
        self.program.finds('lacks', '%s\n%s' % (of, name), True)

    def found(self, module, name, child):
        """
        Somebody finds a module in another one, without having asked for it. A package that imports what it is asked for would have
        done so; else somebody else has.
        """
        owner, reader = self.stack[-1], sys._getframe(1)
        if not owner or self.inside or self.idle or type(name) is not str:
            return
        of = namespace_of(module)
        full = '%s.%s' % (of.get('__name__'), name)
        if full in self.base or self.modules.get(full) is not child or name_in(reader) in IMPORTING or reader.f_globals is globals():
            return
        if full in self.stack or ('ask', full) in self.events[owner]:
            return
        if '__getattr__' in of:
            self.ask_for(full)
        elif ('seen', full) not in self.events[owner]:
            self.event('seen', full)

    def stream_read(self, which, name):
        """Somebody asks a standard stream for an attribute."""
        if name not in SAID_OF_STREAMS or not self.program.is_asked_by(sys._getframe(1)):
            return
        stream = which.strip('_')
        if name in NOT_SAID_AGAIN:
            self.fault('SURROUNDINGS', 'sys.%s.%s' % (stream, name))
        else:
            self.program.finds('streamed', '%s\n%s' % (stream, name), True)

    def fault(self, reason, detail=''):
        owner = self.stack[-1]
        if reason in RENEWED_FAULTS.get(owner, ()):
            self.renewed.setdefault(owner, set()).add((reason, detail))
            return
        found = self.faults.setdefault(owner, [])
        if (reason, detail) not in found:
            found.append((reason, detail))

    def event(self, *event):
        self.events.setdefault(self.stack[-1], []).append(event)
        if event[0] == 'effect':
            self.effects.append(event[1:])
        elif event[0] == 'ask':
            self.fills.asks(event[1])
        elif event[0] == 'set':
            self.fills.setters[event[1]] = self.stack[-1]

    # ---- between imports ----

    def settle(self):
        """Finds out what has been done since the last call."""
        self.inside = True
        self.process.stop_monitoring()
        self.settle_modules()
        self.settle_libraries()
        self.settle_codecs()
        self.settle_processor()
        self.settle_locals()
        self.settle_descriptors()
        self.settle_lists()
        self.logging.settle()
        self.subclasses.settle()
        self.settle_finalizers()
        if self.program:
            self.program.settle()
        self.namespaces.settle()
        if self.program:
            self.program.settled()
        self.environment.settle()
        if self.watching:
            self.settle_witnesses()
            self.process.settle()
            self.generators.settle_shared()
            self.logging.settle_settings()
        self.inside = False

    def settle_modules(self):
        if self.watching:
            self.take_modules_of_c()
            self.shared.settle()
        for name in list(self.modules):
            if name not in self.known:
                self.known.add(name)
                # Else it is the one that is being loaded.
                if name != self.stack[-1]:
                    self.enter(name)
        for name in self.known - self.modules.keys() - self.hidden.keys():
            self.known.discard(name)
            self.fault('REMOVED', name)

    def take_modules_of_c(self):
        """C code puts modules into what Python code has for sys.modules, by no method of that."""
        seen = sys.modules
        if seen is self.modules:
            return
        for name in list(dict.__iter__(seen)):
            self.modules[name] = dict.pop(seen, name)

    def enter(self, name):
        """What is no module that is being loaded is in sys.modules."""
        if name in self.shared.known:
            return
        # One below an extension module is that module's own.
        if self.extensions[-1:] == self.stack[-1:] and '.' not in name and is_bare(self.modules[name]):
            self.shared.known[name] = {}
            # Whoever holds the module itself meanwhile would count.
            self.shared.look(name)
        else:
            self.event('set', name)

    def settle_libraries(self):
        self.settle_globals()
        now = libraries()
        if len(now) == len(self.known_libraries):
            return
        fresh = [one for one in now if one not in self.known_libraries]
        self.known_libraries = set(now)
        self.libraries.setdefault(self.stack[-1], []).extend(fresh)

    def settle_globals(self):
        now, known = global_scope(), self.known_globals
        if now == known:
            return
        if now[: len(known)] != known:
            self.fault('ONCE', 'it has taken libraries away from all others')
        self.globals.setdefault(self.stack[-1], []).extend(now[len(known) :])
        self.known_globals = now

    def leave_globals(self):
        """Has no library see more symbols than before all imports; the runtime puts back what a module brings."""
        if self.base_globals:
            leave_global(len(self.base_globals))
            self.known_globals = self.base_globals

    def settle_codecs(self):
        for name, codec in self.codecs.take():
            if codec is None:
                self.fault('CODEC', name)
            else:
                self.event('effect', 'codec', name, codec)

    def settle_processor(self):
        module = self.modules.get('platform')
        if module is not None and forget_processor(module):
            self.event('effect', 'processor', 'platform', module)

    def settle_locals(self):
        made = self.locals.take(self.stack[-1], self.modules, self.all_objects)
        if made:
            self.event('effect', 'locals', 'asgiref.local', (self.modules['asgiref.local'], made))
        if made is not None and 'random' in self.generators.states:
            self.generators.states['random'] = self.locals.state or self.generators.states['random']

    def settle_descriptors(self):
        # A child has its own.
        if self.idle:
            return
        opened, others = self.descriptors.take()
        for path, flags, number in opened:
            self.event('effect', 'descriptor', path, (flags, number))
        for path in others:
            self.fault('DESCRIPTOR', path)

    def settle_lists(self):
        for kind, places in (('list', LISTS), ('dict', DICTS)):
            for place in places:
                now = list_of(self.modules, place)
                if now is None and place[0] in self.hidden:
                    continue
                before = self.lists.get(place)
                if now is not None and before is not None:
                    if place == LINES:
                        before = self.read_since(before, now)
                    added = (added_to_list if kind == 'list' else added_to_dict)(before, now)
                    if place == STATE and added is not None:
                        added = [item for item in added if item[0] not in STAYS]
                    if added is None:
                        self.fault('CHANGED', '.'.join(place))
                    elif any(added) if kind == 'list' else added:
                        if place == LINES:
                            added = self.own_files(added)
                        self.event('effect', kind, place, added)
                self.lists[place] = None if now is None else now.copy()

        for place in ATTRIBUTES:
            now = attribute_of(self.modules, place)
            before = self.lists.get(place, now)
            if now is not before:
                self.event('effect', 'attribute', place, (before, now, []))
            self.lists[place] = now

    def read_since(self, before, now):
        """
        Lines of a file are read in two steps, with imports between them. Of what this import itself has added only the
        last counts.
        """
        own = [event[3] for event in self.events.get(self.stack[-1], ()) if event[:3] == ('effect', 'dict', LINES)]
        before = before.copy()
        for pairs in own:
            for i, (key, value) in enumerate(pairs):
                if before.get(key) is value and key in now and len(value) == 1:
                    pairs[i] = key, now[key]
                    before[key] = now[key]
        return before

    def own_files(self, added):
        """
        Without the file of the program. That of a module which is just importing this one depends on which that is, unless it is
        its package: a package that has its module itself always does so.
        """
        owner = self.stack[-1]
        # One that its package has asked for, on the way to it, has begun twice.
        others = [one for one in self.stack if not (owner + '.').startswith(one + '.')]
        importing = {namespace_of(self.modules.get(one)).get('__file__') for one in others}
        if STACKS.get(owner, '') not in self.stack[1:2]:
            importing.add(PROGRAM)
        for key, _ in added:
            if key in importing:
                self.fault('CHANGED', 'linecache.cache, of who imports it: %s' % key)
        return [(key, value) for key, value in added if key != PROGRAM]

    def settle_witnesses(self):
        owner = self.stack[-1]
        names = self.drawn_names.take()
        for kind, found in self.probe():
            if kind == 'ENVIRONMENT':
                for name, library in found:
                    self.environment.read(name, True)
                    if name in self.environment.reads.get(owner, ()):
                        self.environment.read_by.setdefault((owner, library), set()).add(name)
            elif kind == 'SEEDS':
                self.generators.seeds[owner] = self.generators.seeds.get(owner, 0) + found
            elif kind == 'FORK':
                self.fork_handlers = found
            elif kind == 'PROCESSORS':
                if found and owner and ('pool', self.processors) not in self.events[owner]:
                    self.event('pool', self.processors)
            elif kind == 'TERMINALS':
                for descriptor in range(3):
                    if found & 1 << descriptor and owner:
                        self.surroundings.ask_for_terminal(descriptor, bool(found & 8 << descriptor))
            elif kind == 'INPUT':
                if found and owner:
                    self.fault('SURROUNDINGS', 'standard input')
            elif kind == 'ZONE':
                # A program may have set another one.
                if found and owner and ('ask', 'time') not in self.events[owner]:
                    self.environment.read('TZ', True)
                    self.event('ask', 'time')
            elif kind == 'KEYS':
                self.keys(*found)
            elif kind == 'NUMBERS':
                self.numbered.add((owner, found))
            elif kind == 'DRAWN' and found != ('', NAME_BYTES, names):
                self.draw(*found)
            elif kind == 'DRAWN':
                continue
            elif owner:
                self.fault(kind, found)

    def keys(self, library, offset):
        """A library keeps them for the thread: from its own module on they are others in each process."""
        for name, own in self.libraries.items():
            if library in own and name:
                self.events.setdefault(name, []).append(('keys', own.index(library), offset))
                return
        self.fault('ENTROPY')

    def draw(self, library, size, times):
        """It has drawn as many bytes, so often since the last look."""
        if times == 1 and SEEDS_OF_MAPS.get(library.partition('.')[0]) == size and library not in self.drawn:
            self.drawn.add(library)
        elif self.stack[-1]:
            self.fault('ENTROPY', library)

    def settle_renewals(self, name, module):
        """What a module has drawn, and draws again in each process."""
        if name in RENEWALS:
            self.event('effect', 'renew', name, module)
        drawn = self.generators.seeds.pop(name, 0)
        if drawn or name in self.generators.seeded:
            self.generators.settle(name, namespace_of(module), drawn)

    def settle_parsers(self, name):
        self.inside = True
        made = self.parsers.take(name, self.modules, self.all_objects)
        self.inside = False
        if made is not None:
            self.event('effect', 'parsers', 'argparse', made)

    def settle_finalizers(self):
        """What `weakref.finalize` knows: the finalizers that there are, and that some were made."""
        kind = class_of_finalizers(self.modules)
        if kind is None:
            return
        now = state_of_finalizers(kind), kind._registry.copy()
        before, self.finalizers = self.finalizers, now
        if before is None or before == now:
            return
        (made, *_), known = before
        if not known.keys() <= now[1].keys():
            self.fault('CHANGED', 'weakref.finalize')
        # Each is made with it.
        if ('ask', 'atexit') not in self.events[self.stack[-1]]:
            self.event('ask', 'atexit')
        fresh = [(one, about, about.index - made) for one, about in now[1].items() if one not in known]
        self.event('effect', 'finalizers', FINALIZERS, (before[0], now[0][0] - made, fresh))

    def changes_now(self):
        return [list(change) for change in self.namespaces.changes]

    def account(self):
        """What was done since is the cost of the module that is being loaded; this method's callers' own is nobody's."""
        owner = self.stack[-1]
        self.costs[owner] = self.costs.get(owner, 0.0) + self.clock() - self.since

    # ---- called by warm.c ----

    def begin(self, name):
        """A load begins; returns the module where it only was hidden, and else None."""
        if self.idle:
            return None
        self.account()
        try:
            return self.begin_load(name)
        finally:
            self.since = self.clock()

    def begin_load(self, name):
        self.settle()
        if name in self.hidden:
            self.show(name)
        if self.modules.get(name) is not None:
            self.event('ask', name)
            self.fills.switch()
            return self.modules[name]
        self.stack.append(name)
        show_pid(name in LOOKING_FOR_PROCESS)
        self.events[name] = []
        self.begun.append(name)
        if sys.exc_info()[1] is not None:
            self.in_handlers.add(name)
        self.counts.begin(name)
        self.fills.begin(name)
        self.fills.switch()
        return None

    def end(self, name, error):
        """A load has ended."""
        if self.idle:
            self.loaded_anew(name, error)
            return
        self.account()
        try:
            self.end_load(name, error)
        finally:
            self.since = self.clock()

    def end_load(self, name, error):
        module = self.modules.get(name)
        if name == 'atexit' and module is not None and error is None:
            put_off(module, name, 'register')
            put_off(module, name, 'unregister')
        if module is not None and error is None:
            put_off_over_streams(module, name)
        if module is not None and self.watching:
            self.surroundings.watch(name, module)
            if name == '_datetime':
                self.dates.watch(module)
            self.located.watch(name, module)
            if name == 'logging':
                watch_levels(self, module)
        if name in self.modules:
            self.known.add(name)
        else:
            self.known.discard(name)
        self.settle()
        self.drawn_names.settle(name, module)
        if module is not None:
            self.settle_renewals(name, module)
            self.settle_parsers(name)
            self.fills.loaded(name, module)
        self.stack.pop()
        show_pid(self.stack[-1] in LOOKING_FOR_PROCESS)
        if error is None and module is not None:
            if self.watching:
                self.held[name] = kinds_of(module)
            self.event('ask', name)
            self.fills.switch()
            return
        self.known.discard(name)
        self.fills.failed(name)
        inner = self.events.pop(name, [])
        parent = name.rpartition('.')[0]
        if parent in self.modules and ('ask', parent) not in inner:
            inner.insert(0, ('ask', parent))
        self.events.setdefault(self.stack[-1], []).extend(inner)
        for fault in self.faults.pop(name, []):
            self.fault(*fault)
        missing = error.name if type(error) is ModuleNotFoundError else None
        if missing == name:
            self.event('absent', name)
        elif missing is None or ('absent', missing) not in inner or not name.startswith(missing + '.'):
            try:
                self.failed[name] = describe_failed(name)
                self.event('ask', name)
            except (ValueError, OSError, AttributeError):
                self.fault('FAILED', name)
        self.fills.switch()

    def asked(self, name, namespace, level):
        """An import statement, or a call of __import__, before it is carried out."""
        if self.inside or type(name) is not str:
            return
        if level > 0 and type(namespace) is dict:
            package = namespace.get('__package__')
            if package is None:
                package = namespace.get('__name__', '')
                if '__path__' not in namespace:
                    package = package.rpartition('.')[0]
            for _ in range(level - 1):
                package = package.rpartition('.')[0]
            name = '%s.%s' % (package, name) if name else package
        self.ask_for(name)

    def ask_for(self, name):
        if name in self.hidden:
            self.show(name)
        if name in self.shared.known:
            # A module in Python asks for what extension modules share: it is one like others.
            self.shared.keep(name)
        if self.modules.get(name) is None or ('ask', name) in self.events[self.stack[-1]]:
            return
        self.settle_modules()
        self.settle_lists()
        self.logging.settle()
        self.subclasses.settle()
        self.fills.settle()
        self.event('ask', name)
        for other in COMES_WITH.get(name, ()):
            if ('ask', other) not in self.events[self.stack[-1]]:
                self.event('ask', other)
        self.fills.switch()

    def answered(self, module, names):
        """The same, when it has been: with the names behind `from ... import`."""
        if self.inside or not names:
            return
        package = getattr(module, '__name__', None)
        if type(package) is not str:
            return
        for name in names:
            if name == '*':
                if self.watching and self.stack[-1] and not hasattr(module, '__all__') and self.modules.get(package) is module:
                    self.program.finds('shown', package, True)
                self.answered(module, [n for n in getattr(module, '__all__', ()) if n != '*'])
                continue
            if type(name) is not str:
                continue
            full = '%s.%s' % (package, name)
            child = self.hidden.get(full, self.modules.get(full))
            if child is not None and attributes_of(module).get(name) is child:
                self.ask_for(full)

    def extension_begins(self):
        """Extension modules import without asking Python: what they do not ask for they do not find."""
        if self.idle or len(self.stack) < 2:
            return None
        self.settle()
        self.extensions.append(self.stack[-1])
        saved = list(self.modules)
        for name in saved:
            loading = name in self.stack or any(one.startswith(name + '.') for one in self.stack)
            # What is made where it is missing is no module that is asked for.
            is_shared = namespace_of(self.modules[name]).get('__spec__') is None
            if name not in self.base and not loading and not is_shared:
                self.hidden[name] = self.modules.pop(name)
        return saved

    def extension_ends(self, saved):
        if saved is None:
            return
        now = dict(self.modules)
        now.update(self.hidden)
        self.hidden.clear()
        ordered = {name: now.pop(name) for name in saved if name in now}
        ordered.update(now)
        self.modules.clear()
        self.modules.update(ordered)
        # They refer to what is shared.
        now.clear()
        ordered.clear()
        self.settle()
        self.extensions.pop()

    def loaded_anew(self, name, error):
        """Of several that fail for the same reason the first is to blame."""
        self.process.flushed()
        written = [posix.lseek(fd, 0, 2) for fd in (1, 2)]
        if error is not None and self.anew and self.anew[-1][0] is error:
            return
        if error is not None or written != self.written:
            self.anew.append((error, name))
        self.written = written

    def show(self, name):
        parent = name.rpartition('.')[0]
        if parent in self.hidden:
            self.show(parent)
        self.modules[name] = self.hidden.pop(name)

    def give_back(self, instead, original):
        """Puts a function where another one has stood for it: in namespaces of modules that are copies of others."""
        for namespace in self.referrers(instead):
            if type(namespace) is dict:
                for name in [name for name, value in namespace.items() if value is instead]:
                    namespace[name] = original
        # What was last seen of them.
        for _, values, *_ in self.namespaces.looks.values():
            values[:] = [original if value is instead else value for value in values]

    def called(self, place, args, named):
        """A function of CALLS."""
        # The first finalizer has it called at the end of the process.
        is_of_finalizers = place[0] == 'atexit' and args == (getattr(class_of_finalizers(self.modules), '_exitfunc', None),)
        if self.idle or is_of_finalizers:
            return
        self.settle()
        if place == TAKES_BACK:
            self.take_back_exit(*args, **named)
        elif place[0] in OVER_STREAMS:
            self.event('effect', 'streams', ('sys', '.'.join(place)), (place, args, named))
        else:
            self.event('effect', 'call', place, (args, named))

    def take_back_exit(self, function=None):
        """To take back what nobody can have registered changes nothing, as where colorama does it with a function of its own."""
        is_own = getattr(function, '__globals__', None) is namespace_of(self.modules.get(self.stack[-1]))
        registered = [payload[0][0] for effect, place, payload in self.effects if effect == 'call' and place == CALLS[0]]
        is_registered = any(one is function for one in registered)
        if is_registered or not is_own:
            self.fault('CHANGED', '.'.join(TAKES_BACK))

def search_path_of(package, default=None):
    """As an import below a package asks it; one that keeps what it is asked for is left as it was."""
    own = namespace_of(package)
    if '__path__' in own:
        return own['__path__']
    try:
        return getattr(package, '__path__', default)
    finally:
        own.pop('__path__', None)


def is_bare(module):
    return type(module) is MODULE and namespace_of(module).get('__spec__') is None


def defined_in(value):
    """The name of the module that a class or function was defined in; of others None."""
    kind = type(value)
    if kind is FUNCTION:
        return value.__module__
    if type not in kind.__mro__:
        return None
    namespace = NAMESPACE_OF_TYPE(value)
    name = namespace.get('__module__') if namespace is not None else None
    return name if type(name) is str else 'builtins'


def unseen(name):
    """A module that is built in, and imported where nobody sees it."""
    known = name in sys.modules
    module = __import__(name)
    if not known:
        del sys.modules[name]
    return module


# Of modules that are there from the start, those whose functions are reached through them without being asked for.
COMES_WITH = {'os': ('posixpath', 'genericpath', 'stat'), 'posixpath': ('genericpath', 'stat')}

# Modules that look in /proc for what there is of their process: a template says that it has a number which none has.
LOOKING_FOR_PROCESS = {'psutil._pslinux'}

