# SPDX-License-Identifier: Apache-2.0
# What an import finds around it that is the program's own: its arguments, sys.path, its module `__main__`, and the frames of
# whoever imports. In a template that is watched reads of these are seen. Some are conditions, which each process looks at
# again with what it has then; the others are faults. What importlib itself reads is no question of the module.
#
# Conditions, as events ('finds', what, place, answer):
#   argument, entry   whether that text is among the arguments, or on sys.path
#   keeps             it has sys.argv, sys.orig_argv or sys.path itself
#   spec              where a module would be found
#   portions          what `pkgutil.extend_path` adds to that package
#   stream            its import may have got hold of sys.stdin, sys.stdout or sys.stderr (streams.py)
#   streamed          what such a stream says of itself
#   setting           that this name of sys has this value
#   counter           that a counter of another module has this number (counts.py)
#   kept              that what another module keeps for itself is what it is at first (kept.py)
#   metadata          what distributions there are along sys.path
#   date              how today's date, or the time, compares with that one (dates.py)
#   mapped            whether that text is in a path of what the process has mapped (mapped.py)
#   lacks             that a module has no such name: it was looked for, and a program may have put it there (lacks.c)
#   shown             that a module has no public names but those that it had: `from module import *` gives them all
#   logged            whether that logger logs at that level (loggers.py)
import _frozen_importlib
import _frozen_importlib_external

# Of a list: whoever calls one of these knows what it holds.
READS = (
    *('__add__', '__eq__', '__ge__', '__getitem__', '__gt__', '__iter__', '__le__', '__len__', '__lt__', '__mul__', '__ne__'),
    *('__reduce_ex__', '__repr__', '__reversed__', '__rmul__', 'copy', 'count', 'index', 'pop', 'remove'),
)
# By name in sys: what the question is whether something is in the list.
IS_IN = {'argv': 'argument', 'orig_argv': '', 'path': 'entry'}
# Functions of importlib by which it imports, or has a namespace package look for its parts; others only search.
IMPORTS = {'_find_and_load', '_gcd_import', '__import__', '_handle_fromlist', '_recalculate', '_get_parent_path'}
METADATA = 'importlib.metadata', 'importlib_metadata'
OF_DISTRIBUTIONS = '.dist-info', '.egg-info', '.egg', 'egg-info'


def name_in(frame):
    return frame.f_globals.get('__name__')


def watched_list(name, items, note):
    """A list that tells `note` which of its methods is called that says what it holds, and with which argument."""

    def reading(method):
        original = getattr(list, method)

        def read(self, *args):
            note(name, method, *args)
            return original(self, *args)

        return read

    class Watched(list):
        def __contains__(self, one):
            note(name, '__contains__', one)
            return list.__contains__(self, one)

        def __radd__(self, other):
            note(name, '__radd__')
            return other + list(self)

    for method in READS:
        setattr(Watched, method, reading(method))
    Watched.__name__ = Watched.__qualname__ = 'list'
    Watched.__module__ = 'builtins'
    return Watched(items)


def watched_main(note):
    class Main(MODULE):
        def __getattribute__(self, name):
            note(name)
            return MODULE.__getattribute__(self, name)

    Main.__name__, Main.__qualname__, Main.__module__ = MODULE.__name__, MODULE.__qualname__, MODULE.__module__
    return Main


