# SPDX-License-Identifier: Apache-2.0
# What a module remembers of its own import, drawn or looked up again when the program imports it: known by name, since no kind describes it.

# By module: what is going to be put into its namespace, which could not have been made at that time if it had failed.
_made = {}


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
