"""``NoOverlap`` outlives what later migrations do to its table.

SQLite cannot alter most of a table: it is copied, dropped and renamed, and a trigger goes with the
table that is dropped. So the migrations that hosts will run one day are run here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from bookings.models import BusyInterval, Calendar
from bookings.models.calendar import NO_OVERLAP

pytestmark = pytest.mark.django_db(transaction=True)

DECLARED = next(item for item in BusyInterval._meta.constraints if item.name == NO_OVERLAP)
TABLE = BusyInterval._meta.db_table


def longer_kind(length: int) -> Operation:
    return migrations.AlterField("BusyInterval", "kind", models.CharField(max_length=length))


def note() -> Operation:
    return migrations.AddField("BusyInterval", "note", models.CharField(max_length=9, null=True))


REBUILDS = {
    "a field altered twice": [longer_kind(20), longer_kind(30)],
    "a field added": [note()],
    "a field added and removed": [note(), migrations.RemoveField("BusyInterval", "note")],
    "the time's own columns altered": [
        migrations.AlterField("BusyInterval", "starts", models.BigIntegerField(db_index=True)),
        migrations.AlterField("BusyInterval", "ends", models.BigIntegerField(db_index=True)),
    ],
    "the calendar's table altered": [
        migrations.AlterField("Calendar", "revision", models.BigIntegerField(default=1)),
        migrations.AddField("Calendar", "name", models.CharField(max_length=9, null=True)),
    ],
    "the constraint removed and added": [
        migrations.RemoveConstraint("BusyInterval", NO_OVERLAP),
        migrations.AddConstraint("BusyInterval", DECLARED),
    ],
}


@contextmanager
def migrated(*operations: Operation) -> Iterator[None]:
    """The operations, as one migration runs them; undone at the end, as its reverse would."""
    loader = MigrationLoader(connection)
    states = [loader.project_state(loader.graph.leaf_nodes())]
    for operation in operations:
        following = states[-1].clone()
        operation.state_forwards("bookings", following)
        states.append(following)
    steps = list(zip(operations, pairwise(states), strict=True))
    with connection.schema_editor() as editor:
        for operation, (before, after) in steps:
            operation.database_forwards("bookings", editor, before, after)
    try:
        yield
    finally:
        BusyInterval.objects.all().delete()
        undo(steps)


def undo(steps: list[tuple[Operation, tuple[ProjectState, ProjectState]]]) -> None:
    with connection.schema_editor() as editor:
        for operation, (before, after) in reversed(steps):
            operation.database_backwards("bookings", editor, after, before)


def guards() -> set[str]:
    """What the database itself has to say about the constraint."""
    query = {
        "sqlite": f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE}'",
        "postgresql": f"SELECT conname FROM pg_constraint WHERE conname = '{NO_OVERLAP}'",
        "mysql": "SELECT 1 FROM dual WHERE 1 = 0",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {name for (name,) in cursor.fetchall()}


GUARDS = {
    "sqlite": {f"{NO_OVERLAP}_insert", f"{NO_OVERLAP}_update"},
    "postgresql": {NO_OVERLAP},
    "mysql": set(),
}[connection.vendor]


def judges(calendar: Calendar) -> bool:
    """Whether an overlapping insert, and an overlapping update, are refused."""
    taken = [("starts", 1_000), ("ends", 2_000)]
    refused = 0
    for write in (
        lambda: BusyInterval.objects.create(calendar=calendar, **dict(taken)),
        lambda: BusyInterval.objects.filter(calendar=calendar, starts=5_000).update(**dict(taken)),
    ):
        try:
            with transaction.atomic():
                write()
        except IntegrityError:
            refused += 1
    return refused == 2


@pytest.fixture
def taken(calendar: Calendar) -> Calendar:
    BusyInterval.objects.create(calendar=calendar, starts=1_000, ends=2_000)
    BusyInterval.objects.create(calendar=calendar, starts=5_000, ends=6_000)
    return calendar


@pytest.mark.parametrize("name", REBUILDS)
def test_the_constraint_outlives(name: str, taken: Calendar) -> None:
    before = guards()
    with migrated(*REBUILDS[name]):
        assert guards() == before == GUARDS
        assert list(BusyInterval.objects.values_list("starts", flat=True)) == [1_000, 5_000]
        assert judges(taken) == bool(GUARDS)
    assert guards() == GUARDS


@pytest.mark.skipif(
    not GUARDS,
    reason="MySQL and MariaDB have no constraint on ranges, so there is none to remove.",
)
def test_a_removed_constraint_is_gone(taken: Calendar) -> None:
    """The control: what refuses the overlaps in these tests is the constraint, and nothing else."""
    with migrated(migrations.RemoveConstraint("BusyInterval", NO_OVERLAP)):
        assert guards() == set()
        assert not judges(taken)
    assert guards() == GUARDS


def test_no_migration_is_pending(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", "bookings", check_changes=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out
