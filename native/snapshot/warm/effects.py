# SPDX-License-Identifier: Apache-2.0
# What importing a module may change outside its own namespace, so that a snapshot can hold the module before its program
# has imported it: looked at between the imports of a template, taken out before it is frozen, put back by `put_back` when
# a program imports the module. The closed list: whatever else an import changes outside is a fault (recorder.py).
#
# Part of one namespace with recorder.py and table.py; of that `put_back` alone, and what it needs, stays.
import _codecs
import _warnings
import encodings as _encodings
import os
import posix
import sys

# Lists by module and name: importing appends to them, or puts something in front.
FILTERS = ('_warnings', 'filters')
LISTS = (
    FILTERS,
    ('sys', 'meta_path'),
    ('sys', 'path_hooks'),
    ('gc', 'callbacks'),
    ('logging', '_handlerList'),
    ('threading', '_threading_atexits'),
)
# The interpreter's own dictionary, in which extension modules find each other: INTERPRETER, which is no attribute.
STATE = ('sys', '<state of the interpreter>')
# What stays in it: a module whose library is not loaded anew (runtime/warm/anew.c), and that looks for itself there.
STAYS = {'cached_datetime_module'}
# Lines of files, by name: not only of those that exist.
LINES = ('linecache', 'cache')
# Dictionaries: importing adds to them.
DICTS = (
    STATE,
    ('copyreg', 'dispatch_table'),
    ('copyreg', '_extension_registry'),
    ('copyreg', '_inverted_registry'),
    LINES,
    ('logging', '_levelToName'),
    ('logging', '_nameToLevel'),
    ('_sqlite3', 'adapters'),
    ('_sqlite3', 'converters'),
    ('_csv', '_dialects'),
)
# How much caches hold, of which nobody can tell how full they are: an import may set it.
SIZES_OF_CACHES = {('re', '_MAXCACHE')}
# Attributes of modules that are there before any import. importlib gives its own names to the modules that import it.
ATTRIBUTES = tuple(
    (module, name)
    for module in ('_frozen_importlib', '_frozen_importlib_external')
    for name in ('__name__', '__package__', '__file__')
)
# Functions whose calls are put off until the program imports the module that made them: (module, name).
CALLS = (('atexit', 'register'), ('posix', 'register_at_fork'))
TAKES_BACK = 'atexit', 'unregister'
# By module: what is going to be put into its namespace, which could not have been made at that time if it had failed.
_made = {}

# What a module remembers of its own import, drawn or looked up again when the program imports it.
def _renew_logging(module):
    import time

    module._startTime = time.time_ns() if isinstance(module._startTime, int) else time.time()


def _renew_threading(module):
    main = module.main_thread()
    main._set_native_id()
    # A fork leaves this out.
    lock = getattr(main, '_tstate_lock', None)
    if lock is not None and hasattr(module, '_shutdown_locks'):
        module._shutdown_locks.add(lock)


def _renew_multiprocessing(module):
    key = module._current_process._config['authkey']
    # In its place: others may have it by now.
    rewrite(key, os.urandom(len(key)))
    try:
        module.ORIGINAL_DIR = module.os.path.abspath(module.os.getcwd())
    except OSError:
        module.ORIGINAL_DIR = None


def _renew_dateutil(module):
    import time

    information = module.DEFAULTPARSER.info
    information._year = time.localtime().tm_year
    information._century = information._year // 100 * 100


def _renew_numpy(module):
    # Of the host; older versions keep it.
    if hasattr(module, 'kernel_version'):
        module.kernel_version = tuple(int(part) for part in os.uname().release.split('.')[:2])


def _renew_amqp(module):
    release = os.uname().release
    module.LINUX_VERSION = module._linux_version_to_tuple(release)
    if release.endswith('Microsoft'):
        module.KNOWN_TCP_OPTS = {'TCP_NODELAY', 'TCP_KEEPIDLE', 'TCP_KEEPINTVL', 'TCP_KEEPCNT'}


