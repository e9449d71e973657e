# SPDX-License-Identifier: Apache-2.0
# What memory does not hold, or would hold from the start: properties of the process, settings of the C library and of the interpreter.
# They are looked at after each import of a template that is watched; a change is a fault.

# Among what state_of_process has.
VARIABLES = 'VARIABLES', ''
# By detail, fields of /proc/self/status. Not VmLck: locks of memory end with a fork, which libraries expect.
STATUS = {
    'user and group': ('Uid', 'Gid', 'Groups'),
    'capabilities': ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'),
    'privileges': ('NoNewPrivs', 'Seccomp', 'Seccomp_filters'),
}
# Those that are there without any import: others only add to them.
ERROR_HANDLERS = (
    *('strict', 'ignore', 'replace', 'xmlcharrefreplace', 'backslashreplace', 'namereplace'),
    *('surrogatepass', 'surrogateescape'),
)


class ProcessState:
    def __init__(self, recorder):
        self.recorder = recorder
        self.state = None
        self.monitored = False  # a tool may have been told what to listen to
        self.seen, self.times = {}, {}  # of what modules bring with them: as it was last, and how often it has been changed since

    def settle(self):
        recorder = self.recorder
        now = dict(self.now())
        before = self.state
        self.state = now
        if before is None:
            return
        for (reason, detail), value in now.items():
            if value == before[reason, detail]:
                continue
            # A library's own threads, which it ends before a fork: it starts them again when it needs them.
            if reason == 'VARIABLES':
                recorder.environment.change(before[reason, detail], value)
            elif reason == 'THREAD' and recorder.fork_handlers:
                if ('pool', recorder.processors) not in recorder.events[recorder.stack[-1]]:
                    recorder.event('pool', recorder.processors)
            else:
                recorder.fault(reason, detail)

    def now(self):
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

    def settings(self):
        """Of the interpreter: what can be asked for."""
        recorder = self.recorder
        yield 'recursion limit', sys.getrecursionlimit()
        yield 'switch interval', sys.getswitchinterval()
        yield 'flags of dlopen', sys.getdlopenflags()
        yield 'tracing', (sys.gettrace(), sys.getprofile(), recorder.is_tracing_memory())
        yield 'sys.path', list(sys.path)
        yield 'sys.dont_write_bytecode', sys.dont_write_bytecode
        yield 'digits of integers', sys.get_int_max_str_digits()
        yield 'hooks of asynchronous generators', Same(sys.get_asyncgen_hooks())
        yield 'origins of coroutines', sys.get_coroutine_origin_tracking_depth()
        # Whoever asks for it sets it to the default.
        size = _thread.stack_size()
        _thread.stack_size(size)
        yield 'stack size of threads', size
        yield 'collector', (recorder.collector.get_threshold(), recorder.collector.isenabled(), recorder.collector.get_debug())
        # Extension modules do not find it while they are loaded.
        default = namespace_of(recorder.modules.get('decimal', recorder.hidden.get('decimal'))).get('DefaultContext')
        yield 'context variables', Same(one for pair in context().items() if not is_untouched(*pair, default) for one in pair)
        yield 'handlers of codec errors', Same(map(_codecs.lookup_error, ERROR_HANDLERS))
        for name in ('stdin', 'stdout', 'stderr'):
            stream = getattr(sys, name)
            yield 'sys.' + name, [getattr(stream, one, None) for one in ('line_buffering', 'write_through', 'errors', 'encoding')]
        # What all numbers, and all processes, are made by from then on: not by the process' own context, or way.
        yield 'decimal.DefaultContext', self.times_changed('decimal', 'DefaultContext', repr)
        yield 'start method of multiprocessing', self.times_changed(
            'multiprocessing.context', '_default_context', lambda context: Same([context._actual_context])
        )
        for name, state_of in SETTINGS_OF_LIBRARIES.items():
            yield 'settings of ' + name, self.times_changed(name, None, state_of)
        # Before it is whole its functions must not be called.
        ctypes = None if '_ctypes' in recorder.stack else recorder.modules.get('_ctypes', recorder.hidden.get('_ctypes'))
        yield 'error number of ctypes', ctypes.get_errno() if ctypes is not None else 0
        if hasattr(sys, 'monitoring'):
            tools = range(6)
            yield 'sys.monitoring', [(sys.monitoring.get_tool(i), sys.monitoring.get_tool(i) and sys.monitoring.get_events(i)) for i in tools]

    def stop_monitoring(self):
        """No tool is told of what is run here: what it keeps would grow as it is looked at. Its module is left out for it."""
        if self.recorder.watching and self.monitored:
            for tool in range(6):
                if sys.monitoring.get_tool(tool) is not None:
                    sys.monitoring.set_events(tool, 0)
            self.monitored = False

    def times_changed(self, name, attribute, state_of):
        """How often the state of that object has been changed since its module has it; None: of the module, once it is whole."""
        recorder = self.recorder
        namespace = namespace_of(recorder.modules.get(name, recorder.hidden.get(name)))
        if attribute in namespace or (attribute is None and namespace and name not in recorder.stack):
            now = state_of(namespace if attribute is None else namespace[attribute])
            if self.seen.setdefault(name, now) != now:
                self.seen[name], self.times[name] = now, self.times.get(name, 0) + 1
        return self.times.get(name, 0)

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


