# SPDX-License-Identifier: Apache-2.0
# A plugin of pytest that records each case in the file that PYCDS_CONFORMANCE_RECORD names.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collect import Record  # noqa: E402

del sys.path[0]
RECORD = Record(os.environ.pop("PYCDS_CONFORMANCE_RECORD"))


def pytest_runtest_logreport(report):
    """A case is what its call was, unless its setup or teardown says otherwise."""
    outcome = report.outcome
    if hasattr(report, "wasxfail"):
        outcome = "failed as expected" if report.skipped else "passed unexpectedly"
    elif report.when != "call" and report.failed:
        outcome = "error"
    if report.when == "call" or outcome != "passed":
        RECORD.case(report.nodeid, outcome, str(report.longrepr or ""))


def pytest_collectreport(report):
    if report.failed:
        RECORD.case(report.nodeid, "error", str(report.longrepr or ""))


def pytest_unconfigure():
    RECORD.end()