def _renew_numpy_f2py(module):
    import time

    def date():
        return time.asctime(time.gmtime(module.generationtime))

    before = date()
    module.generationtime = int(os.environ.get('SOURCE_DATE_EPOCH', time.time()))
    for key, text in module.module_rules.items():
        if isinstance(text, str):
            module.module_rules[key] = text.replace(before, date())


def _renew_numpy_random(module):
    module._rand.seed()


def _renew_numpy_testing(module):
    # Newer versions have neither.
    for name in ('memusage', 'jiffies'):
        function = getattr(module, name, None)
        first, *others = getattr(function, '__defaults__', None) or (None,)
        if isinstance(first, str) and first.startswith('/proc/'):
            function.__defaults__ = ('/proc/%d/stat' % os.getpid(), *others)


def _may_renew_joblib(module):
    """Whether there are named semaphores, which it uses no other modules for then."""
    if not hasattr(module, 'SemLock'):
        return False
    try:
        _renew_joblib(module)
    except OSError:
        return False
    return True


def _renew_joblib(module):
    module._rand = type(module._rand)()
    module.name = '/joblib-%d-%s' % (os.getpid(), next(module._rand))
    module.SemLock(0, 0, 1, name=module.name, unlink=True)


def _exists(path):
    try:
        posix.stat(path)
    except OSError:
        return False
    return True


def read_whole(path):
    """A file of the kernel, without what `open` would do."""
    descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    parts = []
    try:
        while part := posix.read(descriptor, 65536):
            parts.append(part)
    finally:
        posix.close(descriptor)
    return b''.join(parts)


def _lines_of_processors():
    """Words of the lines in /proc/stat: of all processors, and of each."""
    first, *others = (line.split() for line in read_whole('/proc/stat').splitlines())
    return [first, *(words for words in others if words and words[0].startswith(b'cpu'))]


# The directory of frequencies has two names.
FREQUENCIES = ('/sys/devices/system/cpu/cpufreq/policy0', '/sys/devices/system/cpu/cpu0/cpufreq')


def _may_renew_psutil_linux(module):
    """Whether there is the same of what it makes its functions and fields by."""
    own = '/proc/%d/' % os.getpid()
    try:
        return (
            module.HAS_PROC_SMAPS == _exists(own + 'smaps')
            and module.HAS_PROC_SMAPS_ROLLUP == _exists(own + 'smaps_rollup')
            and hasattr(module.Process, 'io_counters') == _exists(own + 'io')
            and ('glob' in module.cpu_freq.__code__.co_names) == any(map(_exists, FREQUENCIES))
            and len(module.scputimes._fields) == min(len(_lines_of_processors()[0]) - 1, MOST_TIMES)
        )
    except Exception:
        return False


# Kinds of times that it knows.
MOST_TIMES = 10


def _may_renew_psutil(module):
    """Reads the times: where that fails importing does something else."""
    try:
        kind, ticks = module._psplatform.scputimes, module._psplatform.CLOCK_TICKS
        first, *others = [
            kind(*[float(word) / ticks for word in words[1 : len(kind._fields) + 1]]) for words in _lines_of_processors()
        ]
    except Exception:
        return False
    _made['psutil'] = {'_last_cpu_times': first, '_last_per_cpu_times': others}
    return True


def _renew_psutil(module):
    for name, now in _made.pop('psutil').items():
        # Newer versions keep them for each thread.
        if isinstance(getattr(module, name), dict):
            now = {module.threading.current_thread().ident: now}
        setattr(module, name, now)
        setattr(module, name + '_2', now.copy() if isinstance(now, dict) else now)


def _renew_urllib3(module):
    module.HAS_IPV6 = module._has_ipv6('::1')


# The instruction of an import statement.
IMPORT_NAME = compile('import a', '', 'exec').co_code[6]
# By module that keeps the whole stack of its import: the module that imports it, whoever imports that one.
STACKS = {'torch.cuda': 'torch'}


