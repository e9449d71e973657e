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
#                                 there later; written where neither is so each time (table.py)
#   ('unfilled', place)           it may have seen what a class or function says it is of, before anybody has filled that in (fills.py)
#   ('sees', variable, put)       it has read a variable of the environment that another one puts in: after that, or before
#   ('asks', function, which, arguments, answer)   it has asked this of its surroundings (surroundings.py)
#   ('holds', name)               a function of it remembers something of a module (table.py)
#   ('finds', what, place, answer)   it has asked for something of the program's (program.py)
#   ('located', file, name)       it has had inspect find the module of a file (located.py)
#   ('effect', what, place, payload)   see effects.py

import _codecs
import _thread

# Among what state_of_process has.
VARIABLES = 'VARIABLES', ''
HARMLESS = {
    ('sys', 'modules'),
    ('posix', 'environ'),  # see change_variables
    ('_frozen_importlib', '_module_locks'),
    ('_frozen_importlib', '_blocking_on'),
    ('sys', 'path_importer_cache'),
    ('re', '_cache'),
    ('re', '_cache2'),
    ('_strptime', '_regex_cache'),
    ('fnmatch', '_cache'),
    ('typing', '_cleanups'),
    ('ctypes', '_c_functype_cache'),
    ('ctypes', '_pointer_type_cache'),
    ('_ctypes', '_pointer_type_cache'),
    ('struct', '_cache'),
    ('enum', '_auto_null'),
}
# What classes remember of being looked at, and enumerations of flags that were put together.
OF_CLASSES = {
    *('__annotations__', '__doc__', '__parameters__', '_abc_impl', '__abstractmethods__'),
    *('_value2member_map_', '_unhashable_values_'),
}
SYSCONFIG = {('sysconfig', '_CONFIG_VARS'): None, ('sysconfig', '_CONFIG_VARS_INITIALIZED'): False}
# Remembered answers, by their empty value: taken out at the freeze.
FORGOTTEN = {
    **{('platform', '_uname_cache'): None, ('platform', '_sys_version_cache'): {}, ('platform', '_platform_cache'): {}},
    **{('inspect', 'modulesbyfile'): {}, ('inspect', '_filesbymodname'): {}},
    **SYSCONFIG,
}
# Not of the image, or another one in each container.
OUTSIDE = ('/proc/', '/sys/', '/dev/', '/etc/', '/run/', '/tmp/', '/var/')
# By the beginning of a library's file: the bytes that it draws once, of which it makes the keys of its hash maps. The crate
# ahash draws them like any others.
SEEDS_OF_MAPS = {'_pydantic_core': 64}


