# SPDX-License-Identifier: Apache-2.0
# Runs CPython's own test runner in this process and records each case:
#     run_regrtest.py RECORD OPTION... FILE
import importlib
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))

# As the interpreter names them in a traceback: the outcome of each method of a TestResult.
OUTCOMES = {
    "addSuccess": "passed",
    "addFailure": "failed",
    "addError": "error",
    "addSkip": "skipped",
    "addExpectedFailure": "failed as expected",
    "addUnexpectedSuccess": "passed unexpectedly",
}


def detail_of(rest):
    [first, *_] = rest or ("",)
    return "".join(traceback.format_exception(*first)) if isinstance(first, tuple) else str(first)


def watch(result_class, record):
    """Has every result of that class recorded, beside what it does with it itself."""

    def add_recorder(method, outcome):
        original = getattr(result_class, method)

        def add(self, test, *rest):
            record.case(test.id(), outcome, detail_of(rest))
            return original(self, test, *rest)

        setattr(result_class, method, add)

    for method, outcome in OUTCOMES.items():
        add_recorder(method, outcome)
    original = result_class.addSubTest

    def add_sub_test(self, test, subtest, error):
        if error is not None:
            outcome = "failed" if issubclass(error[0], test.failureException) else "error"
            record.case(subtest.id(), outcome, detail_of([error]))
        return original(self, test, subtest, error)

    result_class.addSubTest = add_sub_test


def result_class():
    for name in ("test.libregrtest.testresult", "test.support.testresult"):
        try:
            return importlib.import_module(name).RegressionTestResult
        except ModuleNotFoundError:
            pass
    raise SystemExit("run_regrtest: this CPython's test runner is not known")


def main():
    from collect import Record

    # As with `python -m test`, the directory of the test runner is not on the search path.
    sys.path.remove(HERE)
    record = Record(sys.argv.pop(1))
    watch(result_class(), record)
    from test.libregrtest.main import main as run

    try:
        run()
    finally:
        record.end()


# Processes that multiprocessing starts import this file too.
if __name__ == "__main__":
    main()
