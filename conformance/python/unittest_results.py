# SPDX-License-Identifier: Apache-2.0
# Has what a TestResult of unittest is told recorded.
import traceback

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