SPEC = type(sys.__spec__)
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
        self.stack = ['']
        self.events = {'': []}
        self.faults = {}
        self.renewed = {}  # by module: those that are none, since it does the same in each process
        self.numbered = set()  # (module, library that has asked then which file a device of random bytes is)
        self.reads = {}
        self.read_by = {}  # the same of libraries: by module that was loaded then, and library
        self.files = {}
        self.changes = []
        self.bound = set()  # modules that became attributes of their packages
        self.rebound = {}
        # By place: (who has put a function or a spec in the place of another, the effect's payload: that one, the function,
        # nothing; whose import has called or read that one before)
        self.replaced = {}
        self.watched_spec = watched_spec(self.spec_read)
        self.readers_of_specs = {}  # by address: the modules whose import has read one
        self.failed = {}
        self.held = {}  # by module, of what kinds that is which it has when its body has run
        self.costs = {}  # by module, seconds of processor: without what it has imported
        self.begun = []  # in this order
        self.effects = []
        self.hidden = {}
        self.drawn = set()  # libraries of SEEDS_OF_MAPS that have drawn what they draw once
        self.extensions = []  # that are being initialised
        # Modules that extension modules share: the first that needs one makes it. By name: how many refer to what it has.
        self.shared = {}
        self.shared_conditions = {}  # by what each is about: as shadow.c has them
        self.flags = {}  # values of theirs, by module and name
        self.seeds = {}  # by module: how many generators of random numbers have drawn their state
        self.generators = {}  # by address: those that are seeded again
        self.models = {}  # by class of generators: one that was made by this, and how often it has drawn
        self.seeded = {}  # by module: where a template that was watched has held such generators
        self.generator_states = {}  # of those that all modules share, by module
        self.fork_handlers = 0  # of libraries, since the last look
        self.known_libraries = set(libraries())
        self.libraries = {}  # by module: what was loaded for it
        self.base_globals = self.known_globals = global_scope()
        self.globals = {}  # by module: those of them whose symbols all others see since
        self.idle = False
        self.monitored = False  # a tool may have been told what to listen to
        self.variables = None
        self.put = []  # (by, variables before, and then)
        self.of_c = {}  # by name, who has put one in that the C library alone has
        # By name of a variable that a module has put in: who has read it before, and that module.
        self.readers = {}
        # Where ignored warnings have left that they came: addresses of dictionaries; where nobody watches, (by, name of the module).
        self.registries, self.warned_in = set(), set()
        self.rewritten = {}  # by module: the variables as they were before it changed them
        self.anew = []  # the modules that could not be loaded anew
        self.inside = False
        self.clock = __import__('time').process_time
        self.since = self.clock()  # what has been done since was done by the module that is being loaded
        self.known = set(sys.modules)
        self.base = dict(sys.modules)
        # Where modules are may be anywhere.
        self.inside_of = tuple(one.rstrip('/') + '/' for one in (*sys.path, sys.prefix, sys.base_prefix) if one.startswith('/'))
        self.finders = set(sys.path_importer_cache)
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
        self.lists = {}
        self.loggers = {}
        self.makers_of_loggers = {}
        self.settings_of_loggers = {}
        self.logging_manager = None
        self.watched_levels = []
        # Namespaces of modules and classes, and what was last seen of them.
        self.namespaces, self.owners, self.places, self.looks = [], [], {}, {}
        self.objects, self.classes, self.kinds = {}, {}, {}
        self.bases = {}  # by address of a class: the module that has it, and what it was derived from at first
        # By address: classes that were asked for those derived from them; of those that are known by now, pairs of addresses.
        self.asked_of, self.derived = {}, set()
        self.base_classes = all_classes() if watching else {}
        self.makers = {}  # by address of a class, who has made it and bound it to its name; None: that is known better
        self.prints = b''
        self.compared = set()  # addresses of lists, dictionaries and sets in them whose changes are known by now
        self.collector = unseen('gc')
        self.referents, self.referrers = self.collector.get_referents, self.collector.get_referrers
        self.all_objects = self.collector.get_objects
        self.is_tracing_memory = unseen('_tracemalloc').is_tracing
        self.names = {}
        self.finalizers = None
        self.state = None
        self.program = None  # in a template that is watched, from then on
        self.settle()
        self.loggers_before = set(self.loggers)
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
        self.stop_monitoring()
        self.settle_modules()
        self.settle_libraries()
        self.settle_codecs()
        self.settle_processor()
        self.settle_locals()
        self.settle_descriptors()
        self.settle_lists()
        self.settle_loggers()
        self.settle_derived()
        self.settle_finalizers()
        if self.program:
            self.program.settle()
        self.settle_attributes()
        if self.program:
            self.program.settled()
        self.settle_variables()
        if self.watching:
            self.settle_witnesses()
            self.settle_process()
            self.settle_generators()
            self.settle_settings_of_loggers()
        self.inside = False

    def settle_modules(self):
        if self.watching:
            self.take_modules_of_c()
            self.settle_shared()
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
        if name in self.shared:
            return
        # One below an extension module is that module's own.
        if self.extensions[-1:] == self.stack[-1:] and '.' not in name and is_bare(self.modules[name]):
            self.shared[name] = {}
            # Whoever holds the module itself meanwhile would count.
            self.look_at_shared(name)
        else:
            self.event('set', name)

    def settle_shared(self):
        for name in list(self.shared):
            if name in self.modules:
                self.look_at_shared(name)

    def look_at_shared(self, name):
        """Who needs what a shared module has refers to it ever after."""
        module, known = self.modules[name], self.shared[name]
        namespace, now, flags = namespace_of(module), {'': sys.getrefcount(module)}, []
        for key in [key for key in namespace if key not in OF_MODULES]:
            if type(namespace[key]) is bool:
                # So that the next that sets it is seen too.
                self.flags[name, key] = namespace.pop(key)
                flags.append(key)
            elif type in type(namespace[key]).__mro__:
                now[key] = sys.getrefcount(namespace[key])
            else:
                self.keep(name)
                return
        used = [key for key in now if now[key] > known.get(key, 0)]
        self.shared[name] = now
        if flags or (used and self.extensions[-1:] == self.stack[-1:]):
            self.event('share', name, [key for key in used if key] + flags)

    def keep(self, name):
        """It has something that others could not bring: it is the module's that has made it."""
        del self.shared[name]
        for events in self.events.values():
            for place, event in enumerate(events):
                if event[:2] == ('share', name):
                    events[place] = ('set', name)
                    return
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
        if made is not None and 'random' in self.generator_states:
            self.generator_states['random'] = self.locals.state or self.generator_states['random']

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

    def settle_loggers(self):
        module = self.modules.get('logging')
        manager = manager_of(module)
        if manager is None:
            return
        now = manager.loggerDict
        fresh = []
        for name, logger in now.items():
            if self.loggers.get(name) is not logger:
                if isinstance(logger, module.Logger):
                    fresh.append((name, logger))
                    self.makers_of_loggers[name] = self.stack[-1]
                self.loggers[name] = logger
        if fresh:
            self.event('effect', 'loggers', ('logging', ''), fresh)

    def settle_settings_of_loggers(self):
        """What a module has set in a logger that another one has made, which is none of its own submodules."""
        module = self.modules.get('logging')
        manager = manager_of(module)
        if manager is None:
            return
        loggers = {'': module.root, **{name: one for name, one in manager.loggerDict.items() if isinstance(one, module.Logger)}}
        now = {name: Same((*one.handlers, *one.filters, one.level, one.disabled, one.propagate)) for name, one in loggers.items()}
        before, self.settings_of_loggers = self.settings_of_loggers, now
        owner = self.stack[-1]
        for name, settings in now.items():
            maker = self.makers_of_loggers.get(name, '')
            if before.get(name, settings) != settings and maker != owner and not maker.startswith(owner + '.'):
                self.fault('CHANGED', "logging.getLogger('%s')" % name)
        managed = Same((manager.disable, manager.loggerClass, manager.logRecordFactory))
        if self.logging_manager not in (None, managed):
            self.fault('CHANGED', 'logging.disable')
        self.logging_manager = managed

    def settle_witnesses(self):
        owner = self.stack[-1]
        names = self.drawn_names.take()
        for kind, found in self.probe():
            if kind == 'ENVIRONMENT':
                for name, library in found:
                    self.read(name, True)
                    if name in self.reads.get(owner, ()):
                        self.read_by.setdefault((owner, library), set()).add(name)
            elif kind == 'SEEDS':
                self.seeds[owner] = self.seeds.get(owner, 0) + found
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
                    self.read('TZ', True)
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
        drawn = self.seeds.pop(name, 0)
        if drawn or name in self.seeded:
            self.settle_drawn(name, namespace_of(module), drawn)

    def settle_parsers(self, name):
        self.inside = True
        made = self.parsers.take(name, self.modules, self.all_objects)
        self.inside = False
        if made is not None:
            self.event('effect', 'parsers', 'argparse', made)

    def settle_drawn(self, name, namespace, drawn):
        """Generators that have drawn their state, which are seeded again: all those that are as they were made."""
        found = generators_in(name, namespace)
        found = {place: [one for one in those if id(one) not in self.generators] for place, those in found.items()}
        if self.watching:
            places = [place for place, those in found.items() if those and all(map(self.is_fresh, those))]
        else:
            places = self.seeded[name]
        fresh = [one for place in places for one in found.get(place, ())]
        self.generators.update((id(one), one) for one in fresh)
        if fresh:
            self.event('effect', 'seed', ' '.join((name, *places)), list(map(seed_of_generator, fresh)))
        if drawn > sum(map(self.draws_of, fresh)):
            self.fault('ENTROPY')

    def is_fresh(self, generator):
        return state_of_generator(generator) == state_of_generator(self.made(class_of_generator(generator))[0])

    def draws_of(self, generator):
        """How often its state was drawn when it was made."""
        plain = next((one for one in type(generator).__mro__ if one.__module__ == 'random' and one.__name__ == 'Random'), None)
        is_plain = plain is not None and type(generator).seed is plain.seed and type(generator).__init__ is plain.__init__
        return self.made(plain if is_plain else class_of_generator(generator))[1]

    def made(self, kind):
        """A generator of this class that has just been made, and how often it has drawn."""
        if kind not in self.models:
            self.inside = True
            self.probe()
            one = kind()
            self.models[kind] = one, dict(self.probe()).get('SEEDS', 0)
            self.inside = False
        return self.models[kind]

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

    def settle_attributes(self):
        for modules in (self.modules, self.hidden):
            for name, module in list(modules.items()):
                if name in self.shared:
                    continue
                # Some have two names.
                if self.objects.get(name) is not module and self.names.setdefault(id(module), name) == name:
                    self.objects[name] = module
                    self.follow(name, None, namespace_of(module))
                    self.watch_spec(namespace_of(module))
                self.settle_kind(name, module)
        now = fingerprints(self.namespaces)
        if now == self.prints:
            return
        self.compared = set()
        for place in range(len(self.namespaces)):
            if now[8 * place : 8 * place + 8] != self.prints[8 * place : 8 * place + 8]:
                self.settle_namespace(place)
        self.prints = fingerprints(self.namespaces)

    def settle_kind(self, name, module):
        kind, owner = type(module), self.stack[-1]
        if self.kinds.setdefault(name, kind) is not kind:
            self.kinds[name] = kind
            # Who has made a module says what it is (importlib.util.LazyLoader).
            if owner and name not in ('__main__', owner) and ('set', name) not in self.events[owner]:
                self.fault('CHANGED', name + '.__class__')

    def watch_spec(self, namespace):
        """From now on it is seen which modules' imports read the spec of this one."""
        spec = namespace.get('__spec__')
        if self.watching and type(spec) is SPEC:
            spec.__class__ = self.watched_spec

    def spec_read(self, spec, attribute):
        if not self.inside and not self.idle and attribute not in UNTOLD_OF_SPECS:
            self.readers_of_specs.setdefault(id(spec), set()).add(self.stack[-1])

    def follow(self, name, class_name, namespace):
        """From now on changes of this namespace, of a module or of one of its classes, are seen."""
        place = self.places.setdefault((name, class_name), len(self.namespaces))
        if place < len(self.namespaces):
            self.namespaces[place] = namespace
        else:
            self.namespaces.append(namespace)
            self.owners.append((name, class_name))
        self.looks[place] = look(namespace)
        if class_name is None:
            self.follow_classes(name, namespace)

    def follow_classes(self, name, namespace):
        for value in list(namespace.values()):
            if type in type(value).__mro__ and id(value) not in self.classes and self.is_class_of(name, value):
                self.classes[id(value)] = value
                self.fills.classes[name, value.__qualname__] = value
                self.bases[id(value)] = name, BASES(value)
                if self.watching and self.stack[-1] == name and id(value) not in self.makers:
                    self.makers[id(value)] = name
                    self.event('made', value)
                self.follow(name, value.__qualname__, self.referents(vars(value))[0])
                self.follow_inner(name, value)

    def is_class_of(self, name, value):
        """Some say that they are of a module that there is not."""
        of = defined_in(value)
        return of == name or (of not in self.modules and of not in self.hidden and namespace_of(self.objects.get(name)).get(value.__qualname__) is value)

    def follow_inner(self, name, outer):
        """Classes that have their name in another one."""
        for key, value in NAMESPACE_OF_TYPE(outer).items():
            is_class = type in type(value).__mro__ and id(value) not in self.classes
            if is_class and defined_in(value) == name and value.__qualname__ == '%s.%s' % (outer.__qualname__, key):
                self.classes[id(value)] = value
                self.follow(name, value.__qualname__, self.referents(vars(value))[0])
                self.follow_inner(name, value)

    def look_again(self, owners):
        """What was changed in these namespaces since they were looked at was changed by nobody."""
        for place in [self.places[owner] for owner in owners if owner in self.places]:
            namespace = self.namespaces[place]
            self.looks[place] = look(namespace)
            if 8 * place < len(self.prints):
                self.prints = self.prints[: 8 * place] + fingerprints([namespace]) + self.prints[8 * place + 8 :]

    def settle_derived(self):
        """What has been derived from classes that were asked before."""
        inside, self.inside = self.inside, True
        for of in self.asked_of.values():
            for one in SUBCLASSES(of):
                if (id(of), id(one)) not in self.derived:
                    self.derived.add((id(of), id(one)))
                    if id(one) not in self.makers:
                        self.makers[id(one)] = None
                        self.event('made', one)
        self.inside = inside

    def settle_namespace(self, place):
        owner = self.stack[-1]
        name, class_name = self.owners[place]
        namespace, before = self.namespaces[place], self.looks.get(place)
        if owner and owner != name and before is not None:
            if class_name is None:
                self.compare(name, namespace, before)
            else:
                self.compare_class(name, class_name, namespace, before)
        self.looks[place] = look(namespace)
        if class_name is None:
            self.follow_classes(name, namespace)
            self.watch_spec(namespace)

    def compare_class(self, name, class_name, namespace, before):
        """Something else than the class' own module has changed the class."""
        keys, values, containers, _, contents = before
        old, copies = dict(zip(keys, values)), dict(zip(map(id, containers), contents))
        followed = self.followed()
        for key, value in [*namespace.items(), *((key, MISSING) for key in keys if key not in namespace)]:
            known = old.get(key, MISSING)
            place = (name, '%s.%s' % (class_name, key))
            if key in OF_CLASSES or (name, class_name) == FINALIZERS:
                continue
            # Gone with the module that the class says it is of.
            if key == '__firstlineno__' and (name, '%s.__module__' % class_name) in self.fills.by_place:
                continue
            if known is value:
                if id(value) not in followed and id(value) in copies and len(copies[id(value)]) != len(value):
                    self.compare_contents(place, copies[id(value)], value)
            elif known is MISSING or value is MISSING:
                self.event('effect', 'attribute', place, (known, value, keys))
            elif not self.counts.take(place, known, value) and not self.fills.take_class(place, known, value, old):
                self.rebind(place, known, value)

    def followed(self):
        """Addresses of what is looked at by itself."""
        return {id(list_of(self.modules, place)) for place in LISTS + DICTS} - {id(None)}

    def compare(self, name, namespace, before):
        """Something else than the module itself has changed its namespace."""
        keys, values, containers, _, contents = before
        # Made by the first of several that use it: it never was there as it would be without the others.
        is_shared = name not in self.base and name not in self.begun and namespace.get('__spec__') is None
        old = dict(zip(keys, values))
        copies = dict(zip(map(id, containers), contents))
        followed = self.followed()
        warned = False
        for key, value in namespace.items():
            known = old.pop(key, MISSING)
            place = (name, key)
            if place in HARMLESS or place in FORGOTTEN or place in ATTRIBUTES:
                continue
            if key == '__warningregistry__':
                is_expected = id(value) in self.registries and not value
                warned = not is_expected and (known is not value or len(copies.get(id(value), value)) != len(value))
            elif known is value:
                if id(value) not in followed and id(value) in copies and len(copies[id(value)]) != len(value):
                    self.compare_contents(place, copies[id(value)], value)
            elif value is self.modules.get('%s.%s' % place, self) and known is MISSING:
                self.bound.add('%s.%s' % place)
            elif known is MISSING and self.fills.take_name(place, self.objects[name], value):
                continue
            elif (known is MISSING or known is None) and not is_shared:
                self.event('effect', 'attribute', place, (known, value, keys))
            elif not self.counts.take(place, known, value):
                self.rebind(place, known, value)
        if warned and not self.watching:
            self.warned_in.add((self.stack[-1], name))
        elif warned:
            self.fault('WARNED', name)
            # A warning that is ignored leaves its registry, and no entry in it: the next would not be seen.
            del namespace['__warningregistry__']
        for key in old:
            if (name, key) not in FORGOTTEN:
                self.changes.append((self.stack[-1], name, key + ' (removed)'))

    def rebind(self, place, before, now):
        """What is put back later has never been changed; it may have been for as long as something was imported."""
        if is_equal(before, now):
            return
        owner, original = self.rebound.pop(place, (self.stack[-1], before))
        change = (owner, *place)
        self.take_back(owner, place)
        if change in self.changes:
            self.changes.remove(change)
        if original is now:
            return
        self.rebound[place] = owner, original
        are_functions = type(original) is type(now) and is_function(now) and is_function(original)
        if owner == self.stack[-1] and (are_functions or place in SIZES_OF_CACHES or self.is_second_name(place, now)):
            self.replace(place, original, now)
        else:
            self.changes.append(change)

    def is_second_name(self, place, now):
        """Whether a spec is that of the module being loaded, for which a loader has handed out another one."""
        name, owner = place[0], self.stack[-1]
        is_spec = place[1] == '__spec__' and is_spec_of(now, owner)
        return is_spec and owner in self.modules and self.modules[owner] is self.modules.get(name)

    def replace(self, place, original, now):
        """Something stands in the place of another module's function, spec or setting; table.py says who else has got hold of either."""
        owner = self.stack[-1]
        payload = original, now, []
        self.replaced[place] = owner, payload, self.users_of(original)
        self.event('effect', 'attribute', place, payload)

    def users_of(self, value):
        """The modules whose import has called a function, or read a spec."""
        if is_function(value):
            return callers_of(getattr(value, '__func__', value).__code__)
        return sorted(self.readers_of_specs.get(id(value), ()))

    def take_back(self, owner, place):
        if place not in self.replaced:
            return
        payload = self.replaced.pop(place)[1]
        self.events[owner] = [event for event in self.events[owner] if event[-1] is not payload]
        self.effects = [effect for effect in self.effects if effect[-1] is not payload]

    def compare_contents(self, place, before, now):
        # What more than one module has is changed once: where it was first.
        if id(now) in self.compared:
            return
        self.compared.add(id(now))
        more = added(before, now)
        if more is None:
            self.changes.append((self.stack[-1], place[0], place[1] + ' (contents)'))
        elif any(more) if type(now) is list else more:
            self.event('effect', type(now).__name__, place, more)

    def settle_variables(self):
        """Those that a module has put behind all others; change_variables looks at other changes."""
        now, owner = (list(dict.items(os.environ._data)), c_variables()), self.stack[-1]
        before, self.variables = self.variables, now
        if before is None or now == before or not owner:
            return
        fresh = [added_behind(*both) for both in zip(before, now)]
        if None not in fresh and self.put_in(before[1], *fresh):
            self.put.append((owner, before, now))
        elif self.put and self.put[-1] == (owner, now, before):
            self.put.pop()
            known, everywhere = [added_behind(*both) for both in zip(now, before)]
            for name in map(name_of_variable, everywhere):
                since = {one for one, read in self.reads.items() if name in read} - self.readers.pop(name) - {owner}
                for one in since:
                    self.faults.setdefault(one, []).append(('VARIABLES', name))
                self.of_c.pop(name, None)
                self.take_away('variable', name)
                self.take_away('c_variable', name)
        else:
            return
        # There is nothing else to find.
        if self.watching:
            self.state[VARIABLES] = now

    def put_in(self, before, known, everywhere):
        """What Python has come to know, and what the C library has behind `before`; False: that is no part of this, in its order."""
        of_python, owner = [b'%s=%s' % pair for pair in known], self.stack[-1]
        names = list(map(name_of_variable, everywhere))
        if [entry for entry in everywhere if entry in of_python] != of_python or not all(names):
            return False
        if len(set(names)) != len(names) or not set(names).isdisjoint(map(name_of_variable, before)):
            return False
        for name, entry in zip(names, everywhere):
            self.readers.setdefault(name, {one for one, read in self.reads.items() if name in read} | {owner})
            if entry in of_python:
                self.event('effect', 'variable', name, os.fsdecode(entry.partition(b'=')[2]))
            else:
                self.of_c[name] = owner
                self.event('effect', 'c_variable', name, entry)
        return True

    def take_away(self, what, place):
        owner = self.stack[-1]
        payloads = [event[3] for event in self.events[owner] if event[:3] == ('effect', what, place)]
        self.events[owner] = [event for event in self.events[owner] if event[:3] != ('effect', what, place)]
        self.effects = [effect for effect in self.effects if effect[:2] != (what, place) or effect[2] not in payloads]

    def settle_process(self):
        now = dict(self.state_of_process())
        before = self.state
        self.state = now
        if before is None:
            return
        for (reason, detail), value in now.items():
            if value == before[reason, detail]:
                continue
            # A library's own threads, which it ends before a fork: it starts them again when it needs them.
            if reason == 'VARIABLES':
                self.change_variables(before[reason, detail], value)
            elif reason == 'THREAD' and self.fork_handlers:
                if ('pool', self.processors) not in self.events[self.stack[-1]]:
                    self.event('pool', self.processors)
            else:
                self.fault(reason, detail)

    def settle_generators(self):
        """Whoever seeds one that all modules share, or draws from it, changes what others will draw."""
        for name, state in states_of_generators(self.modules):
            if self.generator_states.setdefault(name, state) != state:
                self.generator_states[name] = state
                self.fault('ENTROPY', name)

    def state_of_process(self):
        """What memory does not hold, or what would be so from the start: ((reason of a fault, detail), value), ..."""
        status = dict(line.split(':\t', 1) for line in self.text('/proc/self/status').splitlines() if ':\t' in line)
        yield ('THREAD', ''), status.get('Threads')
        yield ('UMASK', ''), status.get('Umask')
        yield ('SIGNAL', ''), (of_program(status.get('SigCgt')), status.get('SigIgn'), status.get('SigBlk'), handlers())
        for detail, names in STATUS.items():
            yield ('PROPERTY', detail), [status.get(name) for name in names]
        yield ('PROPERTY', 'timers'), self.text('/proc/self/timers')
        # A callback of ctypes is executable code that can be written.
        yield ('MAPPED', 'to write and execute, or to share'), [*filter(is_unfit_mapping, self.text('/proc/self/maps').splitlines())]
        yield ('LIMIT', ''), self.text('/proc/self/limits')
        yield ('PROCESS', ''), self.text('/proc/self/task/%s/children' % posix.readlink('/proc/self'))
        yield ('DIRECTORY', ''), posix.getcwd()
        yield ('PRINTED', ''), [posix.lseek(fd, 0, 2) for fd in (1, 2)] if self.flushed() else None
        numbers = {}
        for line in process_state().splitlines():
            what, _, number = line.partition('=')
            reason, _, detail = what.partition(' ')
            numbers.setdefault((reason, detail), []).append(number)
        # Those that Python knows, and all of them.
        yield VARIABLES, (list(dict.items(os.environ._data)), c_variables())
        yield from numbers.items()
        for detail, value in self.settings():
            yield ('INTERPRETER', detail), value

    def stop_monitoring(self):
        """No tool is told of what is run here: what it keeps would grow as it is looked at. Its module is left out for it."""
        if self.watching and self.monitored:
            for tool in range(6):
                if sys.monitoring.get_tool(tool) is not None:
                    sys.monitoring.set_events(tool, 0)
            self.monitored = False

    def settings(self):
        """Of the interpreter: what can be asked for."""
        yield 'recursion limit', sys.getrecursionlimit()
        yield 'switch interval', sys.getswitchinterval()
        yield 'flags of dlopen', sys.getdlopenflags()
        yield 'tracing', (sys.gettrace(), sys.getprofile(), self.is_tracing_memory())
        yield 'sys.path', list(sys.path)
        yield 'sys.dont_write_bytecode', sys.dont_write_bytecode
        yield 'digits of integers', sys.get_int_max_str_digits()
        yield 'hooks of asynchronous generators', Same(sys.get_asyncgen_hooks())
        yield 'origins of coroutines', sys.get_coroutine_origin_tracking_depth()
        # Whoever asks for it sets it to the default.
        size = _thread.stack_size()
        _thread.stack_size(size)
        yield 'stack size of threads', size
        yield 'collector', (self.collector.get_threshold(), self.collector.isenabled(), self.collector.get_debug())
        # Extension modules do not find it while they are loaded.
        default = namespace_of(self.modules.get('decimal', self.hidden.get('decimal'))).get('DefaultContext')
        yield 'context variables', Same(one for pair in context().items() if not is_untouched(*pair, default) for one in pair)
        yield 'handlers of codec errors', Same(map(_codecs.lookup_error, ERROR_HANDLERS))
        for name in ('stdin', 'stdout', 'stderr'):
            stream = getattr(sys, name)
            yield 'sys.' + name, [getattr(stream, one, None) for one in ('line_buffering', 'write_through', 'errors', 'encoding')]
        if hasattr(sys, 'monitoring'):
            tools = range(6)
            yield 'sys.monitoring', [(sys.monitoring.get_tool(i), sys.monitoring.get_tool(i) and sys.monitoring.get_events(i)) for i in tools]

    def asked_logger(self, logger, level, answer):
        """Somebody asks a logger for its level, or whether it logs at one."""
        module = self.modules.get('logging')
        if not self.stack[-1] or self.inside or self.idle:
            return
        inside, self.inside = self.inside, True
        # It may have been made since.
        self.settle_loggers()
        self.inside = inside
        known = manager_of(module) and (module.root if logger is module.root else module.root.manager.loggerDict.get(logger.name))
        if known is not logger or type(level or 0) is not int:
            self.fault('CHANGED', 'a logger of its own')
        else:
            self.program.finds('logged', '%s\n%s' % (logger.name, level), answer)

    def calls(self, function):
        """A function in C is called, of which not more is known; whether it is one of those that change something."""
        place = function.__module__, function.__name__
        if place in OF_ENTRIES and NAME_OF_TYPE(type(function.__self__)) == 'DirEntry':
            reason = 'LISTED'
        else:
            reason = CHANGING.get(place) or CHANGING.get((place[0], ''))
        if reason and self.stack[-1] and not self.inside and not self.idle:
            self.fault(reason, '.'.join(filter(None, place)))
        return reason is not None

    def warns(self, args, named):
        """A warning is going to be emitted; returns what `warned` goes by."""
        owner = self.stack[-1]
        if not owner or self.inside or self.idle:
            return None
        given = {**dict(zip(('message', 'category', 'stacklevel'), args)), **named}
        text, category = given.get('message'), given.get('category') or UserWarning
        if isinstance(text, Warning):
            text, category = str(text), type(text)
        namespace, line = emitter_of(sys._getframe(1), given.get('stacklevel', 1))
        module = namespace.get('__name__') or '<string>'
        if type(text) is not str or type(module) is not str or given.get('skip_file_prefixes'):
            self.fault('WARNED', str(module))
            return None
        action, is_own = action_for(text, category, module, line)
        names = [name for name in (owner, self.stack[-2]) if name and namespace_of(self.modules.get(name)) is namespace]
        # Filters for as long as something is imported are none of the process, unless they say the same: whoever imports then.
        if is_own and (action != 'ignore' or names[:1] in ([], [owner]) or lasting_action(text, category, module, line) != action):
            return None
        if action != 'ignore' or not names:
            self.fault('WARNED', module)
            return None
        # Filters that it has added itself come first.
        self.settle_lists()
        return namespace, ('warned', names[0], text, category, module, line)

    def warned(self, expected):
        """What was expected has happened: it was ignored."""
        namespace, event = expected
        registry = namespace.get('__warningregistry__')
        if type(registry) is not dict or list(registry) != ['version']:
            self.fault('WARNED', event[1])
            return
        # What the next one leaves, which may come from where nobody sees it, is seen.
        registry.clear()
        self.registries.add(id(registry))
        self.event(*event)

    def name_warned(self, event):
        """The event in words."""
        _, name, text, category, module, line = event
        if not is_named_class(self.modules, category):
            self.fault('WARNED', name)
            return None
        return 'warned', name, text, name_of_class(category), module, line

    def name_warnings(self):
        for owner, events in self.events.items():
            self.stack.append(owner)
            named = [self.name_warned(event) if event[0] == 'warned' else event for event in events]
            self.events[owner] = [event for event in named if event]
            self.stack.pop()

    def change_variables(self, before, now):
        """What a module has put in for as long as it was imported, and taken out again, nobody finds."""
        owner = self.stack[-1]
        if self.rewritten.setdefault(owner, before) == now:
            del self.rewritten[owner]

    def flushed(self):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        return True

    def text(self, path):
        try:
            descriptor = posix.open(path, posix.O_RDONLY)
        except OSError:
            return ''
        parts = []
        while part := posix.read(descriptor, 65536):
            parts.append(part)
        posix.close(descriptor)
        return b''.join(parts).decode('latin-1')

    def changes_now(self):
        return [list(change) for change in self.changes]

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
        if name in self.shared:
            # A module in Python asks for what extension modules share: it is one like others.
            self.keep(name)
        if self.modules.get(name) is None or ('ask', name) in self.events[self.stack[-1]]:
            return
        self.settle_modules()
        self.settle_lists()
        self.settle_loggers()
        self.settle_derived()
        self.fills.settle()
        self.event('ask', name)
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
        self.flushed()
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
        for _, values, *_ in self.looks.values():
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

    def looked(self, name):
        """Python code that is not importlib's has looked for a module; returns it, or None where there is none."""
        module = self.modules.get(name)
        owner = self.stack[-1]
        if self.inside or not owner or type(name) is not str or name == owner or owner.startswith(name + '.'):
            return module
        if sys._getframe(2).f_globals.get('__name__') in IMPORTING:
            return module
        if name in self.hidden:
            self.show(name)
            module = self.modules[name]
        event = ('unseen' if module is None else 'seen', name)
        if name not in self.base and event not in self.events[owner]:
            self.event(*event)
        return module

    def looked_at_all(self):
        frame = sys._getframe(2)
        code = frame.f_code
        packages = NAMES_OF_PACKAGES.get(self.stack[-1])
        if packages and code.co_name == '<module>' and texts_of(code) <= {*packages, *PARTS_OF_NAMES}:
            self.looked_at_packages(packages)
        elif self.stack[-1] and not self.inside and self.located.looks(frame):
            return
        elif self.stack[-1] and not self.inside and (code.co_name, code.co_filename.rpartition('/')[2]) not in LOOKS_UP:
            self.fault('MODULES', code.co_name)

    def looked_at_packages(self, packages):
        """Of all names only those of some packages count; they have to be the same again."""
        if self.inside:
            return
        for name in self.modules:
            if name.partition('.')[0] in packages:
                self.looked(name)
        if not any(event[0] == 'names' for event in self.events[self.stack[-1]]):
            self.event('names', ' '.join(packages))

    def asked_classes(self, of):
        """A class was asked for those that are derived from it; of a module's own they are known."""
        owner = self.stack[-1]
        if not owner or self.inside or self.idle or defined_in(of) == owner:
            return
        self.inside = True
        self.settle_derived()
        # Nothing else: what the module has done until its next import is one effect, also where nobody watches.
        self.follow_classes(owner, namespace_of(self.modules.get(owner)))
        self.inside = False
        answer = SUBCLASSES(of)
        if not can_hide(of) or not all(map(self.is_made_by_known, answer)):
            self.fault('CLASSES', name_of_class(of))
            return
        if id(of) not in self.asked_of:
            self.asked_of[id(of)] = of
            self.derived.update((id(of), id(one)) for one in answer)
        event = ('classes', of, answer)
        events = self.events[owner]
        since = next((i for i in range(len(events), 0, -1) if events[i - 1][0] != 'classes'), 0)
        if event not in events[since:]:
            self.event(*event)

    def is_made_by_known(self, one):
        """Whether it was there before, or is known since it was made."""
        return id(one) in self.base_classes or id(one) in self.makers

    def name_classes(self):
        """Writes the events of classes with their names; a module that has asked for one that has none has a fault."""
        if self.asked_of:
            self.collector.collect()
        self.inside = True
        held = {id(of): set() for of in self.asked_of.values()}
        for owner, events in self.events.items():
            named = []
            for event in events:
                if event[0] != 'made':
                    named.append(event)
                    continue
                for of in BASES(event[1]):
                    if id(of) in held and is_named_class(self.modules, event[1]) and is_named_class(self.modules, of):
                        held[id(of)].add(id(event[1]))
                        named.append(('derives', of, event[1]))
            self.events[owner] = in_order_of_making(named)
        for owner, events in self.events.items():
            self.stack.append(owner)
            self.events[owner] = [event for event in map(self.named_event, events, [held] * len(events)) if event]
            self.stack.pop()
        self.inside = False

    def named_event(self, event, held):
        if event[0] == 'derives':
            return 'derives', *map(name_of_class, event[1:])
        if event[0] != 'classes':
            return event
        _, of, answer = event
        # Whatever is left of those that nobody can name would be another one in each process.
        are_known = all(id(one) in held[id(of)] or id(one) in self.base_classes for one in (*answer, *SUBCLASSES(of)))
        if are_known and all(is_named_class(self.modules, one) for one in (of, *answer)):
            return 'classes', name_of_class(of), ' '.join(map(name_of_class, answer))
        self.fault('CLASSES', name_of_class(of))
        return None

    def read(self, name, is_before=False):
        """
        A variable of the environment was read. Returns what it has instead; None: what it has.

        :param is_before: nobody knows whether that was before what else the module has done
        """
        if name == 'HOME' and asks_for_user_base(self):
            return b'/elsewhere' if ELSEWHERE else None
        # Where programs are: the answer is asked for again.
        if name == 'PATH' and asks_for_processor(self.modules.get('platform')):
            return None
        owner = self.stack[-1]
        if not owner:
            return None
        for one in (owner, *keepers_between(self, sys._getframe(1), owner)):
            self.reads.setdefault(one, set()).add(name)
        # Another one has put it in before.
        event = 'sees', name, True
        if owner not in self.readers.get(name, (owner,)) and event not in self.events[owner]:
            self.events[owner].insert(0 if is_before else len(self.events[owner]), event)
        return None

    def read_all(self):
        if self.stack[-1] and not self.inside:
            self.fault('ENVIRONMENT')

    def audit(self, event, args):
        if self.inside or not self.stack[-1]:
            return
        if event == 'open':
            self.opened(*args)
        elif event in ('os.listdir', 'os.scandir'):
            self.listed(args[0])
        elif event == 'subprocess.Popen' and args[0] == 'uname' and asks_for_processor(self.modules.get('platform')):
            if ELSEWHERE:
                answer_otherwise(args[1])
        elif event == 'sys.monitoring.register_callback':
            self.fault('TRACE', event)
            self.monitored = True
        elif event in AUDITED and not (AUDITED[event] == 'WROTE' and '__pycache__' in os.fsdecode(args[0])):
            self.fault(AUDITED[event], event)

    def listed(self, path):
        """A directory was listed, not by the import system."""
        if path == '/proc/self/fd' or sys._getframe(2).f_globals.get('__name__') in IMPORTING:
            return
        name = os.fsdecode(path).rstrip('/') + '/' if type(path) in (str, bytes) else ''
        if not name.startswith('/') or (name.startswith(OUTSIDE) and not name.startswith(self.inside_of)):
            self.fault('LISTED', str(path))
            return
        path = os.fsdecode(path)
        event = ('listed', path, listing_of(path))
        if event not in self.events[self.stack[-1]]:
            self.event(*event)

    def opened(self, path, mode, flags):
        if isinstance(path, int):
            return
        path = os.fsdecode(path)
        # The import system's own.
        if path.endswith('.pyc') or '/__pycache__/' in path:
            return
        if is_null_device(path):
            self.files.setdefault(self.stack[-1], set()).add(path)
        elif flags & (posix.O_WRONLY | posix.O_RDWR | posix.O_CREAT):
            self.fault('WROTE', path)
        elif path == OF_MAPPED and (sought := texts_sought(self, sys._getframe(2))) is not None:
            for text in sought:
                self.program.finds('mapped', text, False)
        elif not path.startswith('/') or (path.startswith(OUTSIDE) and not path.startswith(self.inside_of)):
            self.fault('OUTSIDE', path)
        else:
            self.files.setdefault(self.stack[-1], set()).add(path)


