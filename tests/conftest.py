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
# Pure Python, the same on every database: the quickest one runs it.
ONLY_SQLITE = TESTS / "contrib" / "schedule" / "engine"
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
    TESTS / "contrib" / "payments" / "test_races.py",
    TESTS / "contrib" / "payments" / "test_stateful.py",
    TESTS / "contrib" / "schedule" / "engine" / "test_against_naive.py",
    TESTS / "contrib" / "schedule" / "slots" / "test_agreement.py",
)
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


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    for folder in (collection_path, *collection_path.parents):
        if folder == TESTS:
            break
        if folder in SETTINGS_OF:
            return SETTINGS_OF[folder] != settings.SETTINGS_MODULE or None
    if collection_path == ONLY_POSTGRES and connection.vendor != "postgresql":
        return True
    if collection_path == ONLY_SQLITE and connection.vendor != "sqlite":
        return True
    if collection_path.is_file() and settings.SETTINGS_MODULE != DEFAULT:
        return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    measuring = Coverage.current()
    if measuring is None or not any(item.path.is_relative_to(path) for path in UNMEASURED):
        return (yield)
    told = os.environ.pop(MEASURE_TOO, None)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()
        if told is not None:
            os.environ[MEASURE_TOO] = told


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test's name is the same in every process, or pytest-xdist cannot hand it to another."""
    for item in items:
        assert " at 0x" not in item.nodeid, f"{item.nodeid}: its name has an address in memory."