class OfProgram:
    """Of a template that is watched, from now on."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.lists = {name: watched_list(name, getattr(sys, name), self.list_read) for name in IS_IN}
        self.known = {name: list(one) for name, one in self.lists.items()}
        for name, one in self.lists.items():
            setattr(sys, name, one)
        self.held = self.references()
        self.main = recorder.modules['__main__']
        self.main.__class__ = watched_main(self.main_read)
        self.find_spec = find = _frozen_importlib._find_spec

        def _find_spec(name, path, target=None):
            spec = find(name, path, target)
            self.sought(name, path, spec)
            return spec

        _frozen_importlib._find_spec = _find_spec

    def leave(self):
        """What comes now is none of an import's."""
        self.recorder.parsers.leave()
        self.known['argv'] = list(self.lists['argv'])
        for name, one in self.lists.items():
            setattr(sys, name, list(one))
        self.main.__class__ = MODULE
        _frozen_importlib._find_spec = self.find_spec

    def is_asked_by(self, frame):
        """Whether the code of that frame belongs to what is being imported."""
        recorder = self.recorder
        return bool(recorder.stack[-1]) and not recorder.inside and not recorder.idle and frame.f_globals is not globals()

    def finds(self, what, place, answer):
        event = 'finds', what, place, answer
        if event not in self.recorder.events[self.recorder.stack[-1]]:
            self.recorder.event(*event)

    def references(self):
        # Those of this loop count each time.
        return {name: sys.getrefcount(one) for name, one in self.lists.items()}

    def settle(self):
        """What was added to a list, as the recorder says it of lists that are no watched ones; and who keeps one."""
        for name, count in self.references().items():
            if count > self.held[name] and self.recorder.stack[-1]:
                self.finds('keeps', name, True)
        for name, one in self.lists.items():
            before, now = self.known[name], list(one)
            if before != now and name != 'path':
                more = added_to_list(before, now)
                if more is None:
                    self.recorder.fault('ARGUMENTS', 'sys.%s' % name)
                else:
                    self.recorder.event('effect', 'list', ('sys', name), more)
            self.known[name] = now

    def settled(self):
        """The recorder has its own references to what it has looked at."""
        self.held = self.references()

    def list_read(self, name, method, *args):
        reader = sys._getframe(2)
        if not self.is_asked_by(reader):
            return
        what = IS_IN[name]
        # Somebody may have added what is asked for.
        if method == '__contains__' and what and type(args[0]) is str and name_in(reader) not in IMPORTING:
            if what == 'entry' or list(self.lists[name]) == self.first(name):
                self.finds(what, args[0], args[0] in list(self.lists[name]))
                return
        if name == 'path':
            self.path_read(reader)
        elif name == 'argv' and method == '__getitem__' and args == (0,) and self.recorder.parsers.is_made_by(reader):
            self.recorder.parsers.makers.add(self.recorder.stack[-1])
        else:
            self.recorder.fault('ARGUMENTS', 'sys.%s' % name)

    def first(self, name):
        """What was in it before any import."""
        added = [event[3] for events in self.recorder.events.values() for event in events if event[:3] == ('effect', 'list', ('sys', name))]
        return self.known[name] if not added else None

    def path_read(self, reader):
        asker, module = reader, name_in(reader)
        while asker.f_back is not None and name_in(asker.f_back) in IMPORTING and name_in(asker) in IMPORTING:
            asker = asker.f_back
        if module in IMPORTING:
            is_search = asker.f_code.co_name not in IMPORTS
            # Its answer is looked at by `sought`.
            if is_search and (asker.f_back is None or asker.f_back.f_globals is not globals()):
                self.recorder.fault('PATH', asker.f_code.co_name)
        elif type(module) is str and module.endswith(METADATA):
            self.finds('metadata', '', True)
        elif module == 'pkgutil' and reader.f_code.co_name == 'extend_path' and type(reader.f_locals.get('name')) is str:
            self.finds('portions', reader.f_locals['name'], True)
        else:
            self.recorder.fault('PATH', str(module))

    def sought(self, name, path, spec):
        """A module was searched for without being imported."""
        asker = sys._getframe(2)
        if not self.is_asked_by(asker) or name_in(asker) in IMPORTING:
            return
        parent = name.rpartition('.')[0]
        usual = search_path_of(self.recorder.modules.get(parent), self) if parent else None
        kind = kind_of(spec)
        if path is not usual:
            self.recorder.fault('PATH', name)
        elif spec is None:
            if ('absent', name) not in self.recorder.events[self.recorder.stack[-1]]:
                self.recorder.event('absent', name)
        elif kind in ('builtin', 'frozen', 'source', 'extension', 'namespace'):
            self.finds('spec', name, place_of_spec(spec))
        else:
            self.recorder.fault('LOADER', name)

    def main_read(self, name):
        reader = sys._getframe(2)
        if not self.is_asked_by(reader) or self.recorder.located.is_looking(reader):
            return
        # An import statement looks whether the module is whole.
        is_importing = name == '__spec__' and reader.f_code.co_code[reader.f_lasti] == IMPORT_NAME
        if not is_importing:
            self.recorder.fault('MAIN', '__main__.%s' % name)

    def frame_seen(self, start, frame):
        """
        Somebody has got hold of a frame.

        :param start: the frame whose caller it is; None: it was asked for by a number
        """
        reader = sys._getframe(1)
        owner = self.recorder.stack[-1]
        # Of these it is known what becomes of it.
        if frame is None or owner in STACKS or not self.is_asked_by(reader) or name_in(frame) in IMPORTING:
            return
        one, is_outside = start or reader, False
        while one is not None and one is not frame:
            is_outside = is_outside or name_in(one) in IMPORTING
            one = one.f_back
        if is_outside:
            self.recorder.fault('MAIN', 'a frame of %s' % ('the program' if frame.f_code is bring.__code__ else name_in(frame)))