AUDITED = {
    '_thread.start_new_thread': 'THREAD',
    'os.fork': 'PROCESS',
    'os.forkpty': 'PROCESS',
    'os.exec': 'PROCESS',
    'os.posix_spawn': 'PROCESS',
    'os.spawn': 'PROCESS',
    'os.system': 'PROCESS',
    'subprocess.Popen': 'PROCESS',
    'socket.__new__': 'SOCKET',
    'socket.gethostname': 'HOST',
    'socket.getaddrinfo': 'HOST',
    'socket.gethostbyname': 'HOST',
    'sys.addaudithook': 'HOOK',
    'sys.settrace': 'TRACE',
    'sys.setprofile': 'TRACE',
    'signal.pthread_kill': 'SIGNAL',
    'os.remove': 'WROTE',
    'os.mkdir': 'WROTE',
    'os.rename': 'WROTE',
    'os.rmdir': 'WROTE',
    'os.chdir': 'DIRECTORY',
    'mmap.__new__': 'MAPPED',
    'gc.get_objects': 'MODULES',
    'gc.get_referrers': 'MODULES',
}


# By detail, fields of /proc/self/status. Not VmLck: locks of memory end with a fork, which libraries expect.
STATUS = {
    'user and group': ('Uid', 'Gid', 'Groups'),
    'capabilities': ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'),
    'privileges': ('NoNewPrivs', 'Seccomp', 'Seccomp_filters'),
}
# Functions that change what only C code keeps, by module (built in, or an extension) and name; without one: all of it.
CHANGING = {
    ('_codecs', 'register'): 'INTERPRETER',
    ('_codecs', 'unregister'): 'INTERPRETER',
    ('_csv', 'field_size_limit'): 'CHANGED',
    ('atexit', '_clear'): 'CHANGED',
    ('atexit', '_run_exitfuncs'): 'CHANGED',
    ('_locale', 'bindtextdomain'): 'C_LIBRARY',
    ('_locale', 'bind_textdomain_codeset'): 'C_LIBRARY',
    ('_locale', 'textdomain'): 'C_LIBRARY',
    ('_signal', 'set_wakeup_fd'): 'SIGNAL',
    ('_signal', 'siginterrupt'): 'SIGNAL',
    ('_socket', 'setdefaulttimeout'): 'CHANGED',
    ('_sqlite3', 'enable_callback_tracebacks'): 'CHANGED',
    ('faulthandler', ''): 'SIGNAL',
    ('readline', ''): 'C_LIBRARY',
    ('syslog', ''): 'C_LIBRARY',
}


