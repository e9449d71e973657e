# SPDX-License-Identifier: Apache-2.0
# What an import asks of its surroundings by functions in C: the directory that the process is in, who runs it, files by
# their names, settings of the interpreter that a program may have set before. Asked again, each has to answer the same where
# a module is put in place: what is answered alike was not seen to be another process.
#
# Of this `is_answered_alike` alone, and what it needs, stays (forget.py).

# By module: the functions. What some of them tell is known in part only: text_of_answer.
ASKING = {
    'posix': (
        *('fstat', 'get_terminal_size', 'ttyname', 'fstatvfs', 'getcwd', 'getcwdb', 'stat', 'lstat', 'access', 'readlink', 'statvfs', 'pathconf', 'getxattr', 'listxattr'),
        *('getuid', 'geteuid', 'getgid', 'getegid', 'getgroups', 'getgrouplist', 'getlogin', 'getresuid', 'getresgid'),
        *('getppid', 'getpgid', 'getpgrp', 'getsid', 'getpriority', 'getloadavg', 'umask'),
        *('sched_getscheduler', 'sched_getparam', 'sched_rr_get_interval', 'sysconf', 'confstr', 'lseek', 'get_blocking', 'get_inheritable'),
    ),
    'pwd': ('getpwuid', 'getpwnam', 'getpwall'),
    'grp': ('getgrgid', 'getgrnam', 'getgrall'),
    'spwd': ('getspnam', 'getspall'),
    'gc': ('isenabled', 'get_threshold', 'get_debug', 'get_count', 'get_stats'),
    '_signal': ('getsignal', 'getitimer', 'sigpending', 'pthread_sigmask'),
    '_socket': ('getdefaulttimeout',),
    '_thread': ('stack_size', '_count'),
    '_locale': ('setlocale', 'localeconv', 'nl_langinfo', 'strcoll', 'strxfrm'),
    '_contextvars': ('copy_context',),
    'fcntl': ('fcntl', 'ioctl'),
    'termios': ('tcgetattr',),
    '_asyncio': ('_get_running_loop', 'get_running_loop', 'get_event_loop', 'current_task'),
    'resource': ('getrlimit', 'prlimit'),
    'sys': (
        *('getrecursionlimit', 'getswitchinterval', 'getdlopenflags', 'get_int_max_str_digits', 'get_asyncgen_hooks'),
        *('get_coroutine_origin_tracking_depth', 'exc_info', 'exception'),
    ),
}
OF_FILES = {('posix', 'stat'), ('posix', 'lstat'), ('posix', 'fstat')}
# Of the standard streams, which each process gets from whoever starts it; the numbers of others are nobody's by then.
OF_STREAMS = {
    *(('posix', name) for name in ('fstat', 'get_terminal_size', 'ttyname', 'fstatvfs', 'lseek', 'get_blocking', 'get_inheritable')),
    *(('fcntl', 'fcntl'), ('fcntl', 'ioctl'), ('termios', 'tcgetattr')),
}
TAKE_PATHS = OF_FILES | {('posix', name) for name in ('access', 'readlink', 'statvfs', 'pathconf', 'getxattr', 'listxattr')}
# By module: what its import keeps of an answer, and RENEWALS make anew.
RENEWED_ANSWERS = {'multiprocessing.process': ('posix', 'getcwd'), 'billiard.process': ('posix', 'getcwd')}
# They change what they tell, or are nothing for a file of the image: faults.
NOT_ASKED_AGAIN = {
    ('posix', 'umask'): 'UMASK',
    ('_asyncio', 'get_event_loop'): 'SURROUNDINGS',
    ('_thread', 'stack_size'): 'SURROUNDINGS',
    ('_signal', 'pthread_sigmask'): 'SURROUNDINGS',
    ('posix', 'lseek'): 'SURROUNDINGS',
    **{('fcntl', name): 'SURROUNDINGS' for name in ('fcntl', 'ioctl')},
    ('termios', 'tcgetattr'): 'SURROUNDINGS',
    ('spwd', 'getspnam'): 'SURROUNDINGS',
    ('spwd', 'getspall'): 'SURROUNDINGS',
}
# Each of them is asked once more at each start.
MOST_ASKED = 200

# Of the answer about a file only its kind counts for these, whoever calls them.
BY_KIND = {
    'genericpath': {'exists', 'isfile', 'isdir', 'islink', 'lexists'},
    'posixpath': {'lexists', 'islink', 'realpath', '_joinrealpath'},
    'glob': {'_lexists', '_isdir', 'lexists'},
    'pathlib': {'exists', 'is_file', 'is_dir', 'is_symlink', 'is_fifo', 'is_socket', 'is_block_device', 'is_char_device'},
}
PATHLIB = ('pathlib', 'pathlib._abc', 'pathlib._local', 'pathlib._os')
REGULAR, LINK = 0o100000, 0o120000
KINDS_OF_FILES = 0o170000


