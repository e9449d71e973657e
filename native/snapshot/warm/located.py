# SPDX-License-Identifier: Apache-2.0
# Modules that an import has `inspect.getmodule` find by a file, as that of a frame. It looks through all modules, and
# remembers by file and by name which there are. Nothing else than the module of that file comes of it, and what is
# remembered: the first is a condition, the second is done again with the modules that would be there then, in their order.

OF_INSPECT = 'inspect'


class Located:
    """What imports of a template that is watched have found."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.code = None
        self.open = {}  # by module: files of which it has not found a module yet

    def watch(self, name, module):
        if name == OF_INSPECT and type(module.modulesbyfile) is dict:
            self.code = module.getmodule.__code__
            module.modulesbyfile = watched_files(self.note, module.modulesbyfile)

    def note(self, reader, known, *args):
        """Somebody has looked at the names by file, which are these."""
        recorder = self.recorder
        owner = recorder.stack[-1]
        if not owner or recorder.inside or recorder.idle:
            return
        if reader.f_code is not self.code or len(args) != 1:
            recorder.fault('MODULES', 'inspect.modulesbyfile')
            return
        is_open = self.open.setdefault(owner, set())
        if not dict.__contains__(known, args[0]):
            is_open.add(args[0])
            return
        is_open.discard(args[0])
        event = 'located', args[0], dict.__getitem__(known, args[0])
        if event not in recorder.events[owner]:
            recorder.event(*event)

    def looks(self, frame):
        """Whether that frame looks through all modules for this, and none of them sees that."""
        return frame.f_code is self.code and all(map(self.asks_nothing, list(self.recorder.modules.values())))

    def asks_nothing(self, one):
        """Whether nothing comes of asking a module for its file: some hand that on to what they stand for."""
        recorder = self.recorder
        if one is recorder.program.main or is_quiet(one):
            return True
        before = self.recorded()
        try:
            file = getattr(one, '__file__', '')
        except Exception:
            return False
        return MODULE in type(one).__mro__ and type(file) is str and self.recorded() == before

    def recorded(self):
        owner = self.recorder.stack[-1]
        return len(self.recorder.events[owner]), len(self.recorder.faults.get(owner, ())), list(self.recorder.modules)

    def is_looking(self, frame):
        """Whether what this frame asks is asked by that one: it is going to be asked again."""
        while frame is not None:
            if frame.f_code is self.code and 'modname' in frame.f_locals:
                return True
            frame = frame.f_back
        return False

    def blame(self):
        """What was not found might be elsewhere."""
        for owner, files in self.open.items():
            for file in sorted(files):
                self.recorder.faults.setdefault(owner, []).append(('MODULES', 'inspect.getmodule of %s' % file))


def watched_files(note, items):
    class Watched(dict):
        def __contains__(self, file):
            note(sys._getframe(1), self, file)
            return dict.__contains__(self, file)

    def reading(method):
        original = getattr(dict, method)

        def read(self, *args):
            note(sys._getframe(1), self)
            return original(self, *args)

        return read

    for method in ('__eq__', '__iter__', '__len__', '__or__', '__ror__', 'copy', 'get', 'items', 'keys', 'pop', 'popitem', 'setdefault', 'values', 'clear'):
        setattr(Watched, method, reading(method))
    Watched.__name__ = Watched.__qualname__ = 'dict'
    Watched.__module__ = 'builtins'
    return Watched(items)


def condition_of_place(event, modules, is_child):
    """The event as `may_put_back` and `put_back` are given it; raises ValueError where it is not so, other than in a child."""
    _, file, name = event
    module = modules.get(name)
    known = {id(one): (type(one), *map(attributes_of(one).get, ASKED_OF_MODULES)) for one in modules.values()}
    if not is_child and not is_alone(file, module, modules.values()):
        raise ValueError('%s is not the file of %s alone' % (file, name))
    return 'effect', 'located', file, (modules[OF_INSPECT], name, module, known)


def is_alone(file, module, modules):
    try:
        return [one for one in modules if leads_to(file_of_module(one), file)] == [module]
    except Exception:
        return False


# ---- in each process ----


def is_quiet(one):
    """Whether nothing is called where it is asked for its file, which is a text where there is one."""
    kind = type(one)
    classes = type.__dict__['__mro__'].__get__(kind)
    spaces = [vars(of) for of in classes]
    if MODULE not in classes:
        return kind.__getattribute__ is object.__getattribute__ and not any('__class__' in space for space in spaces if space is not vars(object))
    if kind.__getattribute__ is not MODULE.__getattribute__:
        return False
    own = attributes_of(one)
    found = [space['__file__'] for space in (own, *spaces) if '__file__' in space]
    if found:
        return all(type(file) is str for file in found)
    return '__getattr__' not in own and not any('__getattr__' in space for space in spaces)


def is_as_known(one, then):
    now = type(one), *map(attributes_of(one).get, ASKED_OF_MODULES)
    return then is not None and are_same(now, then)


# Of what a module has by itself.
ASKED_OF_MODULES = '__file__', '__getattr__'


def file_of_module(one):
    """Of a quiet one; None where it has none."""
    return getattr(one, '__file__', None) if isinstance(one, MODULE) else None


def leads_to(path, file):
    return path is not None and file in (path, os.path.abspath(path), os.path.realpath(path))


def is_found_again(file, payload):
    """Whether the only module of that file would be the one that was found."""
    inspect, name, module, known = payload
    if inspect.modulesbyfile.get(file, name) != name:
        return False
    for one in sys.modules.values():
        if is_as_known(one, known.get(id(one))):
            continue
        if not is_quiet(one) or (one is not module and leads_to(file_of_module(one), file)):
            return False
    return True


def modules_then(count, loading):
    """
    What was in sys.modules when a module looked: as many as there were, and those that were being loaded, each of which stands
    where it began until it is whole.
    """
    names = list(sys.modules)[:count]
    for at, (name, place) in enumerate(loading):
        names.insert(place + at, name)
    return [(name, sys.modules[name]) for name in names]


def _file_and_target(inspect, module, real):
    """As getmodule names a module's file; and what that is without links."""
    path = module.__file__
    directory, _, name = path.rpartition('/')
    if not path.endswith('.py') or os.path.normpath(path) != path or not path.startswith('/') or not _is_regular(path):
        file = inspect.getabsfile(module)
        return file, os.path.realpath(file)
    if directory not in real:
        real[directory] = os.path.realpath(directory)
    return path, '%s/%s' % (real[directory], name)


def _is_regular(path):
    try:
        return posix.lstat(path).st_mode & KINDS_OF_FILES == REGULAR
    except OSError:
        return False


def _locate(file, payload):
    """What `inspect.getmodule` leaves where it looks for that file."""
    (inspect, *_), count, loading = payload
    if file in inspect.modulesbyfile:
        return
    known, real = inspect._filesbymodname, {}
    for name, module in modules_then(count, loading):
        path = file_of_module(module)
        if path is None or path == known.get(name):
            continue
        known[name] = path
        absolute, target = _file_and_target(inspect, module, real)
        inspect.modulesbyfile[absolute] = inspect.modulesbyfile[target] = module.__name__
