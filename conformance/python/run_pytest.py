# SPDX-License-Identifier: Apache-2.0
# Runs pytest in this process and records each case:
#     run_pytest.py RECORD OPTION...
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Recorder:
    """A plugin of pytest."""

    def __init__(self, record):
        self.record = record

    def pytest_runtest_logreport(self, report):
        """A case is what its call was, unless its setup or teardown says otherwise."""
        outcome = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = "failed as expected" if report.skipped else "passed unexpectedly"
        elif report.when != "call" and report.failed:
            outcome = "error"
        if report.when == "call" or outcome != "passed":
            self.record.case(report.nodeid, outcome, str(report.longrepr or ""))

    def pytest_collectreport(self, report):
        if report.failed:
            self.record.case(report.nodeid, "error", str(report.longrepr or ""))


def main():
    from collect import Record

    # As with `python -m pytest`.
    sys.path[sys.path.index(HERE)] = os.getcwd()
    record = Record(sys.argv.pop(1))
    import pytest

    try:
        sys.exit(pytest.main(sys.argv[1:], plugins=[Recorder(record)]))
    finally:
        record.end()


# Processes that multiprocessing starts import this file too.
if __name__ == "__main__":
    main()
