# SPDX-License-Identifier: Apache-2.0
# Records what a trace names, without running any of it: the code of this image's modules, and what
# its regular expressions and source strings compile to. Runs under the tracer, which does the recording.
#     compile.py LIST
# LIST has the form of the tracer's own records: M name, path, entry of the search path, "1" for a package,
# file to read in the place of the path or ""; R "1" for bytes, flags, pattern; C mode, flags, file name, text.
import _frozen_importlib_external as external
import sys

tracer = external._LoaderBasics.exec_module.__globals__


def entries(data):
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, *lengths = data[at:end].decode().split(" ")
        at = end + 1
        fields = []
        for length in map(int, lengths):
            fields.append(data[at : at + length])
            at += length
        yield kind, fields


class Elsewhere(external.SourceFileLoader):
    """Compiles a given file as if it lay at the path; bytecode beside the path is of another source."""

    source = ""

    def get_data(self, path):
        return super().get_data(self.source)

    def get_code(self, name):
        return self.source_to_code(self.get_data(self.path), self.path)


def loader_of(name, origin, source):
    if not source:
        return external.SourceFileLoader(name, origin)
    loader = Elsewhere(name, origin)
    loader.source = source
    return loader


def record_module(name, origin, entry, is_package, source):
    try:
        loader = loader_of(name, origin, source)
        code = loader.get_code(name)
        cached = external.cache_from_source(origin)
        tracer["record_module"](loader, name, origin, cached, entry, is_package == "1", code)
    except OSError:
        tracer["record"]("L", name, origin, "a trace names it, but its source is not in this image")
    except Exception as error:
        tracer["record"]("L", name, origin, "its source cannot be compiled: %s" % type(error).__name__)
    tracer["count_import"]()


def compile_pattern(is_bytes, flags, pattern):
    import re  # only now: a trace without any has none to load

    compiler = sys.modules.get("re._compiler") or sys.modules["sre_compile"]
    compiler.compile(pattern if is_bytes == b"1" else pattern.decode(), int(flags))


def compile_source(mode, flags, filename, text):
    compile(text.decode(), filename.decode("utf-8", "surrogateescape"), mode.decode(), int(flags), True)


sys.dont_write_bytecode = True
with open(sys.argv[1], "rb") as file:
    DATA = file.read()
for kind, fields in entries(DATA):
    if kind == "M":
        record_module(*(field.decode("utf-8", "surrogateescape") for field in fields))
        continue
    try:
        (compile_pattern if kind == "R" else compile_source)(*fields)
    except Exception:
        pass  # what this Python does not compile, it does not compile for the application either