def watch_program(recorder):
    """Returns what is to be told of each frame that somebody gets hold of."""
    recorder.program = OfProgram(recorder)
    return recorder.program.frame_seen


def place_of_spec(spec):
    """Where a module was found, as a text; where it is no file, by which of the interpreter's finders."""
    name = getattr(spec.loader, '__name__', None) or type(spec.loader).__name__
    return '\n'.join((name, str(spec.origin), *(spec.submodule_search_locations or ())))


def condition_of_program(event, modules, effects):
    """The event as what `may_put_back` is given: this template's own objects, and what it has along sys.path."""
    _, what, place, answer = event
    if what == 'keeps':
        answer = getattr(sys, place)
    elif what == 'stream':
        answer = mark_of_stream(getattr(sys, place))
    elif what == 'streamed':
        place = tuple(place.split('\n'))
        answer = said_of_stream(*place)
    elif what == 'setting':
        answer = getattr(sys, place)
    elif what == 'counter':
        place = tuple(place.split('\n'))
        holder, name = holder_of(modules, place)
        answer = holder, attributes_of(holder).get(name) if answer == 'first' else answer
    elif what == 'kept':
        place = tuple(place.split('\n'))
        holder = holder_of_kept(modules, place)
        if holder is None:
            raise ValueError('%s.%s is not what it was' % place)
        answer = holder, attributes_of(holder)[place[1].rpartition('.')[2]]
    elif what == 'spec':
        parent = place.rpartition('.')[0]
        if parent and parent not in modules:
            raise ValueError('%s was searched for without its package' % place)
        answer = modules.get(parent), answer, finders_in_front()
    elif what == 'portions':
        answer = tuple((entry, portions_in(entry, place)) for entry in sys.path)
    elif what == 'metadata':
        parts = [payload for effect, of, payload in effects if (effect, of) == ('list', ('sys', 'meta_path'))]
        known = (*sys.meta_path, *(one for payload in parts for part in payload for one in part))
        answer = tuple((entry, distributions_in(entry)) for entry in sys.path), known
    elif what == 'date':
        place = place_of_date(place, modules)
    elif what == 'lacks':
        place = tuple(place.split('\n'))
    elif what == 'shown':
        answer = frozenset(public_names(modules[place]))
    elif what == 'logged':
        place, answer = tuple(place.split('\n')), (modules['logging'], answer)
    elif what == 'mapped' and is_mapped(place):
        raise ValueError('%s is mapped' % place)
    return 'condition', what, place, answer


# ---- in each process ----


