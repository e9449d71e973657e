# SPDX-License-Identifier: Apache-2.0
# Runs inside every CPython of a training run, before its `site` is imported, and records
# each module that is executed from a source file: its code as the interpreter is about to
# run it, and where it was found. Imports nothing that is not there already.
#
# One file per process, DIRECTORY/<pid>-<random>.trace, of records
#     <type> <length of field 1> <length of field 2> ...\n<field 1><field 2>...
# each appended with one write, so that a killed process loses at most the last one.
# Lists are joined with NUL. Types: P process, S end of the interpreter's start, B modules of before,
# M module, L module left out, X extension module and its libraries, R regular expression, C compiled source string,
# N one with a sample for a number; the fields are those of the calls below. DIRECTORY/activity grows by one byte per module.
import _frozen_importlib as bootstrap
import _frozen_importlib_external as external
import _imp
import marshal
import posix
import sys

APPEND = posix.O_WRONLY | posix.O_APPEND | posix.O_CREAT | posix.O_CLOEXEC
CodeType = type((lambda: 0).__code__)
run_without_frames = bootstrap._call_with_frames_removed
SourceFileLoader = external.SourceFileLoader
SourcelessFileLoader = external.SourcelessFileLoader
RAW_MAGIC_NUMBER = int.from_bytes(external.MAGIC_NUMBER, "little")
owner = None  # (pid, path) of the process that writes; a fork changes it


def encode(value):
    if isinstance(value, bytes):
        return value
    if isinstance(value, (list, tuple)):
        return b"\0".join(encode(item) for item in value)
    return str(value).encode("utf-8", "surrogateescape")


def append(path, data):
    descriptor = posix.open(path, APPEND, 0o666)
    try:
        posix.write(descriptor, data)
    finally:
        posix.close(descriptor)


def record(kind, *fields):
    global owner
    pid = posix.getpid()
    if owner is None or owner[0] != pid:
        owner = (pid, "%s/%d-%s.trace" % (DIRECTORY, pid, posix.urandom(6).hex()))
        record("P", *describe_process())
    encoded = [encode(field) for field in fields]
    head = " ".join([kind] + [str(len(field)) for field in encoded]) + "\n"
    append(owner[1], head.encode() + b"".join(encoded))


def resolve(path):
    for _ in range(40):
        try:
            target = posix.readlink(path)
        except OSError:
            break
        path = target if target.startswith("/") else path.rpartition("/")[0] + "/" + target
    return path


def describe_process():
    flags = sys.flags
    debug = hasattr(sys, "gettotalrefcount")
    threaded = "t" in getattr(sys, "abiflags", "")
    try:
        executable = posix.readlink("/proc/self/exe")
    except OSError:
        executable = resolve(sys.executable)  # under chroot there may be no /proc
    return (
        posix.getpid(), posix.getppid(), sys.executable, executable, getattr(sys, "orig_argv", sys.argv),
        sys.hexversion, sys.version.split()[0], sys.implementation.name, sys.implementation.cache_tag or "",
        LIBRARY or executable, IDENTITY, external.MAGIC_NUMBER, int(debug), int(threaded),
        flags.optimize, flags.no_site, flags.isolated, flags.ignore_environment,
        int(no_debug_ranges()),
    )


def no_debug_ranges():
    """Whether this interpreter drops the column information of code, which 3.11 and later have."""
    if sys.hexversion < 0x030B0000:
        return False
    variable = posix.environ.get(b"PYTHONNODEBUGRANGES") and not sys.flags.ignore_environment
    return bool(variable) or "no_debug_ranges" in sys._xoptions


def is_directory(path):
    try:
        return posix.stat(path).st_mode & 0o170000 == 0o040000
    except OSError:
        return False


def started():
    """Called when the interpreter has started, before the program: site is done now."""
    site = sys.modules.get("site")
    directories = [path for path in site.getsitepackages() if is_directory(path)] if site else []
    if getattr(sys.flags, "no_site", 0):
        directories = []
    record("S", sys.prefix, directories, sys.path)


def nested_code(code, seen, out):
    if id(code) in seen:
        return
    seen.add(id(code))
    out.append(code._co_code_adaptive)
    for constant in code.co_consts:
        if type(constant) is CodeType:
            nested_code(constant, seen, out)


def search_entry(name, origin, is_package):
    """The entry of the search path under which the module was found, or None."""
    base = origin.rpartition("/")[0]
    if is_package:
        base = base.rpartition("/")[0]
    parent = name.rpartition(".")[0]
    path = getattr(sys.modules.get(parent), "__path__", ()) if parent else sys.path
    for entry in path:
        if isinstance(entry, str) and (entry.rstrip("/") or entry) == base:
            return entry
    if "" in path and posix.getcwd() == base:
        return ""
    return None


