"""``Booking.save()``: what host code writes by hand is held to the ledger too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidBooking,
    InvalidTransition,
    MissingReference,
    StaleBooking,
)
from bookings.ledger import locks
from bookings.models import Booking, BookingEvent, BusyInterval
from bookings.services import cancel_booking, reschedule_booking, update_booking
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make, SentSignals
from tests.services.storage import (
    every_row,
    history,
    intervals,
    last_event,
    nothing_done,
    nothing_written,
    only_interval,
    rolled_back,
    stored,
)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def build(service: Any, provider: Any) -> Callable[..., Booking]:
    """A booking that is not saved yet."""

    def make(**values: Any) -> Booking:
        given = {
            "service": service,
            "provider": provider,
            "client_name": "Mary",
            "start_at": START,
            "end_at": START + HOUR,
        }
        return Booking(**(given | values))

    return make


Build = Callable[..., Booking]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("CONFIRMED", "confirmed_at"),
        ("CANCELLED", "cancelled_at"),
        ("DECLINED", "cancelled_at"),
    ],
)
def test_a_new_booking_knows_since_when_it_has_its_status(
    build: Build, status: str, name: str
) -> None:
    booking = build(status=status)
    booking.save()
    assert getattr(stored(booking), name) == NOW
    imported = build(status=status, start_at=START + DAY, end_at=START + DAY + HOUR)
    setattr(imported, name, NOW - DAY)
    imported.save()
    assert getattr(stored(imported), name) == NOW - DAY


def test_a_new_booking_claims_its_time(build: Build, provider: Any) -> None:
    booking = build(buffer_before_minutes=5, buffer_after_minutes=10)

    booking.save()

    assert (booking.status, booking.version) == ("PENDING", 1)
    assert booking.reference.startswith("BK-2030-")
    assert history(booking) == ["CREATED"]
    assert last_event(booking).created_at == NOW
    assert only_interval() == {
        "provider": provider.pk,
        "start_at": START - minutes(5),
        "end_at": START + minutes(70),
        "seats": (1, 1),
    }


def test_a_reference_that_is_given_is_kept(build: Build) -> None:
    booking = build(reference="MINE")
    booking.save()

    assert stored(booking).reference == "MINE"


def test_a_new_booking_that_is_over_claims_nothing(build: Build) -> None:
    booking = build(status="COMPLETED")

    booking.save()

    assert intervals() == []
    assert history(booking) == ["CREATED"]


def test_time_that_is_taken_is_refused(build: Build, booking: Booking) -> None:
    new = build(start_at=START + minutes(30), end_at=START + HOUR)

    with nothing_written(), pytest.raises(BookingConflict):
        new.save()

    assert (new.pk, new.reference, new._state.adding) == (None, "", True)
    new.start_at, new.end_at = START + HOUR, START + 2 * HOUR
    new.save()
    assert new.pk


def test_a_failure_leaves_the_object_unsaved(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    new = build()
    with monkeypatch.context() as patch:
        patch.setattr(BookingEvent, "save", fail)
        with nothing_written(), pytest.raises(ZeroDivisionError):
            new.save()

    assert (new.pk, new.reference, new._state.adding) == (None, "", True)
    new.save()
    assert new.pk


@pytest.mark.parametrize("how", ["create", "get_or_create", "update_or_create"])
def test_a_managers_ways_of_making_one_are_the_same(
    build: Build, service: Any, provider: Any, how: str
) -> None:
    values = {
        "service": service,
        "provider": provider,
        "client_name": "Mary",
        "start_at": START,
        "end_at": START + HOUR,
    }
    getattr(Booking.objects, how)(**values)

    assert history(Booking.objects.get()) == ["CREATED"]
    assert len(intervals()) == 1
    with nothing_written(), pytest.raises(BookingConflict):
        getattr(Booking.objects, how)(**(values | {"client_name": "Martha"}))


def test_a_booking_that_is_moved_moves_its_claim(booking: Booking) -> None:
    booking.start_at, booking.end_at = START + DAY, START + DAY + 2 * HOUR

    booking.save()

    assert (only_interval()["start_at"], only_interval()["end_at"]) == (
        START + DAY,
        START + DAY + 2 * HOUR,
    )
    assert (booking.version, history(booking)) == (2, ["CREATED", "RESCHEDULED"])
    event = last_event(booking)
    assert event.created_at == NOW
    assert event.data == {
        "old_start_at": START.isoformat(),
        "new_start_at": (START + DAY).isoformat(),
        "old_end_at": (START + HOUR).isoformat(),
        "new_end_at": (START + DAY + 2 * HOUR).isoformat(),
    }


def test_a_booking_cannot_be_moved_onto_another(booking: Booking, book: Book) -> None:
    book(start_at=START + DAY)
    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR

    with nothing_written(), pytest.raises(BookingConflict):
        booking.save()


def test_its_buffers_are_part_of_its_claim(booking: Booking, book: Book) -> None:
    booking.buffer_after_minutes = 30
    booking.save()

    assert only_interval()["end_at"] == START + minutes(90)
    assert history(booking) == ["CREATED", "UPDATED"]
    next_one = book(start_at=START + minutes(90))
    booking.buffer_after_minutes = 31
    with nothing_written(), pytest.raises(BookingConflict):
        booking.save()
    assert next_one.pk


def test_its_provider_may_change(booking: Booking, other_provider: Any, book: Book) -> None:
    booking.provider = other_provider
    booking.save()

    assert only_interval()["provider"] == other_provider.pk
    assert history(booking) == ["CREATED", "RESCHEDULED"]
    book()
    booking.provider_id = stored(book(start_at=START + DAY)).provider_id
    with nothing_written(), pytest.raises(BookingConflict):
        booking.save()


STEPS = {
    "confirm": (lambda booking: booking.confirm(NOW), "pending", "CONFIRMED"),
    "decline": (lambda booking: booking.decline(NOW, reason="Ill."), "pending", "DECLINED"),
    "cancel": (lambda booking: booking.cancel(NOW, reason="Ill."), "booking", "CANCELLED"),
    "expire": (lambda booking: booking.expire(NOW), "hold", "EXPIRED"),
    "auto_cancel": (lambda booking: booking.auto_cancel(NOW), "booking", "AUTO_CANCELLED"),
    "deliver": (lambda booking: booking.deliver(NOW), "booking", "DELIVERED"),
    "complete": (lambda booking: booking.complete(NOW), "booking", "COMPLETED"),
    "no_show": (lambda booking: booking.no_show(), "booking", "NO_SHOW"),
}


@pytest.mark.parametrize(("step", "on", "event"), STEPS.values(), ids=STEPS)
def test_a_transition_that_is_saved_leaves_its_event(
    request: pytest.FixtureRequest, step: Callable[[Booking], None], on: str, event: str
) -> None:
    booking = request.getfixturevalue(on)
    step(booking)

    booking.save()

    assert history(booking) == ["CREATED", event]
    assert stored(booking).status == booking.status
    assert bool(intervals()) == booking.holds_time
    assert (booking.busy_interval_id is not None) == booking.holds_time


def test_a_hold_that_is_confirmed_and_saved_lapses_no_more(hold: Booking) -> None:
    hold.confirm(NOW)
    hold.save()

    assert BusyInterval.objects.get().lapses is None


def test_an_expiry_can_be_put_off(hold: Booking) -> None:
    hold.expires_at = NOW + HOUR
    hold.save()

    assert BusyInterval.objects.get().lapses == (NOW + HOUR).timestamp()
    assert history(hold) == ["CREATED", "UPDATED"]


def test_saving_what_has_not_changed_writes_nothing(booking: Booking) -> None:
    with nothing_done():
        booking.save()
        stored(booking).save()


def test_only_the_fields_that_are_named_are_saved(booking: Booking) -> None:
    booking.client_name, booking.client_phone = "Marie", "0123"
    booking.start_at += HOUR
    booking.end_at += HOUR

    booking.save(update_fields=["client_name"])

    read = stored(booking)
    assert (read.client_name, read.client_phone, read.start_at) == ("Marie", "", START)
    assert last_event(booking).data == {"old_client_name": "Mary", "new_client_name": "Marie"}
    assert booking.start_at == START
    assert only_interval()["start_at"] == START


def test_a_status_that_is_left_out_does_not_count(booking: Booking) -> None:
    booking.cancel(NOW)
    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR

    booking.save(update_fields=["start_at", "end_at"])

    assert (booking.status, stored(booking).status) == ("CONFIRMED", "CONFIRMED")
    assert only_interval()["start_at"] == START + DAY


def test_a_time_that_is_left_out_does_not_count(booking: Booking) -> None:
    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR
    booking.buffer_after_minutes = 15

    booking.save(update_fields={"buffer_after_minutes"})

    assert only_interval()["start_at"] == START
    assert only_interval()["end_at"] == START + minutes(75)


def test_no_fields_are_no_change(booking: Booking) -> None:
    booking.client_name = "Marie"

    with nothing_done():
        booking.save(update_fields=[])


def test_a_booking_that_was_read_in_part_can_be_saved(booking: Booking) -> None:
    part = Booking.objects.only("client_name", "status", "version", "provider").get()
    part.client_name = "Marie"

    part.save()

    assert stored(booking).client_name == "Marie"
    assert history(booking) == ["CREATED", "UPDATED"]


def test_a_stale_object_cannot_be_saved(booking: Booking) -> None:
    stale = stored(booking)
    cancel_booking(booking, now_dt=NOW)
    stale.client_name = "Marie"

    with nothing_written(), pytest.raises(StaleBooking):
        stale.save()


@pytest.mark.parametrize(
    ("field", "value"),
    [("metadata", {"a": 1}), ("notes_internal", "Late"), ("notes_client", "Ring twice")],
)
def test_a_stale_object_can_be_saved_as_far_as_update_fields_names_notes(
    booking: Booking, field: str, value: Any
) -> None:
    stale = stored(booking)
    cancel_booking(booking, now_dt=NOW)
    setattr(stale, field, value)
    stale.client_name = "not saved"

    stale.save(update_fields=[field, "updated_at"])

    saved = stored(booking)
    assert (getattr(saved, field), saved.status, saved.version) == (value, "CANCELLED", 3)
    assert (stale.status, stale.version, stale.client_name) == ("CANCELLED", 3, saved.client_name)
    assert history(booking) == ["CREATED", "CANCELLED", "UPDATED"]


def test_a_stale_object_can_be_saved_with_all_its_notes_at_once(booking: Booking) -> None:
    stale = stored(booking)
    update_booking(booking, client_name="Marie")
    stale.metadata, stale.notes_client, stale.notes_internal = {"a": 1}, "Ring", "Late"

    stale.save(update_fields=["metadata", "notes_client", "notes_internal"])

    saved = stored(booking)
    assert (saved.metadata, saved.notes_client, saved.notes_internal) == ({"a": 1}, "Ring", "Late")
    assert saved.client_name == "Marie"


@pytest.mark.parametrize(
    "fields", [["client_name", "metadata"], ["client_name"], ["metadata", "start_at"]]
)
def test_a_stale_object_cannot_be_saved_if_update_fields_names_more(
    booking: Booking, fields: list[str]
) -> None:
    stale = stored(booking)
    cancel_booking(booking, now_dt=NOW)
    stale.client_name, stale.metadata = "Marie", {"a": 1}
    stale.start_at -= HOUR

    with nothing_written(), pytest.raises(StaleBooking):
        stale.save(update_fields=fields)


def test_a_stale_object_of_another_provider_by_now_cannot_be_saved(
    booking: Booking, other_provider: Any
) -> None:
    stale = stored(booking)
    reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)

    with nothing_written(), pytest.raises(StaleBooking):
        stale.save()


def test_after_a_verb_the_object_can_be_saved(booking: Booking) -> None:
    update_booking(booking, client_name="Marie")
    booking.client_phone = "0123"

    booking.save()

    assert history(booking) == ["CREATED", "UPDATED", "UPDATED"]


def test_what_is_kept_for_the_caller_cannot_be_assigned(booking: Booking) -> None:
    held = booking.busy_interval_id
    booking.busy_interval_id = None
    booking.client_name = "Marie"

    booking.save()

    assert stored(booking).busy_interval_id == booking.busy_interval_id == held


def test_it_tells_of_what_was_saved(
    build: Build, sent_signals: SentSignals, django_capture_on_commit_callbacks: Any
) -> None:
    booking = build()
    with django_capture_on_commit_callbacks(execute=True):
        booking.save()
        booking.client_name = "Marie"
        booking.save()
        assert sent_signals == []

    assert [name for name, *_ in sent_signals] == ["CREATED", "UPDATED"]


def test_it_tells_of_nothing_that_was_rolled_back(
    build: Build, sent_signals: SentSignals, django_capture_on_commit_callbacks: Any
) -> None:
    with (
        nothing_written(),
        django_capture_on_commit_callbacks(execute=True),
        rolled_back(),
    ):
        build().save()

    assert sent_signals == []


# Groups


def test_a_new_booking_joins_a_shared_slot(build: Build, book: Book, group: Any) -> None:
    book(service=group)
    build(service=group, party_size=2).save()

    assert only_interval()["seats"] == (3, 3)
    with nothing_written(), pytest.raises(CapacityExceeded):
        build(service=group).save()


def test_a_party_may_grow_and_shrink(book: Book, group: Any) -> None:
    booking = book(service=group)
    book(service=group)
    for size in (2, 1):
        booking.party_size = size
        booking.save()
        assert only_interval()["seats"] == (size + 1, 3)
        assert stored(booking).capacity_consumed == size

    booking.party_size = 3
    with nothing_written(), pytest.raises(CapacityExceeded):
        booking.save()


def test_a_booking_that_leaves_a_shared_slot_leaves_the_others(book: Book, group: Any) -> None:
    booking, _staying = book(service=group, party_size=2), book(service=group)
    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR

    booking.save()

    assert [interval["seats"] for interval in intervals()] == [(1, 3), (2, 3)]


def test_a_booking_may_change_its_service(
    booking: Booking, group: Any, book: Book, make_service: Make
) -> None:
    booking.service = group
    booking.save()
    assert only_interval()["seats"] == (1, 3)

    book(service=group)
    booking.service = make_service()
    with nothing_written(), pytest.raises(BookingConflict):
        booking.save()


def test_a_status_cannot_be_assigned(booking: Booking) -> None:
    with pytest.raises(AttributeError):
        booking.status = "CANCELLED"  # type: ignore[misc]


def test_history_of_every_save_is_numbered(build: Build) -> None:
    booking = build()
    for name in ("Anna", "Berta", "Clara"):
        booking.client_name = name
        booking.save()

    assert booking.version == len(every_row()["BookingEvent"]) == 3


def test_a_booking_that_ended_is_not_moved_by_a_save(booking: Booking) -> None:
    cancel_booking(booking, now_dt=NOW)
    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR

    booking.save()

    assert intervals() == []
    with pytest.raises(InvalidTransition):
        reschedule_booking(booking, new_start_at=START, now_dt=NOW)


def test_a_client_of_a_shared_slot_does_not_take_it_along_to_another_service(
    book: Book, group: Any, make_service: Make
) -> None:
    leaving, staying = book(service=group), book(service=group)
    leaving.service = make_service(allow_multiple_clients_per_slot=True, capacity=3)

    with nothing_written(), pytest.raises(BookingConflict):
        leaving.save()

    assert stored(staying).busy_interval.service_id == group.pk  # type: ignore[union-attr]


def test_a_booking_that_was_deleted_meanwhile_cannot_be_saved(booking: Booking) -> None:
    stored(booking).delete()
    booking.client_name = "Marie"

    with nothing_written(), pytest.raises(MissingReference):
        booking.save()


def test_a_booking_that_moves_away_between_the_read_and_the_lock_is_read_again(
    booking: Booking, other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = stored(booking)
    lock = locks.lock_calendars

    def overtaken(*args: Any, **kwargs: Any) -> dict[Any, int]:
        monkeypatch.setattr(locks, "lock_calendars", lock)
        locked = lock(*args, **kwargs)
        Booking._base_manager.update(provider=other_provider)
        return locked

    monkeypatch.setattr(locks, "lock_calendars", overtaken)
    stale.client_name = "Marie"

    stale.save()

    assert stored(booking).client_name == "Marie"


def test_a_status_that_there_is_not_is_refused(service: Any, provider: Any) -> None:
    booking = Booking(
        service=service,
        provider=provider,
        client_name="Mary",
        start_at=START,
        end_at=START + HOUR,
        status="ASLEEP",
    )
    with pytest.raises(InvalidBooking) as caught:
        booking.save()
    assert "ASLEEP" in caught.value.message_dict["status"][0]
    assert not Booking.objects.exists()


def test_a_copy_that_keeps_its_uuid_is_told_so(booking: Booking) -> None:
    booking.pk, booking._state.adding = None, True
    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR
    with pytest.raises(InvalidBooking, match="belongs to another booking"):
        booking.save()
    assert Booking.objects.count() == 1
