"""Which tests run with which settings, on which databases, and which of them are measured.

Django reads the ``*_MODEL`` settings once per process, so a folder whose tests need another host
than the default one is collected only by a run with that host's settings::

    pytest                                              # all that tests.settings.default can run
    pytest --ds=tests.settings.tenant tests/tenancy

Paths are written as patterns, relative to ``tests/``, whose ``*`` also matches ``/``.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from coverage import Coverage
from django.conf import settings
from django.db import connection
from pytest_django.plugin import blocking_manager_key

from tests import database_template
from tests.cpu_report import CpuReport
from tests.quick_run import deselected, disable_deadlines

disable_deadlines()

TESTS = Path(__file__).parent
DEFAULT = "tests.settings.default"
CORE_ALONE = "tests.settings.core_alone"
SETTINGS_OF = {
    TESTS / "tenancy": "tests.settings.tenant",
    TESTS / "contrib" / "catalog": "tests.settings.catalog",
    # Queries are counted, and problems looked for, without what the bundled apps add.
    TESTS / "core" / "test_architecture.py": CORE_ALONE,
    TESTS / "core" / "test_query_counts.py": CORE_ALONE,
    TESTS / "core" / "test_sessions_time.py": CORE_ALONE,
    TESTS / "services" / "test_create_atomicity.py": CORE_ALONE,
    TESTS / "services" / "test_hold_expiry.py": CORE_ALONE,
    TESTS / "core" / "test_postgres.py": CORE_ALONE,
    TESTS / "services" / "test_overdue.py": CORE_ALONE,
    TESTS / "example" / "pages": "example.settings",
}
# The tests whose answer is the same on every database. A bundled app's tests are run on all, apart
# from those that these names fit.
ONLY_SQLITE = (
    # HTML and forms. On the servers, migrations/test_configurations.py works in two hosts' admin.
    "admin/test_actions.py",
    "admin/test_resources.py",
    "admin/test_add.py",
    "admin/test_calendar.py",
    "admin/test_change.py",
    "admin/test_durations.py",
    "admin/test_history.py",
    "admin/test_lifecycle.py",
    "admin/test_permissions.py",
    "admin/test_questions.py",
    "admin/test_relations.py",
    "admin/test_steps.py",
    "browser/*",
    "*/admin/*",
    "*/test_admin.py",
    "tenancy/test_*_admin.py",
    # Refused before any database is asked.
    "*/test_wrong_types.py",
    # Text, settings, a project of the reader's own.
    "*/test_documentation.py",
    "*/test_how_to.py",
    "checks/test_late_models.py",
    "checks/test_settings.py",
    "core/test_architecture.py",
    "docs/*",
    "quickstart/*",
    "translations/*",
    # Pure Python.
    "questions/test_declaration.py",
    "contrib/payments/test_refund_rules.py",
    "contrib/schedule/engine/*",
    "contrib/schedule/hours/test_hours.py",
    "contrib/schedule/hours/test_public_holidays.py",
    "contrib/series/test_against_naive.py",
    "contrib/series/test_recurrences.py",
    "contrib/series/test_rfc_examples.py",
    "contrib/series/test_rrule.py",
    "core/test_durations.py",
    "core/test_money.py",
    "core/test_rules.py",
    "core/test_service_rules.py",
    "core/test_wall_lengths.py",
    # Errors and schemas.
    "contrib/api/test_alone.py",
    "contrib/api/test_problems.py",
    "contrib/api/test_schema.py",
    # Which instants; test_wall_lengths.py of the services asks the servers to store them.
    "contrib/schedule/slots/test_days.py",
    "contrib/group_sessions/test_days.py",
    "contrib/series/test_days.py",
    "services/test_days.py",
    "core/test_working_days.py",
    "mutations/*",
    # How many statements a refusal takes, which test_pools.py provokes on every database.
    "services/test_pool_refusals.py",
    # Windows of time and files, in pure Python; what is in them is asked by the other tests.
    "contrib/reports/test_command.py",
    "contrib/reports/test_periods.py",
    "contrib/reports/test_tables.py",
    # Whether two answers agree, each of which is tested on all databases.
    "contrib/schedule/slots/test_slots_match_bookings.py",
    "contrib/schedule/slots/test_slots_match_resources.py",
    "*/test_offered_providers.py",
    # Whether the random sequences find a mistake.
    "stateful/test_resources.py",
    "stateful/test_controls.py",
)
# About the server that only a run on PostgreSQL has installed.
ONLY_POSTGRES = ("test_embedded_postgres.py",)
# Measuring coverage doubles the CPU time of a process. These tests go through the same lines again
# and again, and a line has to be covered by a test that says what it does.
UNMEASURED = (
    "browser/*",
    "core/test_architecture.py",
    "example/*",
    "faults/*",
    "migrations/test_configurations.py",
    "quickstart/*",
    "races/*",
    "stateful/*",
    "translations/*",
    "*_races.py",
    "*/test_stateful.py",
    "*/test_wrong_types.py",
    "contrib/group_sessions/test_series_statements.py",
    "contrib/test_replica.py",
    "contrib/schedule/engine/test_against_reference.py",
    "contrib/schedule/engine/test_wall_clock.py",
    "contrib/schedule/slots/test_slots_match_bookings.py",
    "contrib/reports/test_against_oracle.py",
    "contrib/series/test_against_naive.py",
)
# The tests that cover the code written for one database or another. Of the rest, SQLite's run is
# the one that is measured.
MEASURED_ON_SERVERS = (
    "core/*",
    "integrity/*",
    "migrations/test_retarget.py",
    "services/*",
    "contrib/group_sessions/test_generate_sessions.py",
    "contrib/group_sessions/test_series*.py",
    "contrib/reports/test_selectors.py",
    "contrib/reports/test_utilisation.py",
    "contrib/series/test_create.py",
)
# The fixture of the processes that race. They and their database are used by one test at a time, so
# with --dist=loadgroup one worker takes all these tests.
RUNNER = "runner"
# By this variable, the processes that a measured one starts are told to measure too.
MEASURE_SUBPROCESSES = "COVERAGE_PROCESS_CONFIG"
# While nothing is measured, ``current()`` is nobody's.
COVERAGE = Coverage.current()
if COVERAGE is not None:
    # Else every start looks among all imported modules for one that was imported unmeasured.
    COVERAGE._warn_preimported_source = False


class MeasuredMigrations:
    """Measure the migrations, which a fixture runs where there are no workers, and no test does.

    A plugin, because a session's fixtures do not ask this file.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        if fixturedef.argname != "django_db_setup" or connection.vendor != "sqlite":
            return (yield)
        with measuring(True):
            return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    # Here and not beside the races: of a run without arguments, pytest asks this file alone.
    parser.addoption(
        "--rounds",
        type=int,
        default=1,
        help="how often each race is run; from 2 on, workers are killed at every statement",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(CpuReport())
    config.pluginmanager.register(MeasuredMigrations())


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist starts its workers
def pytest_sessionstart(session: pytest.Session) -> None:
    if has_workers(session.config):
        with session.config.stash[blocking_manager_key].unblock():
            database_template.create()


@pytest.hookimpl(trylast=True)  # after the workers have ended
def pytest_sessionfinish(session: pytest.Session) -> None:
    if has_workers(session.config) and database_template.exists():
        with session.config.stash[blocking_manager_key].unblock():
            database_template.drop()


def has_workers(config: pytest.Config) -> bool:
    """Whether this process only deals out the tests, and pytest-xdist's workers run them."""
    return config.pluginmanager.has_plugin("dsession") and not config.option.collectonly


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """pytest-django's hook for the moment before it makes the test database."""
    database_template.use()


def settings_of(path: Path) -> str | None:
    """The settings that a folder's tests need, if not any."""
    return next((SETTINGS_OF[at] for at in (path, *path.parents) if at in SETTINGS_OF), None)


def fits(path: Path, patterns: Iterable[str]) -> bool:
    name = path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else ""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if (needed := settings_of(collection_path)) and needed != settings.SETTINGS_MODULE:
        return True
    if fits(collection_path, ONLY_POSTGRES) and connection.vendor != "postgresql":
        return True
    if fits(collection_path, ONLY_SQLITE) and connection.vendor != "sqlite":
        return True
    if collection_path.is_file() and not needed and settings.SETTINGS_MODULE != DEFAULT:
        return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Importing the tests executes the same lines on every database, so one of them measures it."""
    if connection.vendor == "sqlite":
        return (yield)
    with measuring(False):
        return (yield)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what has been imported and collected.

    To look through all of it again and again took an eighth of the time of a run.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """Fixtures are not measured: a line has to be covered by a test that says what it does."""
    with measuring(False):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with measuring(is_measured(item.path)):
        return (yield)


@contextmanager
def measuring(wanted: bool) -> Iterator[None]:
    """Measure coverage meanwhile, or do not, in this process and in those that it starts.

    Without ``coverage run`` nothing is measured anyway.
    """
    was_measuring = MEASURE_SUBPROCESSES in os.environ
    _measure(wanted)
    try:
        yield
    finally:
        _measure(was_measuring)


def _measure(wanted: bool) -> None:
    is_measuring = MEASURE_SUBPROCESSES in os.environ
    if COVERAGE is None or wanted == is_measuring:
        return
    if wanted:
        COVERAGE.start()  # which sets the variable too
    else:
        COVERAGE.stop()
        del os.environ[MEASURE_SUBPROCESSES]


def is_measured(path: Path) -> bool:
    if fits(path, UNMEASURED):
        return False
    return connection.vendor == "sqlite" or fits(path, MEASURED_ON_SERVERS)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks here too
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        # Else pytest-xdist, whose processes each have an address of their own, cannot deal it out.
        assert " at 0x" not in item.nodeid, f"{item.nodeid}: its name has an address in memory."
        # What is named on the command line is collected whatever pytest_ignore_collect says.
        if settings_of(item.path) not in {None, settings.SETTINGS_MODULE}:
            raise pytest.UsageError(f"{item.path} needs --ds={settings_of(item.path)}")
        if RUNNER in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(RUNNER))
    is_named = any("::" in argument for argument in config.args)
    if config.getoption("rounds") == 1 and not is_named:
        left_out = deselected(items)
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