def record_source(loader, module, code):
    spec = module.__spec__
    name, origin = spec.name, spec.origin
    is_package = spec.submodule_search_locations is not None
    entry = search_entry(name, origin, is_package)
    if entry is None:
        record("L", name, origin, "it was not found through the module search path")
        return
    if not origin.startswith("/"):
        record("L", name, origin, "its path is relative")
        return
    record_module(loader, name, origin, spec.cached or "", entry, is_package, code)


def record_module(loader, name, origin, cached, entry, is_package, code):
    stats = posix.stat(origin)
    source_hash = _imp.source_hash(RAW_MAGIC_NUMBER, loader.get_data(origin))
    seeds = []
    if hasattr(code, "_co_code_adaptive"):
        nested_code(code, set(), seeds)
    record("M", name, origin, cached, entry, int(is_package), int(stats.st_mtime), stats.st_size,
           source_hash, marshal.dumps(code), b"".join(seeds))


def observe(loader, module, code):
    try:
        kind = type(loader)
        if kind is SourceFileLoader and module.__spec__.loader is loader:
            record_source(loader, module, code)
        elif kind is SourcelessFileLoader:
            record("L", loader.name, loader.path, "it has bytecode but no source")
        else:
            record("L", module.__name__, getattr(loader, "path", ""), "another loader loads it")
    except Exception as error:
        try:
            record("L", module.__name__, "", "it could not be recorded: %s" % error)
        except Exception:
            pass  # a trace that cannot be written must not disturb the program
    count_import()


def count_import():
    try:
        append(DIRECTORY + "/activity", b".")
    except OSError:
        pass  # only the progress display and --ready quiet suffer


def exec_module(self, module):
    code = self.get_code(module.__name__)
    if code is None:
        raise ImportError("cannot load module %r when get_code() returns None" % module.__name__)
    observe(self, module, code)
    run_without_frames(exec, code, module.__dict__)
    watch_regexes(module, code)


