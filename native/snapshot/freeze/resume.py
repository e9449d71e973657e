# SPDX-License-Identifier: Apache-2.0
# Runs inside the interpreter that is frozen. `prepare` before, in the template; `resume` after, in each process that is
# made of it, before anything of the program runs. Neither leaves anything behind but what it is for. All of these modules
# have been imported by then.
import _signal
import io
import os
import posix
import site
import sys
from _weakref import getweakrefcount

# The texts of src/layer/hook.ts.
HOOK = 'import os; exec("try:\\n import _pycds\\nexcept Exception:\\n pass") if '
HOOK_ENDS = (
    '(os.environ.get("PYCDS_ARCHIVE") or os.environ.get("PYCDS_LEARN")) and os.environ.get("PYCDS") != "off" else None',
    'os.environ.get("PYCDS_ARCHIVE", "-") and os.environ.get("PYCDS") != "off" else None',
)

# What setuptools writes for a namespace package (setuptools/namespaces.py), in the forms of its releases: statements, with
# `NAME` for each name of a package and what depends on nothing else.
NAMESPACE_PATH = "p = os.path.join(sys._getframe(1).f_locals['sitedir'], *("
NAMESPACE_STATEMENTS = (
    'import sys, types, os',
    'import sys,types,os',
    'has_mfs = sys.version_info > (3, 5)',
    "importlib = has_mfs and __import__('importlib.util')",
    "importlib = __import__('importlib.util')",
    "has_mfs and __import__('importlib.machinery')",
    "__import__('importlib.machinery')",
    "ie = os.path.exists(os.path.join(p,'__init__.py'))",
    'm = has_mfs and sys.modules.setdefault(NAME, importlib.util.module_from_spec('
    'importlib.machinery.PathFinder.find_spec(NAME, [os.path.dirname(p)])))',
    'm = sys.modules.setdefault(NAME, importlib.util.module_from_spec('
    'importlib.machinery.PathFinder.find_spec(NAME, [os.path.dirname(p)])))',
    'm = m or sys.modules.setdefault(NAME, types.ModuleType(NAME))',
    'm = not ie and sys.modules.setdefault(NAME, types.ModuleType(NAME))',
    "mp = (m or []) and m.__dict__.setdefault('__path__',[])",
    '(p not in mp) and mp.append(p)',
    'm and setattr(sys.modules[NAME], NAME, m)',
)


def namespace_in(line):
    """The directories, one in the other, below the site directory that such a line makes a package of; None: it is another."""
    directories = None
    for statement in line.rstrip('; \t').split(';'):
        statement = statement.strip()
        if statement.startswith(NAMESPACE_PATH) and statement.endswith('))'):
            quoted = statement[len(NAMESPACE_PATH) : -2].rstrip(',').split(',')
            directories = [one.strip()[1:-1] for one in quoted]
            if not all(one.isidentifier() for one in directories):
                return None
            continue
        # Every second part is what stands in quotes.
        parts = statement.split("'")
        for place in range(1, len(parts), 2):
            if all(one.isidentifier() for one in parts[place].split('.')):
                parts[place - 1] += 'NAME'
                parts[place] = ''
        if statement not in NAMESPACE_STATEMENTS and ''.join(parts) not in NAMESPACE_STATEMENTS:
            return None
    return directories


