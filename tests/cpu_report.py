"""Say at the end of a run how much CPU time the tests of each folder have taken.

CPU time and not wall time, because the time that a test waits for its database is another test's to
use. What the tests' own processes have taken counts, what a database server has taken does not.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from pathlib import PurePath
from typing import Final

import pytest

LEAST: Final = 1.0
"""Folders that have taken less, in seconds, are added up."""


def cpu_seconds() -> float:
    return sum(os.times()[:4])


class CpuReport:
    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()
        self._since = 0.0

    def pytest_runtest_logstart(self) -> None:
        self._since = cpu_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        now = cpu_seconds()
        # An attribute of the report, which pytest-xdist carries to the process that prints.
        report.cpu_seconds = now - self._since  # type: ignore[attr-defined]
        self._since = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[_folder(report.nodeid)] += getattr(report, "cpu_seconds", 0.0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if sum(self._seconds.values()) < LEAST:
            return
        terminalreporter.section("CPU seconds by folder")
        rest = sum(self._seconds.values())
        for folder, seconds in self._seconds.most_common():
            if seconds >= LEAST:
                terminalreporter.write_line(f"{seconds:6.1f}  {folder}")
                rest -= seconds
        terminalreporter.write_line(f"{rest:6.1f}  the others")


def _folder(nodeid: str) -> str:
    """The test's folder, and of a bundled app no more than the app's."""
    parts = PurePath(nodeid.partition("::")[0]).parent.parts
    return "/".join(parts[:3] if "contrib" in parts else parts[:2])
