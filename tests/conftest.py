"""Which tests belong to which host configuration.

Django reads the ``*_MODEL`` settings once per process, so a folder whose tests need another host
than the default one is collected only by a run with that host's settings::

    pytest                                              # all that tests.settings.default can run
    pytest --ds=tests.settings.tenant tests/tenancy
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from coverage import Coverage
from django.conf import settings
from django.db import connection

from tests.effort import left_out, take_your_time

take_your_time()

TESTS = Path(__file__).parent
DEFAULT = "tests.settings.default"
SETTINGS_OF = {
    TESTS / "tenancy": "tests.settings.tenant",
    TESTS / "contrib" / "catalog": "tests.settings.catalog",
    TESTS / "contrib" / "payments": "tests.settings.payments",
    TESTS / "contrib" / "group_sessions": "tests.settings.group_sessions",
    TESTS / "faults" / "contrib": "tests.settings.group_sessions",
    TESTS / "example" / "pages": "example.settings",
}
CONTRIB = TESTS / "contrib"
# Pure Python, text, a reader's own project, or refused before any database is asked: the same on
# every one, so the quickest runs it.
ONLY_SQLITE = (
    CONTRIB / "group_sessions" / "test_wrong_types.py",
    CONTRIB / "payments" / "test_wrong_types.py",
    CONTRIB / "schedule" / "engine",
    CONTRIB / "schedule" / "hours" / "test_wrong_types.py",
    CONTRIB / "series" / "test_against_naive.py",
    CONTRIB / "series" / "test_recurrences.py",
    CONTRIB / "series" / "test_rfc_examples.py",
    CONTRIB / "series" / "test_rules.py",
    CONTRIB / "series" / "test_wrong_types.py",
    TESTS / "core" / "test_architecture.py",
    TESTS / "docs",
    TESTS / "quickstart",
    TESTS / "services" / "test_wrong_types.py",
    TESTS / "stateful" / "test_controls.py",
    TESTS / "translations",
)
# About the server that only a run on PostgreSQL has installed.
ONLY_POSTGRES = TESTS / "test_embedded_postgres.py"
# To measure coverage doubles the time that a process computes. These go through the same lines
# again and again, and what is covered has to be so by tests that say what it does.
UNMEASURED = (
    TESTS / "stateful",
    TESTS / "races",
    TESTS / "faults",
    TESTS / "example",
    TESTS / "quickstart",
    CONTRIB / "group_sessions" / "test_generate_sessions_races.py",
    CONTRIB / "group_sessions" / "test_races.py",
    CONTRIB / "group_sessions" / "test_stateful.py",
    CONTRIB / "payments" / "test_races.py",
    CONTRIB / "payments" / "test_stateful.py",
    CONTRIB / "schedule" / "engine" / "test_against_naive.py",
    CONTRIB / "schedule" / "slots" / "test_agreement.py",
    CONTRIB / "series" / "test_against_naive.py",
    CONTRIB / "series" / "test_races.py",
)
# What is written for one database or another is covered by these; the rest is the same everywhere,
# and SQLite's to measure.
MEASURED_EVERYWHERE = (
    TESTS / "core",
    TESTS / "integrity",
    TESTS / "migrations",
    TESTS / "services",
    CONTRIB / "group_sessions",
    CONTRIB / "payments",
    CONTRIB / "schedule" / "hours",
    CONTRIB / "series",
)
# It has a database and many processes of its own. With --dist=loadgroup, one worker takes all tests
# that use it, so that no two races are run at once.
TRACK = "track"
# By this, the processes that a test starts are told to measure too.
MEASURE_TOO = "COVERAGE_PROCESS_CONFIG"


def pytest_addoption(parser: pytest.Parser) -> None:
    # Here and not beside the races: of a run without arguments, pytest asks this file alone.
    parser.addoption(
        "--rounds",
        type=int,
        default=1,
        help="how often each race is run; from 2 on, workers are killed at every statement",
    )


def settings_of(path: Path) -> str | None:
    """The settings that a folder's tests need, if not any."""
    return next((SETTINGS_OF[at] for at in (path, *path.parents) if at in SETTINGS_OF), None)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if needed := settings_of(collection_path):
        return needed != settings.SETTINGS_MODULE or None
    if collection_path == ONLY_POSTGRES and connection.vendor != "postgresql":
        return True
    if collection_path in ONLY_SQLITE and connection.vendor != "sqlite":
        return True
    if collection_path.is_file() and settings.SETTINGS_MODULE != DEFAULT:
        return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    measuring = Coverage.current()
    if measuring is None or is_measured(item.path):
        return (yield)
    told = os.environ.pop(MEASURE_TOO, None)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()
        if told is not None:
            os.environ[MEASURE_TOO] = told


def is_measured(path: Path) -> bool:
    if any(path.is_relative_to(folder) for folder in UNMEASURED):
        return False
    return connection.vendor == "sqlite" or any(
        path.is_relative_to(folder) for folder in MEASURED_EVERYWHERE
    )


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks here too
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        # Else pytest-xdist, whose processes each have an address of their own, cannot deal it out.
        assert " at 0x" not in item.nodeid, f"{item.nodeid}: its name has an address in memory."
        # What is named on the command line is collected whatever pytest_ignore_collect says.
        if settings_of(item.path) not in {None, settings.SETTINGS_MODULE}:
            raise pytest.UsageError(f"{item.path} needs --ds={settings_of(item.path)}")
        if TRACK in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(TRACK))
    is_named = any("::" in argument for argument in config.args)
    if config.getoption("rounds") == 1 and not is_named:
        idle = left_out(items)
        config.hook.pytest_deselected(items=[item for item in items if item in idle])
        items[:] = [item for item in items if item not in idle]