class Surroundings:
    """What imports of a template that is watched ask."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.asked = {}  # by module: the questions of its import
        self.holders = {}  # by code of a function: the modules that are there before all others and have it
        for name, module in recorder.base.items():
            for value in namespace_of(module).values():
                if type(value) is FUNCTION:
                    self.holders.setdefault(value.__code__, set()).add(name)
        for name in ASKING if recorder.watching else ():
            if name in recorder.modules:
                self.watch(name, recorder.modules[name])
        # A function has another hash from then on.
        for name, value in vars(os).items():
            if name.startswith('supports_') and type(value) is set:
                functions = list(value)
                value.clear()
                value.update(functions)

    def watch(self, name, module):
        """From now on it is seen who calls the functions of this module."""
        for function in ASKING.get(name, ()):
            # Which of them there are is a matter of the system.
            if function in namespace_of(module):
                watch_calls(namespace_of(module)[function], self.noting((name, function)))

    def noting(self, of):
        return lambda args, named, result, error: self.note(of, sys._getframe(1), args, named, result, error)

    def note(self, of, frame, args, named, result, error):
        """Somebody has asked. Returns what the answer is instead; None: what it is."""
        recorder = self.recorder
        owner = recorder.stack[-1]
        is_own = frame.f_globals is globals() or frame.f_globals.get('__name__') in IMPORTING
        if not owner or is_own or recorder.inside or recorder.idle or recorder.located.is_looking(frame):
            return None
        if of in OF_STREAMS and not is_of_stream(args, named):
            return None
        # A setting that is changed is seen by what it is then; an error that is there may be the import's own.
        if (of == SETLOCALE and (args[1:] or (None,))[0] is not None) or (of in OF_ERRORS and result not in NO_ERRORS):
            return None
        if RENEWED_ANSWERS.get(owner) == of:
            # Who has a copy of it holds something else than elsewhere.
            return '/elsewhere' if ELSEWHERE else None
        inside, recorder.inside = recorder.inside, True
        which = which_of(of, frame)
        question = text_of_question(of, args, named)
        answer = text_of_error(error, which) if error is not None else text_of_answer(result, which)
        recorder.inside = inside
        self.ask(of, owner, which, question, answer)
        for keeper in keepers_between(recorder, frame, owner):
            event = 'asks', '.'.join(of), which, question, answer
            if question is not None and of not in NOT_ASKED_AGAIN and event not in recorder.events.get(keeper, (event,)):
                recorder.events[keeper].append(event)
        for code in codes_between(frame, owner):
            for module in sorted(self.holders.get(code, ())):
                if ('ask', module) not in recorder.events[owner]:
                    recorder.event('ask', module)
        return answer_elsewhere(result) if ELSEWHERE and error is None and of in OF_FILES else None

    def ask_for_terminal(self, descriptor, answer):
        """Somebody has asked whether a standard stream is one, by whatever function: most do by a method of the stream."""
        self.ask(('posix', 'isatty'), self.recorder.stack[-1], 'answer', repr(([descriptor], [])), repr(answer))

    def ask(self, of, owner, which, question, answer):
        recorder = self.recorder
        # Addresses are the template's.
        if question is None or ' at 0x' in answer or of in NOT_ASKED_AGAIN:
            reason = NOT_ASKED_AGAIN.get(of, 'SURROUNDINGS')
            recorder.fault(reason, '.'.join(of) if reason == 'SURROUNDINGS' else '')
            return
        asked = self.asked.setdefault(owner, set())
        # What is asked again may be answered by what the import itself has done.
        if (of, which, question) in asked:
            return
        asked.add((of, which, question))
        if len(asked) > MOST_ASKED:
            recorder.fault('SURROUNDINGS', 'more than %d times' % MOST_ASKED)
            return
        recorder.event('asks', '.'.join(of), which, question, answer)


SETLOCALE = '_locale', 'setlocale'
OF_ERRORS = {('sys', 'exc_info'), ('sys', 'exception')}
NO_ERRORS = None, (None, None, None)


def is_of_stream(args, named):
    descriptor = (args or [*named.values(), 1])[0]
    if type(descriptor) is not int and type(descriptor) is TEXT_STREAM:
        return descriptor in (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    return type(descriptor) is int and 0 <= descriptor <= 2


def which_of(of, frame):
    """What of an answer counts: 'kind' and 'status' of a file, or all of it."""
    if of not in OF_FILES:
        return 'answer'
    module = frame.f_globals.get('__name__')
    if module in PATHLIB:
        # Each of its methods asks by one of its own.
        while frame.f_code.co_name in ('stat', 'lstat', '_raw_stat') and frame.f_back is not None:
            frame = frame.f_back
        module = 'pathlib' if frame.f_globals.get('__name__') in PATHLIB else None
    return 'kind' if frame.f_code.co_name in BY_KIND.get(module, ()) else 'status'


def codes_between(frame, owner):
    """What a module calls to ask, which a program may have put something else in the place of before."""
    while frame is not None and frame.f_globals.get('__name__') != owner:
        yield frame.f_code
        frame = frame.f_back


def text_of_question(of, args, named):
    """The arguments as they can be given again; None: they cannot be, as numbers of open files."""
    is_open = of in TAKE_PATHS - OF_STREAMS and (isinstance(args[:1] and args[0], (int, tuple)) or named.get('dir_fd') is not None)
    if is_open:
        return None
    try:
        args = [plain_argument(one) for one in args]
        named = sorted((name, plain_argument(one)) for name, one in named.items())
    except TypeError:
        return None
    return repr((args, named))


def plain_argument(value):
    if type(value) is str and value.startswith('/proc/'):
        # Under its number a process asks about itself.
        own = '/proc/%s/' % posix.readlink('/proc/self')
        return '/proc/self/' + value[len(own) :] if value.startswith(own) else value
    if type(value) in (str, bytes, int, bool, type(None)):
        return value
    return int(value) if isinstance(value, int) else os.fspath(value)


def answer_elsewhere(status):
    """What is_answered_alike does not look at is another one in the second template: who keeps it holds something else there."""
    kind, (values, named) = status.__reduce__()
    values, named = list(values), dict(named)
    are_known = {'st_mode', 'st_uid', 'st_gid'}
    if status.st_mode & KINDS_OF_FILES in (REGULAR, LINK):
        are_known |= {'st_size', 'st_mtime', 'st_mtime_ns'}
    for at, name in enumerate(NAMES_OF_STATUS):
        if name not in are_known:
            values[at] += 1000003
    for name, value in named.items():
        if name not in are_known and type(value) in (int, float):
            named[name] = value + 1000003
    return kind(values, named)


NAMES_OF_STATUS = ('st_mode', 'st_ino', 'st_dev', 'st_nlink', 'st_uid', 'st_gid', 'st_size', 'st_atime', 'st_mtime', 'st_ctime')


def settle_keepers_of_errors(recorder):
    """An error that a module keeps has that with it which was being handled where it was raised: the program's, too."""
    for name in loaded(recorder):
        if name in recorder.events and any(map(is_raised, namespace_of(recorder.modules[name]).values())):
            if name in recorder.in_handlers:
                recorder.faults.setdefault(name, []).append(('SURROUNDINGS', 'sys.exc_info'))
            else:
                recorder.events[name].append(('asks', 'sys.exc_info', 'answer', repr(([], [])), repr((None, None, None))))