def _frame_of_program():
    frame = sys._getframe()
    while frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    return frame


def _is_imported_directly(name):
    """Whether the program is at a statement that imports the module: all of the stack is the program's then."""
    frame = _frame_of_program()
    if frame is None or len(frame.f_code.co_names) > 256:
        return False
    instruction, number = frame.f_code.co_code[frame.f_lasti : frame.f_lasti + 2]
    return instruction == IMPORT_NAME and (frame.f_code.co_names[number] + '.').startswith(name + '.')


def _renew_torch(module):
    # It is seeded when it is made, with what the system draws: the same way of seeding.
    module.default_generator.seed()


def _may_renew_torch_cuda(module):
    return _is_imported_directly(STACKS['torch.cuda'])


def _renew_torch_cuda(module):
    head = module.traceback.format_stack(_frame_of_program())
    module._queued_calls[:] = [(function, head + stack) for function, stack in module._queued_calls]


# By module: the TLS contexts of clients that its import makes, by attribute: what they read and drew belongs to a process.
CONTEXTS = {
    'requests.adapters': lambda module: {'_preloaded_ssl_context': _context_of_requests(module)},
    'aiohttp.connector': lambda module: {
        '_SSL_CONTEXT_VERIFIED': module._make_ssl_context(True),
        '_SSL_CONTEXT_UNVERIFIED': module._make_ssl_context(False),
    },
}
CONTEXT_ATTRIBUTES = {
    'requests.adapters': ('_preloaded_ssl_context',),
    'aiohttp.connector': ('_SSL_CONTEXT_VERIFIED', '_SSL_CONTEXT_UNVERIFIED'),
}


def _context_of_requests(module):
    context = module.create_urllib3_context()
    context.load_verify_locations(module.extract_zipped_paths(module.DEFAULT_CA_BUNDLE_PATH))
    return context


def _may_renew_contexts(module):
    """Makes them: what fails belongs to the statement that imports the module."""
    name = module.__name__
    try:
        _made[name] = make_contexts(name, module) if CONTEXT_ATTRIBUTES[name][0] in vars(module) else {}
    except Exception:
        return False
    return True


def _renew_contexts(module):
    vars(module).update(_made.pop(module.__name__))


# By module: whether what its import did can be done again.
CONDITIONS = {
    **dict.fromkeys(CONTEXTS, _may_renew_contexts),
    'joblib._multiprocessing_helpers': _may_renew_joblib,
    'psutil': _may_renew_psutil,
    'psutil._pslinux': _may_renew_psutil_linux,
    'torch.cuda': _may_renew_torch_cuda,
}

