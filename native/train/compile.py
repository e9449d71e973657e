# SPDX-License-Identifier: Apache-2.0
# Records modules of this image by name and path, without running any of them: for a trace
# that was made elsewhere. Runs under the tracer, which has the format of records.
#     compile.py LIST
# LIST holds, each ended by NUL: name, path of the source, entry of the search path, "1" for a package.
import _frozen_importlib_external as external
import sys

tracer = external._LoaderBasics.exec_module.__globals__
sys.dont_write_bytecode = True
with open(sys.argv[1], "rb") as file:
    fields = [field.decode("utf-8", "surrogateescape") for field in file.read().split(b"\0")]
for index in range(0, len(fields) - 1, 4):
    name, origin, entry, is_package = fields[index : index + 4]
    try:
        loader = external.SourceFileLoader(name, origin)
        code = loader.get_code(name)
        cached = external.cache_from_source(origin)
        tracer["record_module"](loader, name, origin, cached, entry, is_package == "1", code)
    except OSError:
        tracer["record"]("L", name, origin, "a trace names it, but its source is not in this image")
    except Exception as error:
        tracer["record"]("L", name, origin, "its source cannot be compiled: %s" % type(error).__name__)
    tracer["count_import"]()
