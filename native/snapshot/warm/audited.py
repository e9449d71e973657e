# SPDX-License-Identifier: Apache-2.0
# Audit events of imports, and calls of functions in C of which no event tells: what only they show.

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
# Not of the image, or another one in each container.
OUTSIDE = ('/proc/', '/sys/', '/dev/', '/etc/', '/run/', '/tmp/', '/var/')
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
# What files in a directory are, beyond their kinds.
OF_ENTRIES = {(None, 'stat'), (None, 'inode')}
CHARACTER_DEVICE = 0o020000
NULL_DEVICE = posix.makedev(1, 3)


class Audited:
    def __init__(self, recorder):
        self.recorder = recorder

    def audit(self, event, args):
        recorder = self.recorder
        if recorder.inside or not recorder.stack[-1]:
            return
        if event == 'open':
            self.opened(*args)
        elif event in ('os.listdir', 'os.scandir'):
            self.listed(args[0])
        elif event == 'subprocess.Popen' and args[0] == 'uname' and asks_for_processor(recorder.modules.get('platform')):
            if ELSEWHERE:
                answer_otherwise(args[1])
        elif event == 'sys.monitoring.register_callback':
            recorder.fault('TRACE', event)
            recorder.process.monitored = True
        elif event in AUDITED and not (AUDITED[event] == 'WROTE' and '__pycache__' in os.fsdecode(args[0])):
            recorder.fault(AUDITED[event], event)

    def listed(self, path):
        """A directory was listed, not by the import system."""
        recorder = self.recorder
        if path == '/proc/self/fd' or sys._getframe(2).f_globals.get('__name__') in IMPORTING:
            return
        name = os.fsdecode(path).rstrip('/') + '/' if type(path) in (str, bytes) else ''
        if not name.startswith('/') or (name.startswith(OUTSIDE) and not name.startswith(recorder.inside_of)):
            recorder.fault('LISTED', str(path))
            return
        path = os.fsdecode(path)
        event = ('listed', path, listing_of(path))
        if event not in recorder.events[recorder.stack[-1]]:
            recorder.event(*event)

    def opened(self, path, mode, flags):
        recorder = self.recorder
        if isinstance(path, int):
            return
        path = os.fsdecode(path)
        # The import system's own.
        if path.endswith('.pyc') or '/__pycache__/' in path:
            return
        if is_null_device(path):
            recorder.files.setdefault(recorder.stack[-1], set()).add(path)
        elif flags & (posix.O_WRONLY | posix.O_RDWR | posix.O_CREAT):
            recorder.fault('WROTE', path)
        elif path == OF_MAPPED and (sought := texts_sought(recorder, sys._getframe(2))) is not None:
            for text in sought:
                recorder.program.finds('mapped', text, False)
        elif not path.startswith('/') or (path.startswith(OUTSIDE) and not path.startswith(recorder.inside_of)):
            recorder.fault('OUTSIDE', path)
        else:
            recorder.files.setdefault(recorder.stack[-1], set()).add(path)

    def calls(self, function):
        """A function in C is called, of which not more is known; whether it is one of those that change something."""
        recorder = self.recorder
        place = function.__module__, function.__name__
        if place in OF_ENTRIES and NAME_OF_TYPE(type(function.__self__)) == 'DirEntry':
            reason = 'LISTED'
        else:
            reason = CHANGING.get(place) or CHANGING.get((place[0], ''))
        if reason and recorder.stack[-1] and not recorder.inside and not recorder.idle:
            recorder.fault(reason, '.'.join(filter(None, place)))
        return reason is not None


def is_null_device(path):
    """Whether it is what keeps nothing of what is written to it, for all users: shadow.c looks again."""
    try:
        status = posix.stat(path)
    except OSError:
        return False
    return status.st_mode & ~0o777 == CHARACTER_DEVICE and status.st_mode & 0o666 == 0o666 and status.st_rdev == NULL_DEVICE
