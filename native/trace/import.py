# SPDX-License-Identifier: Apache-2.0
# Imports modules and nothing else, for images whose command cannot run during a bake.
#     import.py FIRST_ENTRY_OF_SYS_PATH MODULE[:ATTRIBUTE]...
# Ends with 1 when one of them could not be imported; the others are imported all the same.
# Imports nothing for itself, because all that is imported here ends up in the archive.
import sys

ENTRY, *NAMES = sys.argv[1:]
if not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated:
    sys.path[0] = ENTRY
sys.argv = [""]
failed = []
for name in NAMES:
    module, _, attributes = name.partition(":")
    try:
        __import__(module)
        target = sys.modules[module]
        for attribute in attributes.split(".") if attributes else ():
            target = getattr(target, attribute)
    except BaseException as error:  # a module may also call sys.exit
        sys.excepthook(type(error), error, error.__traceback__)
        failed.append(name)
if failed:
    sys.stdout.flush()
    sys.stderr.write("not imported: %s\n" % ", ".join(failed))
    sys.exit(1)
