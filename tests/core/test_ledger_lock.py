"""The calendar's lock: one statement, made on first use, and the count of its changes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.exceptions import MissingReference
from bookings.ledger import locks
from bookings.ledger.transactions import RetryTransaction
from bookings.models import Calendar

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendor")]

# As they are before the fixture puts something else in their place.
REMEMBERED: Final = locks._last_insert_id
REMEMBER: Final = locks._LOCK_WITH_LAST_INSERT_ID


def lock(provider_id: Any) -> int:
    return locks.lock_calendar(provider_id, using="default")


def lock_all(*provider_ids: Any) -> dict[Any, int]:
    return locks.lock_calendars(provider_ids, using="default")


def revisions() -> dict[str, int]:
    return dict(Calendar.objects.values_list("provider__name", "revision"))


def test_a_calendar_is_made_on_first_use(provider: Any) -> None:
    assert lock(provider.pk) == Calendar.objects.get(provider=provider).pk
    assert revisions() == {"Ada": 1}


def test_every_lock_counts_as_a_change(provider: Any) -> None:
    assert lock(provider.pk) == lock(provider.pk) == lock(provider.pk)
    assert revisions() == {"Ada": 3}


def test_a_lock_is_one_statement(calendar: Calendar) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert lock(calendar.provider_id) == calendar.pk
    assert [query["sql"].split()[0] for query in captured] == ["UPDATE"]


@pytest.mark.parametrize(("rowcount", "key"), [(1, 7), (0, None)])
def test_what_mysql_remembers_counts_only_if_a_calendar_was_found(
    rowcount: int, key: int | None
) -> None:
    cursor = SimpleNamespace(rowcount=rowcount, lastrowid=7, fetchone=lambda: None)
    assert REMEMBERED(cursor) == key
    assert "LAST_INSERT_ID" in REMEMBER


def test_an_update_that_found_nothing_is_no_lock(provider: Any) -> None:
    """Not even if somebody else has made the calendar by the time that it could be read."""
    with CaptureQueriesContext(connection) as captured:
        assert locks._lock(provider.pk, "default") is None
    assert [query["sql"].split()[0] for query in captured] == ["UPDATE"]


def test_only_the_one_calendar_is_locked(calendar: Calendar, other_calendar: Calendar) -> None:
    lock(calendar.provider_id)
    assert revisions() == {"Ada": 1, "Grace": 0}


def test_a_provider_that_does_not_exist_has_no_calendar(db: None) -> None:
    with pytest.raises(MissingReference, match="The provider does not exist"):
        lock(10**6)
    assert not Calendar.objects.exists()


def test_a_calendar_that_goes_while_it_is_locked_is_missing(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_create_calendar", lambda provider_id, using: None)
    with pytest.raises(MissingReference):
        lock(provider.pk)


def test_a_calendar_that_somebody_else_has_just_made_is_used(
    calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not there when it was looked for, and is there when it is made."""
    too_early: list[None] = [None]
    real = locks._lock

    def look(provider_id: Any, using: str) -> int | None:
        return too_early.pop() if too_early else real(provider_id, using)

    monkeypatch.setattr(locks, "_lock", look)
    assert lock(calendar.provider_id) == calendar.pk
    assert Calendar.objects.count() == 1


def test_several_are_locked_together(provider: Any, other_calendar: Calendar) -> None:
    locked = lock_all(provider.pk, other_calendar.provider_id)
    assert locked == dict(Calendar.objects.values_list("provider_id", "pk"))
    assert revisions() == {"Ada": 1, "Grace": 1}


def test_the_same_provider_twice_is_locked_once(provider: Any, other_provider: Any) -> None:
    assert lock_all(provider.pk, provider.pk).keys() == {provider.pk}
    assert lock_all(provider.pk, other_provider.pk, provider.pk).keys() == {
        provider.pk,
        other_provider.pk,
    }
    assert revisions() == {"Ada": 2, "Grace": 1}


def test_none_are_locked_without_a_query(db: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert lock_all() == {}
    assert len(captured) == 0


def test_one_of_several_that_does_not_exist_stops_them_all(provider: Any) -> None:
    with pytest.raises(MissingReference):
        lock_all(provider.pk, 10**6)
    assert not any(revisions().values())


def test_one_of_several_that_is_deleted_before_its_lock_is_looked_for_again(
    calendar: Calendar, other_calendar: Calendar
) -> None:
    """What holds no lock on its provider could be stored, and fail when the transaction ends."""
    this = Calendar.objects.filter(pk=other_calendar.pk)
    between = [lambda: None, lambda: this._raw_delete("default")]

    def delete_before_the_second(execute: Any, *args: Any) -> Any:
        if between:
            between.pop(0)()
        return execute(*args)

    providers = calendar.provider_id, other_calendar.provider_id
    with connection.execute_wrapper(delete_before_the_second), pytest.raises(RetryTransaction):
        lock_all(*providers)
    assert revisions() == {"Ada": 0}
    assert lock_all(*providers).keys() == set(providers)


def test_any_number_are_locked_with_the_same_number_of_queries(provider: Any) -> None:
    providers = [type(provider).objects.create(name=f"P{number}") for number in range(12)]
    lock_all(*[item.pk for item in providers])

    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            lock_all(*[item.pk for item in providers[:count]])
        return len(captured)

    assert queries(2) == queries(12) == 3
