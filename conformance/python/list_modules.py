# SPDX-License-Identifier: Apache-2.0
# Prints the modules of the standard library that can be imported for nothing but being imported, one a line.
import os
import sys
import sysconfig

# Open a window or a browser, are programs, or are tests.
LEFT_OUT = {"antigravity", "idlelib", "lib2to3", "test", "this", "tkinter", "turtle", "turtledemo", "__main__", "tests"}
WINDOWS = {"_winapi", "msilib", "winreg", "winsound", "nt", "ntpath", "windows_events", "windows_utils", "popen_spawn_win32"}


def walk(directory, prefix):
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        module, extension = os.path.splitext(name)
        if module in LEFT_OUT or module in WINDOWS or not module.isidentifier():
            continue
        if extension == ".py" and module != "__init__":
            print(prefix + module)
        elif not extension and os.path.isfile(os.path.join(path, "__init__.py")):
            print(prefix + module)
            walk(path, prefix + module + ".")


walk(sysconfig.get_paths()["stdlib"], "")
