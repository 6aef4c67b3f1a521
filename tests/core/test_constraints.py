"""``NoOverlap`` as a declaration: what it writes, what it compares, what it tells a form."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.migrations.writer import MigrationWriter
from django.db.models import CheckConstraint, Q

from bookings.models import BusyInterval, Calendar
from bookings.models.calendar import NO_OVERLAP
from bookings.models.constraints import NoOverlap
from bookings.rules.instants import MAX_SECOND

DECLARED = next(item for item in BusyInterval._meta.constraints if isinstance(item, NoOverlap))


def declare(**changes: Any) -> NoOverlap:
    named = {"name": "no_overlap", "owner": "calendar", "starts": "starts", "ends": "ends"}
    return NoOverlap(**(named | changes))


class Editor:
    """As much of a schema editor as a constraint asks of one."""

    def __init__(self) -> None:
        self.connection = connection
        self.deferred_sql: list[Any] = []

    def quote_name(self, name: str) -> str:
        return f'"{name}"'


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Editor:
    monkeypatch.setattr(connection, "vendor", request.param)
    return Editor()


@pytest.mark.parametrize("editor", ["postgresql"], indirect=True)
def test_postgresql_excludes_overlaps_by_core_gist(editor: Any) -> None:
    assert DECLARED.constraint_sql(BusyInterval, editor) == (
        f'CONSTRAINT "{NO_OVERLAP}" EXCLUDE USING gist (int8range('
        '"calendar_id" * 68719476736 + "starts", "calendar_id" * 68719476736 + "ends") WITH &&)'
        """ WHERE ("kind" <> 'CONCURRENT')"""
    )
    assert editor.deferred_sql == []


@pytest.mark.parametrize("editor", ["postgresql"], indirect=True)
def test_postgresql_adds_and_drops_it_on_a_table_that_exists(editor: Any) -> None:
    assert str(DECLARED.create_sql(BusyInterval, editor)) == (
        'ALTER TABLE "bookings_busyinterval" ADD ' + DECLARED.constraint_sql(BusyInterval, editor)
    )
    assert str(DECLARED.remove_sql(BusyInterval, editor)) == (
        f'ALTER TABLE "bookings_busyinterval" DROP CONSTRAINT "{NO_OVERLAP}"'
    )


@pytest.mark.parametrize("editor", ["sqlite"], indirect=True)
def test_sqlite_gets_a_trigger_for_inserts_and_one_for_updates(editor: Any) -> None:
    assert DECLARED.constraint_sql(BusyInterval, editor) is None
    insert, update = map(str, editor.deferred_sql)
    assert insert == (
        f'CREATE TRIGGER "{NO_OVERLAP}_insert" BEFORE INSERT ON "bookings_busyinterval" '
        """FOR EACH ROW WHEN NEW."kind" <> 'CONCURRENT' """
        'AND EXISTS (SELECT 1 FROM "bookings_busyinterval" '
        'WHERE "calendar_id" = NEW."calendar_id" '
        'AND "starts" < NEW."ends" AND "ends" > NEW."starts" '
        """AND "kind" <> 'CONCURRENT') """
        f"BEGIN SELECT RAISE(ABORT, '{NO_OVERLAP}'); END"
    )
    assert 'BEFORE UPDATE OF "calendar_id", "starts", "ends", "kind" ON' in update
    assert 'AND "id" <> OLD."id")' in update


@pytest.mark.parametrize("editor", ["postgresql", "sqlite"], indirect=True)
def test_without_an_exemption_all_rows_are_compared(editor: Any) -> None:
    sql = str(declare().constraint_sql(BusyInterval, editor))
    for statement in [sql, *map(str, editor.deferred_sql)]:
        assert "kind" not in statement
        assert "WHERE (" not in statement


@pytest.mark.parametrize("editor", ["sqlite"], indirect=True)
def test_sqlites_triggers_follow_the_table_when_it_is_renamed(editor: Any) -> None:
    DECLARED.constraint_sql(BusyInterval, editor)
    for trigger in editor.deferred_sql:
        assert trigger.references_table("bookings_busyinterval")
        trigger.rename_table_references("bookings_busyinterval", "elsewhere")
        assert "bookings_busyinterval" not in str(trigger)
        assert str(trigger).count('"elsewhere"') == 2


@pytest.mark.parametrize("editor", ["sqlite", "mysql"], indirect=True)
def test_elsewhere_there_is_no_statement_for_a_table_that_exists(editor: Any) -> None:
    assert DECLARED.create_sql(BusyInterval, editor) is None
    assert DECLARED.remove_sql(BusyInterval, editor) is None


@pytest.mark.parametrize("editor", ["mysql"], indirect=True)
def test_mysql_gets_nothing_for_the_ledger_judges_there(editor: Any) -> None:
    assert DECLARED.constraint_sql(BusyInterval, editor) is None
    assert editor.deferred_sql == []


def test_it_deconstructs_without_its_message() -> None:
    said = declare(violation_error_code="taken", violation_error_message="This hour is taken.")
    assert said.deconstruct() == (
        "bookings.models.constraints.NoOverlap",
        (),
        {
            "name": "no_overlap",
            "owner": "calendar",
            "starts": "starts",
            "ends": "ends",
            "violation_error_code": "taken",
        },
    )


def test_a_clone_is_equal() -> None:
    assert DECLARED.clone() == DECLARED
    assert hash(DECLARED.clone()) == hash(DECLARED)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"owner": "room"},
        {"starts": "begins"},
        {"ends": "stops"},
        {"unless": ("kind", "CONCURRENT")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_declaration_is_not_equal(changes: dict[str, Any]) -> None:
    assert declare(**changes) != declare()


def test_it_equals_no_constraint_of_another_kind() -> None:
    assert declare() != CheckConstraint(condition=Q(starts__gte=0), name="no_overlap")


def test_the_message_does_not_make_a_migration() -> None:
    assert declare(violation_error_message="Another wording.") == declare()


def test_a_migration_can_write_it_and_read_it_back() -> None:
    written, imports = MigrationWriter.serialize(DECLARED)
    assert imports == {"import bookings.models.constraints"}
    import bookings.models.constraints

    assert eval(written, {"bookings": bookings}) == DECLARED  # noqa: S307 - our own repr


@pytest.fixture
def ten_to_eleven(calendar: Calendar) -> BusyInterval:
    return BusyInterval.objects.create(calendar=calendar, starts=36_000, ends=39_600)


@pytest.mark.parametrize(
    ("starts", "ends"),
    [(36_000, 39_600), (35_000, 36_001), (39_599, 40_000), (37_000, 38_000), (0, MAX_SECOND)],
)
def test_a_form_is_told_of_an_overlap(ten_to_eleven: BusyInterval, starts: int, ends: int) -> None:
    candidate = BusyInterval(calendar=ten_to_eleven.calendar, starts=starts, ends=ends)
    with pytest.raises(ValidationError) as caught:
        candidate.full_clean()
    assert caught.value.messages == ["This time overlaps with another of the same calendar."]
    assert caught.value.error_dict["__all__"][0].code == "conflict"


@pytest.mark.parametrize(("starts", "ends"), [(32_400, 36_000), (39_600, 43_200)])
def test_a_form_may_touch_another_interval(
    ten_to_eleven: BusyInterval, starts: int, ends: int
) -> None:
    BusyInterval(calendar=ten_to_eleven.calendar, starts=starts, ends=ends).full_clean()


def test_a_form_may_change_an_interval_within_its_own_time(ten_to_eleven: BusyInterval) -> None:
    ten_to_eleven.ends -= 600
    ten_to_eleven.full_clean()


def test_a_form_may_use_the_same_time_of_another_calendar(
    ten_to_eleven: BusyInterval, other_calendar: Calendar
) -> None:
    BusyInterval(calendar=other_calendar, starts=36_000, ends=39_600).full_clean()


def test_a_form_may_let_concurrent_bookings_overlap(ten_to_eleven: BusyInterval) -> None:
    calendar = ten_to_eleven.calendar
    BusyInterval(calendar=calendar, kind="CONCURRENT", starts=36_000, ends=39_600).full_clean()
    ten_to_eleven.kind = "CONCURRENT"
    ten_to_eleven.save()
    BusyInterval(calendar=calendar, starts=36_000, ends=39_600).full_clean()
    declare().validate(BusyInterval, BusyInterval(calendar=calendar, starts=40_000, ends=50_000))


@pytest.mark.parametrize("left_out", ["calendar", "starts", "ends"])
def test_a_form_that_leaves_a_part_out_is_not_judged(
    ten_to_eleven: BusyInterval, left_out: str
) -> None:
    candidate = BusyInterval(calendar=ten_to_eleven.calendar, starts=36_000, ends=39_600)
    candidate.validate_constraints(exclude={left_out})


@pytest.mark.parametrize("empty", ["calendar_id", "starts", "ends"])
def test_a_form_with_an_empty_part_is_not_judged(ten_to_eleven: BusyInterval, empty: str) -> None:
    candidate = BusyInterval(calendar=ten_to_eleven.calendar, starts=36_000, ends=39_600)
    setattr(candidate, empty, None)
    DECLARED.validate(BusyInterval, candidate)


def test_a_model_may_word_its_own_message(ten_to_eleven: BusyInterval) -> None:
    candidate = BusyInterval(calendar=ten_to_eleven.calendar, starts=36_000, ends=39_600)
    own = declare(violation_error_code="taken", violation_error_message="This hour is taken.")
    with pytest.raises(ValidationError, match="This hour is taken") as caught:
        own.validate(BusyInterval, candidate)
    assert caught.value.code == "taken"