# By module: what its import did, which for others is a fault; what of its namespace that concerns; and what does it again.
RENEWALS = {
    'logging': (('TIME',), ('_startTime',), _renew_logging),
    'threading': ((), ('_main_thread', '_active'), _renew_threading),
    # In the order of a set of classes, which is another one in each process anyhow.
    'pandas.core.computation.expr': (
        (),
        ('BaseExprVisitor', 'PandasExprVisitor', 'PythonExprVisitor'),
        lambda module: None,
    ),
    'dateutil.parser._parser': (('TIME',), ('DEFAULTPARSER',), _renew_dateutil),
    'numpy': ((), ('kernel_version',), _renew_numpy),
    'numpy.f2py.rules': (('TIME',), ('generationtime', 'module_rules'), _renew_numpy_f2py),
    'numpy.random.mtrand': (('ENTROPY',), ('_rand',), _renew_numpy_random),
    'numpy.testing._private.utils': (('PID',), ('memusage', 'jiffies'), _renew_numpy_testing),
    # What is left over of a loop over a set of functions, which comes in another order in each process.
    'scipy.sparse._data': ((), ('name', 'npfunc', '_data_matrix'), lambda module: None),
    # Examples for its documentation, of which only those are kept that come from a seed.
    'scipy.stats._new_distributions': (('ENTROPY',), (), lambda module: None),
    'joblib._multiprocessing_helpers': (('PID', 'ENTROPY'), ('_rand', 'name'), _renew_joblib),
    'psutil': (
        ('OUTSIDE',),
        ('_last_cpu_times', '_last_cpu_times_2', '_last_per_cpu_times', '_last_per_cpu_times_2'),
        _renew_psutil,
    ),
    'psutil._pslinux': (('OUTSIDE', 'PID'), (), lambda module: None),
    'urllib3.util.connection': (('SOCKET',), (), _renew_urllib3),
    'multiprocessing.process': (('ENTROPY',), ('_current_process', 'ORIGINAL_DIR'), _renew_multiprocessing),
    'billiard.process': (('ENTROPY',), ('_current_process', 'ORIGINAL_DIR'), _renew_multiprocessing),
    'torch._C': (('ENTROPY',), (), _renew_torch),
    'torch.cuda': ((), ('_queued_calls',), _renew_torch_cuda),
    **{name: (('PID', 'ENTROPY', 'TIME'), attributes, _renew_contexts) for name, attributes in CONTEXT_ATTRIBUTES.items()},
    '_awscrt': (('ENTROPY', 'GENERATOR'), (), lambda module: renew_device(module)),
    'amqp.platform': (('HOST',), ('LINUX_VERSION',), _renew_amqp),
}
RENEWED_FAULTS = {name: faults for name, (faults, _, _) in RENEWALS.items()}

MISSING = '<pycds: nothing>'


def holder_of(modules, place):
    """The object that has an attribute, and the attribute's name: place is (module, name), with the class in the name."""
    holder = modules[place[0]]
    *classes, name = place[1].split('.')
    for one in classes:
        holder = attributes_of(holder)[one]
    return holder, name


def attributes_of(holder):
    """Of a module or a class; what a program has put into sys.modules in the place of a module may have none.

    It is not asked itself: a module may wait to be loaded until then (importlib.util.LazyLoader).
    """
    try:
        return (type if issubclass(type(holder), type) else object).__getattribute__(holder, '__dict__')
    except AttributeError:
        return {}


def attribute_of(modules, place):
    if place == STATE:
        return INTERPRETER
    holder, name = holder_of(modules, place)
    return attributes_of(holder).get(name, MISSING)


def list_of(modules, place):
    if place[0] not in modules:
        return None
    found = attribute_of(modules, place)
    return found if type(found) in (list, dict, set) else None


def added_to_set(before, after):
    return None if before - after else sorted(after - before, key=repr)


def added(before, after):
    """What was added to a list, dictionary or set; None where it was changed in another way."""
    return {list: added_to_list, dict: added_to_dict, set: added_to_set}[type(before)](before, after)


def added_to_list(before, after):
    """What was put in front of a list and behind it; None where it was changed in another way."""
    for first in range(len(after) - len(before) + 1) if before else (0,):
        if all(a is b for a, b in zip(before, after[first:])):
            return after[:first], after[first + len(before) :]
    return None


def added_to_dict(before, after):
    """The items that were added behind; None where anything else was changed."""
    if len(after) < len(before):
        return None
    pairs = list(after.items())
    for (key, value), (key_before, value_before) in zip(pairs, before.items()):
        if key is not key_before or value is not value_before:
            return None
    return pairs[len(before) :]


def _put_logger(module, name, logger):
    manager = module.root.manager
    known = manager.loggerDict.get(name)
    manager.loggerDict[name] = logger
    if known is not None:
        manager._fixupChildren(known, logger)
    manager._fixupParents(logger)
    logger._cache.clear()


def matches(item, text, category, module, line):
    """Whether a filter of warnings concerns one. As Python/_warnings.c has it."""
    _, message, kind, where, number = item
    for one, given in ((message, text), (where, module)):
        if one is not None and not (one == given if type(one) is str else one.match(given)):
            return False
    return issubclass(category, kind) and number in (0, line)