def mapped_libraries():
    """The files whose code is in memory; none where /proc is hidden."""
    data = b""
    try:
        descriptor = posix.open("/proc/self/maps", posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return []
    try:
        while True:
            part = posix.read(descriptor, 1 << 16)
            if not part:
                break
            data += part
    finally:
        posix.close(descriptor)
    lines = (line.split(b" ", 5) for line in data.splitlines() if b" r-xp " in line)
    return [line[5].strip() for line in lines if len(line) > 5 and line[5].strip().startswith(b"/")]


def new_libraries(extension):
    """What has come into memory with an extension module, which is there when it is executed."""
    new = [path for path in dict.fromkeys(mapped_libraries()) if path not in libraries]
    libraries.update(new)
    return [path for path in new if path != encode(extension)]


def extension_exec_module(self, module):
    try:
        record("X", self.name, self.path, new_libraries(self.path))
    except Exception:
        pass
    count_import()
    return stock_extension_exec(self, module)


def already_imported():
    for name, module in list(sys.modules.items()):
        loader = getattr(module, "__loader__", None)
        if type(loader) is SourceFileLoader:
            yield name


# ---- regular expressions ----
#
# `re` compiles by `_compiler.compile(pattern, flags)`, which ends in `_sre.compile` with the
# finished program. Only that last step is observed, through the name `_sre` in the compiler's
# module: the functions of `re`, their frames and their warnings stay what they are.

COMPILERS = ("re._compiler", "sre_compile")
PARSERS = ("re._parser", "sre_parse")
LOCALE, DEBUG = 4, 128
MAX_COMPILED = 20000  # per process; a program that compiles without end must not fill the disk
MAX_COMPILED_BYTES = 32 << 20
parser_code = None  # of re's parser, for parsing once more
quiet_parse = None  # a private copy of its parse(), which fails where it would warn
compiled = set()
compiled_bytes = 0


class Warned(Exception):
    pass


class StrictWarnings:
    def warn(self, *args, **keywords):
        raise Warned


def import_strictly(name, *args, **keywords):
    return StrictWarnings() if name == "warnings" else __import__(name, *args, **keywords)


def may_record(key, size):
    """Whether a result is new, and there is room for it."""
    global compiled_bytes
    if key in compiled or len(compiled) >= MAX_COMPILED or compiled_bytes + size > MAX_COMPILED_BYTES:
        return False
    compiled.add(key)
    compiled_bytes += size
    return True


def parses_silently(pattern, flags):
    """What a pattern warns of depends on the program that compiles it, so it is asked again in private."""
    global quiet_parse
    if quiet_parse is None:
        builtins = dict(sys.modules["builtins"].__dict__, __import__=import_strictly)
        package = "re" if "re._parser" in sys.modules else ""
        names = {"__builtins__": builtins, "__name__": "re._parser", "__package__": package}
        exec(parser_code, names)
        quiet_parse = names["parse"]
    try:
        quiet_parse(pattern, flags)
    except Warned:
        return False
    return True


def observe_pattern(caller, pattern, flags, code, groups, groupindex):
    if type(pattern) not in (str, bytes):
        return
    asked = int(caller.f_locals["flags"])
    if (flags | asked) & (LOCALE | DEBUG) or not 0 <= asked < 1 << 32:
        return
    if not may_record((type(pattern), pattern, asked), len(pattern) + 2 * len(code)):
        return
    encoded = pattern if type(pattern) is bytes else pattern.encode()
    if parses_silently(pattern, asked):
        words = b"".join(word.to_bytes(4, "little") for word in code)
        names = [part for name, group in groupindex.items() for part in (group, name)]
        record("R", int(type(pattern) is bytes), asked, encoded, int(flags), groups, words, names)


def watch_compiler(compiler):
    stock = compiler._sre
    stock_compile = stock.compile
    caller_code = compiler.compile.__code__

    def compile(pattern, flags, code, groups, groupindex, indexgroup):
        result = stock_compile(pattern, flags, code, groups, groupindex, indexgroup)
        try:
            caller = sys._getframe(1)
            if caller.f_code is caller_code:
                observe_pattern(caller, pattern, flags, code, groups, groupindex)
        except Exception:
            pass  # such as a pattern that is no text: it is compiled each time, as ever
        return result

    compiler._sre = type(sys)("_sre")
    compiler._sre.__dict__.update(stock.__dict__, compile=compile)


def watch_regexes(module, code):
    global parser_code
    name = module.__name__
    if name in PARSERS:
        parser_code = parser_code or code
    elif name in COMPILERS and module.compile.__globals__ is module.__dict__ and parser_code:
        watch_compiler(module)  # not the sre_compile of 3.11 and later, an alias


# ---- source strings: called by sources.c ----

MODES = ("exec", "eval", "single")


def wants_source(mode, flags, optimize, filename, text):
    return may_record((mode, flags, optimize, filename, text), 2 * len(text))


def plain_marshal(code):
    # Later versions of the format write references, which depend on who else holds an object: equal
    # texts would give different bytes.
    try:
        return marshal.dumps(code, 2)
    except ValueError:  # slices, from 3.14 on
        return marshal.dumps(code)


def record_source_string(mode, flags, optimize, filename, text, code):
    record("C", MODES[mode], flags, optimize, filename, text, plain_marshal(code))


# Literals of 64-bit hashes with their signs; shorter ones are rare.
SAMPLE_WIDTHS = (18, 19, 20)


def with_number(code, old, new):
    """Marshalled code with another number; None when the old one is not there exactly once."""
    old, new = (plain_marshal(int(literal))[1:] for literal in (old, new))
    return code.replace(old, new) if code.count(old) == 1 else None


# Of a text with a number between head and tail that is another one in each process: see format/number.h.
def record_samples(mode, flags, optimize, filename, head, tail):
    def compiled(literal):
        return plain_marshal(compile(head + literal + tail, filename, MODES[mode], flags, True, optimize))

    for width in SAMPLE_WIDTHS:
        sample = "1" + "0" * (width - 2) + "7"
        text = head + sample + tail
        # A trace has nothing but samples: they come as texts of the program, too.
        if not may_record(("sample", mode, flags, optimize, filename, text), 2 * len(text)):
            continue
        try:
            code = compiled(sample)
            others = ["-" + "9" * (width - 1), "-1" + "0" * (width - 2)] + ["9" * width] * (width < 20)
            alike = all(compiled(other) == with_number(code, sample, other) for other in others)
        except Exception:
            return  # no literal of the language
        if alike:
            record("N", MODES[mode], flags, optimize, filename, text, code)


libraries = set(mapped_libraries())
stock_extension_exec = external.ExtensionFileLoader.exec_module
external._LoaderBasics.exec_module = exec_module
external.ExtensionFileLoader.exec_module = extension_exec_module
record("B", list(already_imported()))
