# SPDX-License-Identifier: Apache-2.0
# Runs CPython's own test runner in this process and records each case:
#     run_regrtest.py RECORD OPTION... FILE
import importlib
import os
import sys

# An option of this program: children are started as this process is.
ALIKE = "--alike-children"
HERE = os.path.dirname(os.path.abspath(__file__))


def result_class():
    for name in ("test.libregrtest.testresult", "test.support.testresult"):
        try:
            return importlib.import_module(name).RegressionTestResult
        except ModuleNotFoundError:
            pass
    raise SystemExit("run_regrtest: this CPython's test runner is not known")


def main():
    from alike_children import start_alike
    from collect import Record
    from unittest_results import watch

    # As with `python -m test`, the directory of the test runner is not on the search path.
    sys.path.remove(HERE)
    record = Record(sys.argv.pop(1))
    watch(result_class(), record)
    from test.libregrtest.main import main as run

    if ALIKE in sys.argv:
        sys.argv.remove(ALIKE)
        from test.support import script_helper

        start_alike(script_helper)
    try:
        run()
    finally:
        record.end()


# Processes that multiprocessing starts import this file too.
if __name__ == "__main__":
    main()
