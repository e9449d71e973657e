# SPDX-License-Identifier: Apache-2.0
# What an ideal loader would reach on a package: its import in a forked process whose code objects are in memory
# already, with a loader that does the least that a module needs, the collector off, and regular expressions and
# compiled strings looked up. Beside it the same import as Python does it, forked from the same process.
#
# Usage: floor.py ROUNDS < lines of Python. Prints one round a line, in nanoseconds: plain on the wall and of the
# processor, then the ideal.
import sys

LINES = sys.stdin.read()
# What strings inherit from the code that has them compiled: the bits of CPython's __future__ module.
FUTURE_FLAGS = 0x1FE0000
BEFORE = set(sys.modules)

import builtins
import gc
import marshal
import os
import pickle
import time

bootstrap = sys.modules["_frozen_importlib"]
external = sys.modules["_frozen_importlib_external"]


def run():
    """Nanoseconds of the import phase, on the wall and of the processor."""
    code = compile(LINES, "<floor>", "exec")
    began, cpu = time.perf_counter_ns(), time.process_time_ns()
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit:
        pass
    return time.perf_counter_ns() - began, time.process_time_ns() - cpu


def in_child(work):
    """Calls work in a fork and returns what it returns."""
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(source)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        # What this program needs itself must not be there for the package already; but compiled
        # patterns belong to the one `_sre` that made them.
        for name in set(sys.modules) - BEFORE - {"_sre"}:
            del sys.modules[name]
        data = pickle.dumps(work())
        while data:
            data = data[os.write(sink, data) :]
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as file:
        data = file.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        sys.exit("floor: a child failed")
    return pickle.loads(data)


def wrap_regex(around):
    """Has around(original, pattern, flags) called for each re.compile, as soon as re is there."""
    module = sys.modules["re"]
    original = module._compile
    module._compile = lambda pattern, flags: around(original, pattern, flags)


def wrap_builtins(around):
    """Has around(make, key, source) called for source strings given to compile, exec and eval."""
    originals = builtins.compile, builtins.exec, builtins.eval

    def compile(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, **more):
        if not dont_inherit:
            flags |= sys._getframe(1).f_code.co_flags & FUTURE_FLAGS
        make = lambda: originals[0](source, filename, mode, flags, True, optimize, **more)
        if not isinstance(source, str) or not isinstance(filename, str) or more:
            return make()
        return around(make, (source, filename, mode, flags, optimize))

    def runner(index, mode):
        def execute(source, scope=None, local=None, **more):
            if scope is None:
                frame = sys._getframe(1)
                scope, local = frame.f_globals, frame.f_locals if local is None else local
            if isinstance(source, str):
                text, flags = source, sys._getframe(1).f_code.co_flags & FUTURE_FLAGS
                make = lambda: originals[0](text, "<string>", mode, flags, True)
                source = around(make, (text, "<string>", mode, flags, -1))
            return originals[index](source, scope, scope if local is None else local, **more)

        return execute

    builtins.compile, builtins.exec, builtins.eval = compile, runner(1, "exec"), runner(2, "eval")


def record():
    """What the package needs: modules, patterns and strings."""
    modules, patterns, strings = {}, [], {}
    get_code = external.SourceLoader.get_code

    def recording(self, name):
        code = get_code(self, name)
        if name != "__main__":
            modules[name] = (marshal.dumps(code), self.path, self.is_package(name))
        return code

    def regex(original, pattern, flags):
        if type(pattern) in (str, bytes) and not int(flags) & 128:
            patterns.append((pattern, int(flags)))
        return original(pattern, flags)

    def string(make, key):
        code = make()
        strings[key] = marshal.dumps(code) if hasattr(code, "co_code") else None
        return code

    external.SourceLoader.get_code = recording
    wrap_builtins(string)
    find_and_load = bootstrap._find_and_load

    def watching(name, *rest):
        module = find_and_load(name, *rest)
        if name == "re":
            wrap_regex(regex)
        return module

    bootstrap._find_and_load = watching
    run()
    return modules, patterns, {key: data for key, data in strings.items() if data}


def prepare(modules, patterns, strings):
    """The same as objects in memory."""
    ready = {}
    for name, (data, path, is_package) in modules.items():
        loader = external.SourceFileLoader(name, path)
        folder = [path.rpartition("/")[0]] if is_package else None
        ready[name] = (marshal.loads(data), loader, path, folder)
    codes = {key: marshal.loads(data) for key, data in strings.items()}
    import re

    compiled = {}
    for pattern, flags in patterns:
        try:
            compiled[type(pattern), pattern, flags] = re._compile(pattern, flags)
        except Exception:
            pass
    return ready, compiled, codes


def ideal(ready, compiled, codes):
    original = bootstrap._find_and_load
    modules, spec_of, module_of, execute = sys.modules, bootstrap.ModuleSpec, type(sys), builtins.exec

    def regex(compile, pattern, flags):
        found = compiled.get((type(pattern), pattern, int(flags)))
        return compile(pattern, flags) if found is None else found

    def string(make, key):
        return codes.get(key) or make()

    def find_and_load(name, import_, **more):
        if name in modules:  # importlib.import_module asks without looking
            return modules[name]
        found = ready.get(name)
        if found is None:
            return original(name, import_, **more)
        parent, _, child = name.rpartition(".")
        if parent and parent not in modules:
            import_(parent)
            if name in modules:
                return modules[name]
        code, loader, path, folder = found
        module = module_of(name)
        spec = spec_of(name, loader, origin=path, is_package=folder is not None)
        spec._set_fileattr = True
        space = module.__dict__
        space["__spec__"], space["__loader__"], space["__file__"] = spec, loader, path
        space["__package__"] = parent
        if folder is not None:
            space["__path__"] = spec.submodule_search_locations = folder
            space["__package__"] = name
        modules[name] = module
        execute(code, space)
        module = modules[name]
        if parent:
            setattr(modules[parent], child, module)
        if name == "re":
            wrap_regex(regex)
        return module

    gc.disable()
    wrap_builtins(string)
    bootstrap._find_and_load = find_and_load
    return run()


def main():
    rounds = int(sys.argv[1])
    prepared = prepare(*in_child(record))
    for _ in range(rounds):
        print(*in_child(run), *in_child(lambda: ideal(*prepared)), flush=True)


main()
