# SPDX-License-Identifier: Apache-2.0
# Runs at the start of every interpreter of a run, from a line behind the hook's: writes down whether the archive is
# in use by then. Itself a module of the archive, so where that is in use one module at least has come from it.
# PLACE, the file to append to, is set by the runner. Nothing that a test could see is left behind.
import posix
import sys

def record():
    runtime = sys.modules.get("_pycds")
    status, served = "ABSENT", 0
    if runtime is not None:
        told = runtime.stats()
        status, served = told["status"], told["served"]
    line = "%d %d %s %d\n" % (posix.getpid(), posix.getppid(), status, served)
    try:
        # One write, so that lines of several processes do not mix.
        file = posix.open(PLACE, posix.O_WRONLY | posix.O_APPEND | posix.O_CREAT | posix.O_CLOEXEC, 0o666)
        try:
            posix.write(file, line.encode())
        finally:
            posix.close(file)
    except OSError:
        pass  # no descriptors or rights left: one witness less
