# SPDX-License-Identifier: Apache-2.0
# Has CPython's test helpers start interpreters as that of the tests was started: without -X faulthandler, -I and -E, which
# they give to most of them. Options that a test asks for stay.
import subprocess
import types

ADDED = ["-X", "faulthandler"]


class Subprocess:
    """The module subprocess, for a helper that names it."""

    def __init__(self, added):
        self.added = added

    def __getattr__(self, name):
        return getattr(subprocess, name)

    def Popen(self, words, **named):
        end = 1 + len(self.added)
        assert words[1:end] == self.added, words
        return subprocess.Popen([words[0], *words[end:]], **named)


def start_alike(helpers):
    for name, added in (("run_python_until_end", ADDED), ("spawn_python", [])):
        helper = getattr(helpers, name)
        others = {"interpreter_requires_environment": lambda: True, "subprocess": Subprocess(added)}
        alike = types.FunctionType(helper.__code__, {**vars(helpers), **others}, name, helper.__defaults__)
        alike.__kwdefaults__ = helper.__kwdefaults__
        setattr(helpers, name, alike)