CHARACTER_DEVICE = 0o020000
NULL_DEVICE = posix.makedev(1, 3)


def is_unfit_mapping(line):
    """Of /proc/self/maps: memory that no snapshot has."""
    rights = line.split()[1]
    return 'w' in rights and ('x' in rights or 's' in rights)


def is_null_device(path):
    """Whether it is what keeps nothing of what is written to it, for all users: shadow.c looks again."""
    try:
        status = posix.stat(path)
    except OSError:
        return False
    return status.st_mode & ~0o777 == CHARACTER_DEVICE and status.st_mode & 0o666 == 0o666 and status.st_rdev == NULL_DEVICE


# What files in a directory are, beyond their kinds.
OF_ENTRIES = {(None, 'stat'), (None, 'inode')}


# Those that are there without any import: others only add to them.
ERROR_HANDLERS = (
    *('strict', 'ignore', 'replace', 'xmlcharrefreplace', 'backslashreplace', 'namereplace'),
    *('surrogatepass', 'surrogateescape'),
)


def is_untouched(variable, value, default):
    """Whether a context variable is the one that decimal sets with the first number, to what it is set to anyway."""
    return variable.name == 'decimal_context' and repr(value) == repr(default)


def look(namespace):
    """What a namespace holds; with the sizes of what can hold more, and copies of it."""
    values = list(namespace.values())
    # What is built in belongs to a module of its own.
    builtin = namespace.get('__builtins__')
    containers = [value for value in values if type(value) in (dict, list, set) and value is not builtin]
    return list(namespace), values, containers, list(map(len, containers)), [one.copy() for one in containers]