def default_action(holder):
    return holder._defaultaction if holder is _warnings else holder.defaultaction


def add_filters(items, front, back):
    """As warnings does it."""
    for item in reversed(front):
        if item in items:
            items.remove(item)
        items.insert(0, item)
    items.extend(item for item in back if item not in items)


def filters_by_now(holder):
    """With those that the modules of this walk would have added."""
    items = holder.filters
    if FILTERS in to_come:
        items = list(items)
        for front, back in to_come[FILTERS]:
            add_filters(items, front, back)
    return items


def is_ignored(warning):
    holder = sys.modules.get('warnings', _warnings)
    for item in filters_by_now(holder):
        if matches(item, *warning):
            return item[0] == 'ignore'
    return default_action(holder) == 'ignore'


def draw_letters(module):
    """As the constructor of asgiref.local.Local does."""
    return ''.join(module.random.choice(module.string.ascii_letters) for i in range(8))


def name_of_local(one, letters):
    return '_asgiref_local_impl_{}_{}'.format(id(one), letters)


def put_back(what, place, payload):
    """Does again what was taken out. Called in the order in which importing would have done it."""
    modules = sys.modules
    if what == 'list':
        items = attribute_of(modules, place)
        front, back = payload
        if place == FILTERS:
            add_filters(items, front, back)
            _warnings._filters_mutated()
        else:
            items[:0] = front
            items.extend(back)
    elif what == 'dict':
        attribute_of(modules, place).update(payload)
    elif what == 'set':
        attribute_of(modules, place).update(payload)
    elif what == 'attribute':
        holder, name = holder_of(modules, place)
        if payload[1] is MISSING:
            delattr(holder, name)
        else:
            setattr(holder, name, payload[1])
    elif what == 'fill':
        fill(place[1], payload)
    elif what == 'loggers':
        for name, logger in payload:
            _put_logger(modules['logging'], name, logger)
    elif what == 'finalizers':
        _put_finalizers(class_of_finalizers(modules), *payload[1:])
    elif what == 'call':
        args, named = payload
        if place == ('posix', 'register_at_fork'):
            # It has been made of a template by something that is much like a fork.
            after = named.get('after_in_child')
            if after is not None:
                after()
            posix.register_at_fork(*args, **named)
        else:
            modules[place[0]].register(*args, **named)
    elif what == 'warned':
        registry, text, category, module, line = payload
        # It is ignored, and leaves that it was.
        _warnings.warn_explicit(text, category, module, line, module, registry)
    elif what == 'renew':
        RENEWALS[place][2](payload)
    elif what == 'variable':
        os.environ[place] = payload
    elif what == 'c_variable':
        set_c_variable(payload)
    elif what == 'seed':
        for draw in payload:
            draw()
    elif what == 'codec':
        _encodings._cache.setdefault(place, payload)
        _codecs.lookup(place)
    elif what == 'processor':
        payload.uname().processor
    elif what == 'descriptor':
        keep_open(*payload)
    elif what == 'located':
        _locate(place, payload)
    elif what == 'parsers':
        name_parsers(payload)
    elif what == 'count':
        setattr(payload[2], place[1].rpartition('.')[2], payload[1])
    elif what == 'streams':
        put_over_streams(*payload)
    elif what == 'locals':
        module, made = payload
        for one in made:
            one._attr_name = name_of_local(one, draw_letters(module))


def are_as_read(payload):
    """Whether files whose lines were read are what they were; of others a loader is going to be asked."""
    for _, entry in payload:
        if len(entry) == 4 and entry[1] is not None:
            try:
                status = posix.stat(entry[3])
            except OSError:
                return False
            if (status.st_size, status.st_mtime) != (entry[0], entry[1]):
                return False
    return True


# Its functions, and what makes its readers and writers.
def _is_like(codec, other):
    return type(codec) is type(other) and len(codec) == len(other) and all(map(_does_the_same, codec, other))


