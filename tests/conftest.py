"""Settings of the whole suite: how far property tests search, and what was skipped because its material is absent."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

SOAK = os.environ.get("TRANSHIP_SOAK") == "1"

# No deadline anywhere: the first call of a compiled kernel takes a second, and a busy machine is not a failure.
_CALM: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("dev", max_examples=50, **_CALM)
settings.register_profile("ci", max_examples=50, derandomize=True, **_CALM)
settings.register_profile("soak", max_examples=2000, **_CALM)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "soak" if SOAK else "dev"))


def pytest_report_header() -> str:
    """Say at the start which length of run this is."""
    return (
        f"tranship: {'long (soak)' if SOAK else 'short'} run, hypothesis profile {settings.get_current_profile_name()}"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end how many tests were skipped because ../shared is absent, so that a short run never looks complete."""
    skipped = terminalreporter.getreports("skipped")
    absent = [report for report in skipped if "../shared" in str(report.longrepr)]
    if absent:
        terminalreporter.write_line(
            f"{len(absent)} conformance tests were skipped: their material (../shared, or $TRANSHIP_SHARED) is absent",
            yellow=True,
        )
