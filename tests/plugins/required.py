"""A pytest plugin that fails a skipped test, unless `ALLOWED` says why it cannot run on CI.

A missing program or build would otherwise turn a test off without a word. tests/conftest.py
registers it when HVIT_EDGE_REQUIRE_ALL=1, as .ci/run and `make nightly` set it.
"""

import re

import pytest

ALLOWED = {
    r"Core ML (predicts|runs) on (macOS|Apple systems) alone": "CI runs Linux",
    r"no Swift compiler": "Debian 12 has none; mobile/ios/README.md names the system that ran it",
    r"could not import '(timm|transformers)'": "no CPU build of torchvision; stand-ins are tested",
}
"""Reasons of skips, as regular expressions, with why the test is not required."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    return demanded((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector):
    return demanded((yield))


def demanded(report):
    """Return the report, as a failure if its test was skipped and is required."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = reason_of(report)
        if not any(re.search(allowed, reason) for allowed in ALLOWED):
            report.outcome = "failed"
            report.longrepr = (
                f"[required] expected this test to run, got a skip: {reason}; install or build what"
                " it needs, or say in tests/plugins/required.py why CI cannot run it"
            )
    return report


def reason_of(report) -> str:
    """Return why a test was skipped; pytest gives a file, a line and `Skipped: reason`."""
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")
