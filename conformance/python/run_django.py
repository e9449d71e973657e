# SPDX-License-Identifier: Apache-2.0
# Runs Django's own test runner in this process, in the folder of its source, and records each case:
#     run_django.py RECORD OPTION... LABEL...
import os
import runpy
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    from collect import Record
    from unittest_results import watch

    record = Record(sys.argv.pop(1))
    watch(unittest.TextTestResult, record)
    program = os.path.abspath("tests/runtests.py")
    # As with `python tests/runtests.py`.
    sys.path[sys.path.index(HERE)] = os.path.dirname(program)
    sys.argv[0] = program
    try:
        runpy.run_path(program, run_name="__main__")
    finally:
        record.end()


# Processes that multiprocessing starts import this file too.
if __name__ == "__main__":
    main()