def _does_the_same(one, other):
    """Of methods of instances that have nothing of their own, whether they are of the same class."""
    if one == other:
        return True
    of, of_other = getattr(one, '__self__', None), getattr(other, '__self__', None)
    return type(of) is type(of_other) and of is not None and getattr(one, '__func__', one) is getattr(other, '__func__', other)


# What the interpreter remembers as a codec of that name, as long as it has not forgotten all codecs: who takes a search function
# away has it do so, and nobody else can stand before the package encodings.
FIRST = 'pycds_first'


def is_found_first(name, codec):
    """Whether looking a codec up would lead to that one: the package encodings is asked first, and has no other."""
    known = _encodings._cache
    try:
        is_first = _codecs.lookup(FIRST) is first_codec
    except Exception:
        is_first = False
    if not is_first:
        known.pop(FIRST, None)
    return is_first and _is_like(known.get(name, codec), codec)


# What the modules that a walk has come by would put, and has not put yet: attributes and filters of warnings by place, variables
# by name.
to_come = {}


def attribute_by_now(place):
    if place in to_come:
        return to_come[place]
    return attribute_of(sys.modules, place) if place[0] in sys.modules else None


def variable_by_now(name):
    return to_come[name] if name in to_come else os.environ.get(name)


def may_put_back(what, place, payload):
    """Whether nothing is there that would have led importing elsewhere."""
    if what == 'walk':
        to_come.clear()
        answered.clear()
        close_held()
        return True
    may = may_put_back_now(what, place, payload)
    if what in ('attribute', 'count'):
        to_come[place] = payload[1]
    elif what == 'fill':
        to_come[place] = payload[2]
    elif what == 'variable':
        to_come[place] = payload
    elif what == 'loggers':
        to_come.setdefault('loggers', {}).update(payload)
    elif what == 'list' and place == FILTERS:
        to_come.setdefault(place, []).append(payload)
    elif what == 'streams':
        to_come.update((('sys', name), payload) for name in ('stdout', 'stderr'))
    return may


def may_put_back_now(what, place, payload):
    if what == 'loggers':
        module = sys.modules.get('logging')
        if module is None:
            return True
        manager = module.root.manager
        if manager.loggerClass is not None or module._loggerClass is not module.Logger:
            return False
        loggers = manager.loggerDict
        return not any(isinstance(loggers.get(name), module.Logger) for name, _ in payload)
    if what == 'finalizers':
        return all(about.weakref() is not None for _, about, _ in payload[2])
    if what == 'warned':
        try:
            return is_ignored(payload[1:])
        except Exception:
            return False
    if what == 'attribute' and (place in to_come or place[0] in sys.modules):
        return attribute_by_now(place) is payload[0]
    if what == 'fill':
        return may_fill(place, payload)
    if what == 'unfilled':
        return is_unfilled(place, payload)
    if what == 'uses':
        value, is_original = payload
        return attribute_by_now(place) is value or (is_original and place not in to_come and place[0] not in sys.modules)
    if what == 'asks':
        return is_answered_alike(place, *payload)
    if what in FINDINGS:
        return finds_again(what, place, payload)
    if what == 'sees':
        return variable_by_now(place) == payload
    if what == 'dict' and place[0] in sys.modules:
        there = attribute_of(sys.modules, place)
        return not any(key in there for key, _ in payload) and (place != LINES or are_as_read(payload))
    if what == 'renew' and place in CONDITIONS:
        return CONDITIONS[place](payload)
    if what == 'variable':
        return variable_by_now(place) is None
    if what == 'c_variable':
        name = payload[: payload.index(b'=') + 1]
        return place not in to_come and not any(one.startswith(name) for one in c_variables())
    if what == 'codec':
        return is_found_first(place, payload)
    if what == 'parsers':
        return has_first_argument()
    if what == 'count':
        return is_count(place, payload[2], payload[0])
    if what == 'descriptor':
        return is_opened_again(place, *payload)
    if what == 'located':
        return is_found_again(place, payload)
    return True
