# SPDX-License-Identifier: Apache-2.0
# Runs at the start of every interpreter of a run, from a line behind the hook's: writes down whether the archive is
# in use by then. Itself a module of the archive, so where that is in use one module at least has come from it.
# A start that goes on in a snapshot reads no such line: it does what the interpreter that was frozen had asked for.
# PLACE, the file to append to, is set by the runner. Nothing that a test could see is left behind.
import posix
import sys

def record():
    runtime = sys.modules.get("_pycds")
    status, served, snapshot = "ABSENT", 0, "ABSENT"
    if runtime is not None:
        told = runtime.stats()
        status, served, snapshot = told["status"], told["served"], told["snapshot"]
    if status == "INACTIVE":  # it is being frozen
        posix.register_at_fork(after_in_child=once(lambda: write("THAWED", 0, "THAWED")))
    else:
        write(status, served, snapshot)

def once(call):
    """Forks of a process that goes on in a snapshot have nothing to tell."""
    calls = [call]
    return lambda: calls.pop()() if calls else None

def write(status, served, snapshot):
    line = "%d %d %s %d %s\n" % (posix.getpid(), posix.getppid(), status, served, snapshot)
    try:
        # One write, so that lines of several processes do not mix.
        file = posix.open(PLACE, posix.O_WRONLY | posix.O_APPEND | posix.O_CREAT | posix.O_CLOEXEC, 0o666)
        try:
            posix.write(file, line.encode())
        finally:
            posix.close(file)
    except OSError:
        pass  # no descriptors or rights left: one witness less