def settings_of_torch(namespace):
    """What its library goes by; by no function in Python, which would count as called by an import."""
    own = namespace_of(namespace.get('_C'))
    return repr([own[name]() for name in OF_TORCH if name in own])


OF_TORCH = (
    *('is_grad_enabled', 'is_inference_mode_enabled', 'is_anomaly_enabled', 'get_default_dtype'),
    *('_get_deterministic_algorithms', '_get_deterministic_algorithms_warn_only', '_get_warnAlways', '_get_float32_matmul_precision'),
    *('_get_cudnn_enabled', '_get_cudnn_benchmark', '_get_cudnn_deterministic', '_get_cudnn_allow_tf32', '_get_cublas_allow_tf32'),
    *('_get_mkldnn_enabled', '_get_nnpack_enabled'),
)

# By module: what its library keeps for all that use it, until numpy 2 of each thread.
SETTINGS_OF_LIBRARIES = {
    'torch': settings_of_torch,
    'torch._tensor_str': lambda namespace: repr(attributes_of(namespace.get('PRINT_OPTS'))),
    'numpy.core.umath': lambda namespace: repr(namespace['geterrobj']()) if 'geterrobj' in namespace else '',
    'numpy.core.arrayprint': lambda namespace: repr(namespace.get('_format_options')),
}


def is_unfit_mapping(line):
    """Of /proc/self/maps: memory that no snapshot has."""
    rights = line.split()[1]
    return 'w' in rights and ('x' in rights or 's' in rights)


def is_untouched(variable, value, default):
    """Whether a context variable is the one that decimal sets with the first number, to what it is set to anyway."""
    return variable.name == 'decimal_context' and repr(value) == repr(default)


def of_program(signals):
    """Without those that the C library handles from its first thread on: 32 and 33."""
    return int(signals or '0', 16) & ~(3 << 31)


def handlers():
    import _signal

    return [_signal.getsignal(number) for number in range(1, _signal.NSIG)]


def processors():
    """Those that this process may use, those that there are, and those that there may be."""
    names = ('SC_NPROCESSORS_ONLN', 'SC_NPROCESSORS_CONF')
    return ' '.join(map(str, (len(posix.sched_getaffinity(0)), *map(posix.sysconf, names))))


class Same:
    """Compares what it holds by identity: whoever has made it decides what is equal to it."""

    def __init__(self, values):
        self.values = list(values)

    def __eq__(self, other):
        return type(other) is Same and len(self.values) == len(other.values) and all(a is b for a, b in zip(self.values, other.values))
