# SPDX-License-Identifier: Apache-2.0
# What the collectors have in common: a line of JSON for each test case, written at once, so that a crash loses none.
import json
import os
import re
import sys

DETAIL = 4000
# Another one in each process.
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")


def ends_of(detail):
    """An exception is told at the beginning of what is long, or at its end."""
    half = DETAIL // 2
    return detail if len(detail) <= DETAIL else detail[:half] + "\n[...]\n" + detail[-half:]


class Record:
    """Appends to a file that is open only while a line is written: tests count descriptors."""

    def __init__(self, path):
        self.path = path
        self.process = os.getpid()
        # Tests replace functions of os and builtins.
        self.open, self.write, self.close, self.getpid = os.open, os.write, os.close, os.getpid

    def line(self, **fields):
        # A forked child that runs on into the test runner has nothing to say.
        if self.getpid() != self.process:
            return
        file = self.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self.write(file, json.dumps(fields).encode() + b"\n")
        finally:
            self.close(file)

    def case(self, name, outcome, detail=""):
        self.line(case=ADDRESS.sub("0x", name), outcome=outcome, detail=ends_of(detail))

    def end(self):
        """What the archive has served by now, if there is one."""
        runtime = sys.modules.get("_pycds")
        told = runtime.stats() if runtime else {"status": "ABSENT"}
        self.line(process=self.process, archive=told)