def finders_in_front():
    """Those on sys.meta_path up to the path finder, without the runtime's, which finds what that would."""
    finders = [one for one in sys.meta_path if getattr(one, '__module__', '') != '_pycds']
    last = next((i for i, one in enumerate(finders) if one is _frozen_importlib_external.PathFinder), len(finders))
    return tuple(finders[: last + 1])


def are_same(some, others):
    return len(some) == len(others) and all(one is other for one, other in zip(some, others))


def _names_in(entry):
    """Of a directory; none where there is none, and None where it is something else."""
    try:
        return posix.listdir(entry or '.')
    except NotADirectoryError:
        return None
    except OSError:
        return []


def distributions_in(entry):
    names = _names_in(entry)
    return names and tuple(sorted(name for name in names if name.lower().endswith(OF_DISTRIBUTIONS)))


def portions_in(entry, name):
    """What a package of that name may have in a directory: itself, and a file of further ones; None: it is none."""
    return None if os.path.isfile(entry) else [one for one in (name, name + '.pkg') if os.path.lexists(os.path.join(entry, one))]


def is_path_like(then, of):
    """Whether sys.path has the entries that it had, in that order, and others are directories with nothing that counts."""
    known = dict(then)
    now = [entry for entry in sys.path if entry in known]
    if now != [entry for entry, _ in then] or not all(type(entry) is str for entry in sys.path):
        return False
    return all(of(entry) == known[entry] if entry in known else of(entry) in ([], ()) for entry in sys.path)


def _has_distributions(payload):
    then, known = payload
    others = [one for one in sys.meta_path if hasattr(one, 'find_distributions') and not any(one is other for other in known)]
    return not others and is_path_like(then, distributions_in)


def _has_spec(name, payload):
    parent, then, finders = payload
    path = None if parent is None else attributes_of(parent).get('__path__')
    if not are_same(finders_in_front(), finders) or (parent is not None and path is None):
        return False
    own = _frozen_importlib.BuiltinImporter, _frozen_importlib.FrozenImporter, _frozen_importlib_external.PathFinder
    specs = (finder.find_spec(name, path) for finder in own)
    spec = next((one for one in specs if one is not None), None)
    return spec is not None and place_of_spec(spec) == then


def _may_find(what, place, payload):
    if what == 'argument':
        return (place in sys.argv) == payload
    if what == 'entry':
        return (place in sys.path) == payload
    if what == 'keeps':
        return getattr(sys, place, None) is payload
    if what == 'spec':
        return _has_spec(place, payload)
    if what == 'stream':
        return mark_of_stream(stream_by_now(place)) is payload
    if what == 'streamed':
        return said_of_stream(*place) == payload
    if what == 'setting':
        return getattr(sys, place) == payload
    if what == 'date':
        return is_date_as_then(place, payload)
    if what == 'counter':
        return is_count(place, *payload)
    if what == 'kept':
        return is_kept_as_found(place, *payload)
    if what == 'lacks':
        return is_lacking(place)
    if what == 'shown':
        return place not in sys.modules or payload.issuperset(public_names(sys.modules[place]))
    if what == 'logged':
        return is_logged_as_then(place, *payload)
    if what == 'portions':
        return is_path_like(payload, lambda entry: portions_in(entry, place))
    return not is_mapped(place) if what == 'mapped' else _has_distributions(payload)


def public_names(module):
    return [name for name in attributes_of(module) if type(name) is str and not name.startswith('_')]


def is_lacking(place):
    module, name = place
    return to_come[place] is MISSING if place in to_come else name not in attributes_of(sys.modules.get(module))


FINDINGS = {'argument', 'date', 'entry', 'keeps', 'spec', 'portions', 'metadata', 'mapped', 'stream', 'streamed', 'setting', 'counter', 'kept', 'lacks', 'logged', 'shown'}


def finds_again(what, place, payload):
    """Whether the program has what the import has found; what cannot be said is not the same."""
    try:
        return _may_find(what, place, payload)
    except Exception:
        return False
