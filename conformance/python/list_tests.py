# SPDX-License-Identifier: Apache-2.0
# Prints the test files of this CPython, one a line; packages of test files by their parts.
import os

try:
    import test
except ImportError:
    raise SystemExit(3)
if not os.path.exists(os.path.join(test.__path__[0], "test_os.py")) and not os.path.isdir(
    os.path.join(test.__path__[0], "test_os")
):
    raise SystemExit(3)


def is_test(name):
    return name.startswith("test_") and name.endswith(".py")


def can_be_split(directory):
    """Whether all its tests are in files of its own: not in __init__, not in packages within."""
    names = os.listdir(directory)
    inner = [name for name in names if os.path.isfile(os.path.join(directory, name, "__init__.py"))]
    nested = [name for name in inner if any(map(is_test, os.listdir(os.path.join(directory, name))))]
    return any(map(is_test, names)) and not nested


def walk(directory, prefix):
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if is_test(name):
            print(prefix + name[:-3])
        elif name.startswith("test_") and os.path.isfile(os.path.join(path, "__init__.py")):
            walk(path, prefix + name + ".") if can_be_split(path) else print(prefix + name)


walk(test.__path__[0], "")
