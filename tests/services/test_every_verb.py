"""What is true of every verb that changes a booking."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import MissingReference, NotAllowed, StaleBooking
from bookings.models import Booking, BookingAddon, BookingEvent
from bookings.services import add_note, reschedule_booking, update_booking
from bookings.signals import BY_EVENT
from tests.services.clock import NOW, START
from tests.services.conftest import Make, SentSignals
from tests.services.storage import (
    history,
    last_event,
    nothing_done,
    nothing_written,
    rolled_back,
    stored,
)
from tests.services.verbs import VERBS, Verb

pytestmark = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)


@pytest.fixture
def target(verb: Verb, request: pytest.FixtureRequest) -> Booking:
    booking: Booking = request.getfixturevalue(verb.on)
    return booking


def columns(booking: Booking) -> dict[str, Any]:
    return {
        field.attname: getattr(booking, field.attname) for field in Booking._meta.concrete_fields
    }


def test_it_returns_the_object_it_was_given_refreshed(verb: Verb, target: Booking) -> None:
    before = columns(target)

    assert verb(target) is target

    assert columns(target) == columns(stored(target))
    assert columns(target) != before


def test_it_leaves_one_event_and_a_new_version(verb: Verb, target: Booking, staff: Any) -> None:
    verb(target, actor=staff)

    assert history(target) == ["CREATED", verb.event]
    event = last_event(target)
    assert (event.actor_user, event.created_at) == (staff, verb.at)
    assert target.version == 2


def test_it_tells_of_it_once_it_is_committed(
    verb: Verb, target: Booking, sent_signals: SentSignals, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        verb(target)
        assert sent_signals == []

    ((name, booking, event, using),) = sent_signals
    assert (name, booking, using) == (verb.event, target, "default")
    assert event == last_event(target)


def test_it_tells_of_nothing_that_was_rolled_back(
    verb: Verb, target: Booking, sent_signals: SentSignals, django_capture_on_commit_callbacks: Any
) -> None:
    with (
        nothing_written(),
        django_capture_on_commit_callbacks(execute=True),
        rolled_back(),
    ):
        verb(target)

    assert sent_signals == []


def test_doing_it_twice_does_it_once(verb: Verb, target: Booking) -> None:
    verb(target)
    if verb.name == "add_note":  # Two equal notes are two notes.
        assert history(verb(target)) == ["CREATED", "NOTE_ADDED", "NOTE_ADDED"]
        return

    with nothing_done():
        assert verb(target) is target


def test_a_right_expected_version_is_accepted(verb: Verb, target: Booking) -> None:
    verb(target, expected_version=1)

    assert history(target) == ["CREATED", verb.event]


def test_a_wrong_expected_version_is_refused(verb: Verb, target: Booking) -> None:
    update_booking(stored(target), notes_internal="Changed elsewhere.")
    before = columns(target)

    with nothing_written(), pytest.raises(StaleBooking) as refused:
        verb(target, expected_version=1)

    assert refused.value.code == "stale"
    assert columns(target) == before


def test_a_stale_object_does_not_undo_what_happened_since(verb: Verb, target: Booking) -> None:
    stale = stored(target)
    update_booking(target, client_phone="0123", notes_internal="Changed elsewhere.")

    verb(stale)

    for booking in (stale, stored(target)):
        assert (booking.client_phone, booking.notes_internal) == ("0123", "Changed elsewhere.")
    assert history(stale) == ["CREATED", "UPDATED", verb.event]


def test_what_was_assigned_to_the_object_is_not_stored(
    verb: Verb, target: Booking, provider: Any, other_provider: Any
) -> None:
    target.notes_client = "Assigned, and not saved."
    target.provider = other_provider

    verb(target)

    for booking in (target, stored(target)):
        assert (booking.notes_client, booking.provider) == ("", provider)


def test_related_objects_are_read_again(verb: Verb, target: Booking) -> None:
    update_booking(target, client_name="Martha")
    target = Booking.objects.prefetch_related("events").get(pk=target.pk)
    assert len(target.events.all()) == 2

    verb(target)

    assert len(target.events.all()) == 3


def test_a_booking_that_is_deleted_meanwhile_is_missing(verb: Verb, target: Booking) -> None:
    stored(target).delete()

    with nothing_written(), pytest.raises(MissingReference) as refused:
        verb(target)

    assert refused.value.messages == ["The booking is not saved, or has been deleted."]


def test_a_booking_that_is_deleted_is_missing(verb: Verb, target: Booking) -> None:
    target.delete()

    with nothing_written(), pytest.raises(MissingReference):
        verb(target)


@pytest.mark.parametrize("other", [None, 1, "BK-2030-AAAAAAAA", Booking])
def test_anything_but_a_booking_is_refused(verb: Verb, other: Any) -> None:
    with nothing_written(), pytest.raises(MissingReference):
        verb(other)


def test_an_unsaved_booking_is_refused(
    verb: Verb, target: Booking, service: Any, provider: Any
) -> None:
    new = Booking(service=service, provider=provider, start_at=START)
    pretender = Booking(pk=target.pk, service=service, provider=provider, start_at=START)

    for unsaved in (new, pretender):
        with nothing_written(), pytest.raises(MissingReference):
            verb(unsaved)


def test_the_clock_is_read_when_no_now_is_given(
    verb: Verb, target: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: verb.at)

    verb(target, now_dt=None)

    assert last_event(target).created_at == verb.at


def test_the_adapter_may_forbid_it(
    verb: Verb, target: Booking, staff: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def forbid(self: Any, actor: Any, name: str, booking: Booking) -> None:
        asked.append((actor, name, booking.pk))
        raise NotAllowed("Ask your manager.")

    monkeypatch.setattr(DefaultBookingAdapter, "check_permission", forbid)

    with nothing_written(), pytest.raises(NotAllowed, match="Ask your manager"):
        verb(target, actor=staff)

    assert asked == [(staff, verb.name, target.pk)]


def test_a_failure_while_it_is_written_leaves_nothing_behind(
    verb: Verb, target: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(BookingEvent, "save", fail)
    before = columns(target)

    with nothing_written(), pytest.raises(ZeroDivisionError):
        verb(target)

    assert columns(target) == before


def test_a_failing_receiver_undoes_nothing(
    verb: Verb, target: Booking, django_capture_on_commit_callbacks: Any, caplog: Any
) -> None:
    def fail(sender: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    signal = BY_EVENT[verb.event]
    signal.connect(fail, sender=Booking)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            verb(target)
    finally:
        signal.disconnect(fail, sender=Booking)

    assert history(target) == ["CREATED", verb.event]
    assert "ZeroDivisionError" in caplog.text


def test_the_add_ons_stay_unless_they_are_replaced(
    verb: Verb, target: Booking, make_addon: Make
) -> None:
    BookingAddon.objects.create(booking=target, addon=make_addon(), name_snapshot="Stones")
    kept = list(BookingAddon.objects.values())

    verb(target)

    assert list(BookingAddon.objects.values()) == kept


def test_a_booking_of_another_provider_by_now_is_found(
    verb: Verb, target: Booking, other_provider: Any
) -> None:
    stale = stored(target)
    if target.holds_time:
        reschedule_booking(target, new_start_at=START, new_provider=other_provider, now_dt=NOW)
    else:
        target.provider = other_provider
        target.save()

    verb(stale)

    assert stale.provider == other_provider
    assert history(stale) == ["CREATED", "RESCHEDULED", verb.event]


def test_a_note_in_between_is_no_obstacle(verb: Verb, target: Booking) -> None:
    stale = stored(target)
    add_note(target, "Rang.")

    verb(stale)

    assert stale.version == 3