def is_raised(value):
    return BaseException in type(value).__mro__ and TRACEBACK_OF(value) is not None


TRACEBACK_OF = BaseException.__traceback__.__get__


def settle_askers_for_threads(recorder):
    """How many threads a program has nobody can be asked."""
    module = recorder.modules.get('threading')
    for function in ('enumerate', 'active_count'):
        asked = namespace_of(module).get(function)
        for name in callers_of(asked.__code__) if type(asked) is FUNCTION else ():
            recorder.faults.setdefault(name, []).append(('SURROUNDINGS', 'threading.' + function))


# ---- where a module is put in place ----

# What this walk has asked.
answered = {}


def is_answered_alike(of, function, question, args, named, which, answer):
    key = of, which, question
    if key not in answered:
        answered[key] = answer_of(function, args, named, which)
    return answered[key] == answer


def answer_of(function, args, named, which):
    try:
        value = function(*args, **named)
    except Exception as error:
        return text_of_error(error, which)
    return text_of_answer(value, which)


def text_of_error(error, which):
    return '' if which == 'kind' else '%s %s' % (type(error).__name__, getattr(error, 'errno', None))


def text_of_answer(value, which):
    if which == 'kind':
        return kind_of_file(value)
    if which == 'answer':
        return repr(value)
    known = [value.st_mode, value.st_uid, value.st_gid]
    if value.st_mode & KINDS_OF_FILES in (REGULAR, LINK):
        known += [value.st_size, value.st_mtime_ns]
    return repr(known)


def kind_of_file(status):
    return oct(status.st_mode & KINDS_OF_FILES)


def question_of(event, modules, is_child):
    """The event as a condition, which is true in this template too, other than in a child of it; raises ValueError."""
    _, of, which, question, answer = event
    module, _, name = of.rpartition('.')
    function = attributes_of(modules.get(module)).get(name)
    args, named = value_of(question)
    if function is None or not (is_child or answer_of(function, args, dict(named), which) == answer):
        raise ValueError('it has asked %s%s, and is answered otherwise now' % (of, args))
    return 'condition', 'asks', of, (function, question, args, dict(named), which, answer)