def is_equal(one, other):
    """Whether nobody can tell one value from the other: those of the time zone are made again when they are looked up."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is tuple:
        return len(one) == len(other) and all(map(is_equal, one, other))
    return kind in (int, float, str, bytes, bool) and one == other


# Attributes of specs that say nothing of how a module was found: whether it is whole.
UNTOLD_OF_SPECS = {'_initializing', '_uninitialized_submodules'}


def is_spec_of(value, name):
    return isinstance(value, SPEC) and value.name == name


def watched_spec(note):
    """A class of specs that tells each time that one is read, compared or shown."""

    class ModuleSpec(SPEC):
        def __getattribute__(self, name):
            note(self, name)
            return SPEC.__getattribute__(self, name)

        def __eq__(self, other):
            note(self, '')
            return SPEC.__eq__(self, other)

        def __repr__(self):
            note(self, '')
            return SPEC.__repr__(self)

    ModuleSpec.__qualname__, ModuleSpec.__module__ = SPEC.__qualname__, SPEC.__module__
    return ModuleSpec


def is_function(value):
    """Whether it is one in Python, or a static method of one."""
    return type(getattr(value, '__func__', value) if type(value) is staticmethod else value) is FUNCTION


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


SUBCLASSES = type.__dict__['__subclasses__']
BASES = type.__dict__['__bases__'].__get__


def all_classes():
    """By address, those that there are."""
    found, work = {}, [object]
    while work:
        one = work.pop()
        if id(one) not in found:
            found[id(one)] = one
            work.extend(SUBCLASSES(one))
    return found


def name_of_class(one):
    return '%s.%s' % (defined_in(one), NAME_OF_TYPE(one))


def class_of_name(modules, name):
    """The class that is at that place; None where there is none."""
    module = name
    while module and module not in modules:
        module = module.rpartition('.')[0]
    holder = modules.get(module)
    for part in name[len(module) + 1 :].split('.'):
        holder = attributes_of(holder).get(part)
    return holder if holder is not None and type in type(holder).__mro__ else None


def is_named_class(modules, one):
    return class_of_name(modules, name_of_class(one)) is one


def can_hide(of):
    """Whether it can be kept from knowing what is derived from it: not what is built in, nor what has a registry of its own."""
    return subclasses_of(of) is not None and not any('_abc_impl' in NAMESPACE_OF_TYPE(one) for one in type.__dict__['__mro__'].__get__(of))


def in_order_of_making(events):
    """Those that were derived one after another, in the order in which their class has them."""
    ordered, run = [], []
    for event in (*events, None):
        if event is not None and event[0] == 'derives':
            run.append(event)
            continue
        places = {id(of): [id(one) for one in SUBCLASSES(of)] for _, of, _ in run}
        run.sort(key=lambda pair: places[id(pair[1])].index(id(pair[2])))
        ordered += run
        run = []
        if event is not None:
            ordered.append(event)
    return ordered


def unseen(name):
    """A module that is built in, and imported where nobody sees it."""
    known = name in sys.modules
    module = __import__(name)
    if not known:
        del sys.modules[name]
    return module


def manager_of(logging):
    """Of the loggers; None where the module is not there, or not whole."""
    return getattr(getattr(logging, 'root', None), 'manager', None)


class Same:
    """Compares what it holds by identity: whoever has made it decides what is equal to it."""

    def __init__(self, values):
        self.values = list(values)

    def __eq__(self, other):
        return type(other) is Same and len(self.values) == len(other.values) and all(a is b for a, b in zip(self.values, other.values))


def states_of_generators(modules):
    plain, numpy = (namespace_of(modules.get(name)) for name in ('random', 'numpy.random.mtrand'))
    if '_inst' in plain:
        yield 'random', plain['_inst'].getstate()
    if '_rand' in numpy:
        _, keys, *rest = numpy['_rand'].get_state(legacy=True)
        yield 'numpy.random', (keys.tobytes(), rest)


def processors():
    """Those that this process may use, those that there are, and those that there may be."""
    names = ('SC_NPROCESSORS_ONLN', 'SC_NPROCESSORS_CONF')
    return ' '.join(map(str, (len(posix.sched_getaffinity(0)), *map(posix.sysconf, names))))


def of_program(signals):
    """Without those that the C library handles from its first thread on: 32 and 33."""
    return int(signals or '0', 16) & ~(3 << 31)


def added_behind(before, now):
    """What a list has behind all that it had; None: it has been changed otherwise."""
    return now[len(before) :] if now[: len(before)] == before else None


def name_of_variable(entry):
    """'': it is none."""
    name, _, _ = entry.partition(b'=')
    return os.fsdecode(name) if name != entry else ''


def handlers():
    import _signal

    return [_signal.getsignal(number) for number in range(1, _signal.NSIG)]


def watch_environment(recorder):
    """Python's own reads of the environment; those of the C library come by the probe."""

    class Watched(dict):
        def __getitem__(self, key):
            instead = recorder.read(os.fsdecode(key))
            return dict.__getitem__(self, key) if instead is None else instead

        def __contains__(self, key):
            recorder.read(os.fsdecode(key))
            return dict.__contains__(self, key)

        def get(self, key, default=None):
            instead = recorder.read(os.fsdecode(key))
            return dict.get(self, key, default) if instead is None else instead

        def __setitem__(self, key, value):
            # It may have been there with the same value.
            recorder.read(os.fsdecode(key))
            dict.__setitem__(self, key, value)

        def __iter__(self):
            recorder.read_all()
            return dict.__iter__(self)

        def __len__(self):
            recorder.read_all()
            return dict.__len__(self)

        def items(self):
            recorder.read_all()
            return dict.items(self)

        def copy(self):
            recorder.read_all()
            return dict.copy(self)

    watched = Watched(os.environ._data)
    os.environ._data = watched
    os.environb._data = watched
    # With what the process was started with.
    posix.environ = Watched(posix.environ)