def prepare(sitecustomize_known, line_known):
    """Makes caches empty that would remember what may have changed, and returns the paths that the start has looked at.

    :param sitecustomize_known: texts of sitecustomize.py, without comments and blank lines, that may be frozen
    :param line_known: a line of a .pth file that may be, too: what it does is done in the template alone
    :raises ValueError: why this interpreter must not be frozen
    """

    def refuse(reason):
        raise ValueError(reason)

    def lines_of(path):
        with open(path, encoding='utf-8', errors='surrogateescape') as file:
            return [line for line in file.read().splitlines() if line.strip() and not line.startswith('#')]

    def is_known(line):
        # The hook, in its forms.
        if line.startswith(HOOK) and line[len(HOOK) :].strip() in HOOK_ENDS:
            return True
        if line == line_known:
            return True
        # virtualenv, and uv as long as it wrote one, for a finder that answers for two modules of distutils.
        if line.rstrip() == 'import _virtualenv':
            return True
        # setuptools, for the module of its own that takes distutils' place.
        return line.startswith("import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = ") and line.rstrip(
            '; '
        ).endswith("enabled and __import__('_distutils_hack').add_shim()")

    paths = site.getsitepackages()
    for entry in sys.path:
        paths.append(entry)
        if not os.path.isabs(entry):
            refuse('sys.path has an entry that depends on the working directory: %r' % entry)
        if not os.path.isdir(entry):
            continue
        for name in os.listdir(entry):
            if not name.endswith('.pth'):
                continue
            path = os.path.join(entry, name)
            paths.append(path)
            for line in lines_of(path):
                if not line.startswith(('import ', 'import\t')):
                    paths.append(os.path.join(entry, line.rstrip()))
                    continue
                namespace = namespace_in(line)
                if namespace is not None:
                    paths += [os.path.join(entry, *namespace[: depth + 1]) for depth in range(len(namespace))]
                elif not is_known(line):
                    refuse('%s runs code of its own at each start' % path)
    for name in ('sitecustomize', 'usercustomize'):
        module = sys.modules.get(name)
        if module is None:
            continue
        path = getattr(module, '__file__', None)
        if path is None or '\n'.join(lines_of(path)) not in sitecustomize_known:
            refuse('%s runs code of its own at each start' % (path or name))
    if site.ENABLE_USER_SITE and sys.prefix != sys.base_prefix:
        refuse(
            'the virtual environment %s takes the site directory of each user in after the hook: '
            'set ENV PYTHONNOUSERSITE=1, or include-system-site-packages = false in its pyvenv.cfg' % sys.prefix
        )
    for module in list(sys.modules.values()):
        path = getattr(module, '__file__', None)
        if isinstance(path, str):
            paths.append(path)
    for directory in (sys.prefix, os.path.dirname(sys.executable)):
        paths.append(os.path.join(directory, 'pyvenv.cfg'))
    # What finders remember of directories whose names are compared at each start stays true.
    for path, finder in sys.path_importer_cache.items():
        if path not in sys.path and hasattr(finder, 'invalidate_caches'):
            finder.invalidate_caches()
    return sorted(set(paths))


def holds_buffers():
    """Whether something has got hold of a buffer of the standard streams, and would write into it where those have none."""
    other = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, 'wb', closefd=False)))

    def references(stream):
        # The buffer and what it writes into are other ones then, too.
        return [(sys.getrefcount(one), getweakrefcount(one)) for one in (stream.buffer, stream.buffer.raw)]

    return any(references(stream) != references(other) for stream in (sys.stdout, sys.stderr))


def held_streams():
    """
    Standard streams that something else than sys has got hold of. Modules that wait outlive the interpreter, and so do those that
    are frozen, so such a stream is never destroyed, which would write out what it still has.
    """
    one = object()
    plain = {'stdout': one, '__stdout__': one}
    del one
    most = sys.getrefcount(plain['stdout'])
    counts = {'stdout': sys.getrefcount(sys.stdout), 'stderr': sys.getrefcount(sys.stderr)}
    return [getattr(sys, name) for name, count in counts.items() if count > most and getattr(sys, name) is not None]


def resume(argv, orig_argv, variables, closed, dispositions, unbuffered):
    """Makes this process what the started one would have been.

    :param variables: of the environment, bytes, the first of a name counting
    :param closed: which of the standard streams are None
    :param dispositions: (signal, ignored) of those whose disposition is another one than the template's
    :param unbuffered: option -u, PYTHONUNBUFFERED
    """
    home = posix.environ.get(b'HOME')
    sys.argv[:] = argv
    sys.orig_argv[:] = orig_argv

    posix.environ.clear()
    for name, value in variables:
        posix.environ.setdefault(name, value)
    if os.environ._data is not posix.environ:
        os.environ._data.clear()
        os.environ._data.update(posix.environ)

    # These depend on the home directory: without the variable on the user database.
    if home is None or home != posix.environ.get(b'HOME'):
        site.USER_BASE = site.USER_SITE = None
        site.getusersitepackages()

    for number, ignored in dispositions:
        _signal.signal(number, _signal.SIG_IGN if ignored else _signal.SIG_DFL)

    for descriptor, name in enumerate(('stdin', 'stdout', 'stderr')):
        if closed[descriptor]:
            setattr(sys, name, None)
            setattr(sys, '__%s__' % name, None)
            continue
        # The objects stay the same, what they have found out about a descriptor does not.
        text = getattr(sys, name)
        buffer = text.buffer
        reads = descriptor == 0
        raw = io.FileIO(descriptor, 'rb' if reads else 'wb', closefd=False)
        is_terminal = raw.isatty()
        writes_through = unbuffered and not reads
        if writes_through:
            buffer = raw
        else:
            size = raw._blksize
            buffer.__init__(raw, size if size > 1 else io.DEFAULT_BUFFER_SIZE)
        raw.name = '<%s>' % name
        text.__init__(
            buffer,
            text.encoding,
            text.errors,
            '\n',
            not unbuffered and (is_terminal or descriptor == 2),
            unbuffered,
        )
        text.mode = 'r' if reads else 'w'