# Modules that look in /proc for what there is of their process: a template says that it has a number which none has.
LOOKING_FOR_PROCESS = {'psutil._pslinux'}
# Functions that copy sys.modules to look one name up in the copy.
LOOKS_UP = {('_signature_fromstr', 'inspect.py')}
# Bodies that give modules of these packages a second name, and look for them among all names. Which names they are is all
# that their code could compare with; other texts are what it gives to functions, one as the argument `module`.
NAMES_OF_PACKAGES = {'requests.packages': ('urllib3', 'idna', 'chardet', 'charset_normalizer')}
PARTS_OF_NAMES = {'.', 'requests.packages.', 'requests.packages.chardet', 'ignore', 'Trying to detect', 'module'}


def texts_of(code):
    """All texts that are constants of a code."""
    texts, work = set(), list(code.co_consts)
    while work:
        one = work.pop()
        if type(one) is str:
            texts.add(one)
        elif type(one) in (tuple, frozenset):
            work.extend(one)
        elif hasattr(one, 'co_consts'):
            work.extend(one.co_consts)
    return texts - {code.co_name, code.co_qualname}


# Who may look at sys.modules: their own answers are followed elsewhere.
IMPORTING = {'importlib._bootstrap', 'importlib._bootstrap_external', '_frozen_importlib', '_frozen_importlib_external'}


def watch_modules(recorder):
    """What Python code finds under the name sys.modules; the interpreter's own dictionary stays what it was."""
    real = sys.modules

    class Modules(dict):
        def __getitem__(self, name):
            recorder.looked(name)
            return real[name]

        def __contains__(self, name):
            recorder.looked(name)
            return name in real

        def get(self, name, default=None):
            recorder.looked(name)
            return real.get(name, default)

        def __setitem__(self, name, module):
            real[name] = module

        def __delitem__(self, name):
            del real[name]

        def setdefault(self, name, default=None):
            recorder.looked(name)
            return real.setdefault(name, default)

        def pop(self, name, *default):
            recorder.looked(name)
            return real.pop(name, *default)

        def update(self, *args, **named):
            real.update(*args, **named)

        def __iter__(self):
            recorder.looked_at_all()
            return iter(real)

        def __len__(self):
            recorder.looked_at_all()
            return len(real)

        def keys(self):
            recorder.looked_at_all()
            return real.keys()

        def values(self):
            recorder.looked_at_all()
            return real.values()

        def items(self):
            recorder.looked_at_all()
            return real.items()

        def copy(self):
            recorder.looked_at_all()
            return real.copy()

    sys.modules = Modules()
