"""Metadata is merged by RFC 7396, and notes are for staff or for the client."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from bookings.exceptions import InvalidBooking
from bookings.models import Booking, BookingEvent
from bookings.services import add_note, merge_metadata, update_booking
from bookings.services.bulk_change import change_bookings
from bookings.services.metadata import json_merge_patch
from bookings.services.update import BookingUpdate
from tests.services.clock import HOUR, NOW, START
from tests.services.conftest import Book
from tests.services.storage import history, last_event, nothing_done, nothing_written, stored

# https://www.rfc-editor.org/rfc/rfc7396#appendix-A
RFC_7396: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("document", "patch", "result"), RFC_7396)
def test_the_examples_of_the_rfc(document: Any, patch: Any, result: Any) -> None:
    assert json_merge_patch(document, patch) == result


@pytest.fixture
def noted(book: Book) -> Booking:
    return book(metadata={"cart": 7, "guide": {"name": "Ada", "van": 2}})


LOOK_ALIKES: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": True}),
    ({"a": True}, {"a": 1}),
    ({"a": 0}, {"a": False}),
    ({"a": [0, {"b": 1}]}, {"a": [False, {"b": True}]}),
    ({"a": {"b": {"c": 0}}}, {"a": {"b": {"c": False}}}),
]
"""Values that Python takes for equal, and JSON does not."""


@pytest.mark.parametrize(("old", "new"), LOOK_ALIKES)
@pytest.mark.parametrize("way", ["merge", "update", "save", "series"])
def test_what_only_python_takes_for_equal_is_stored(
    book: Book, old: Any, new: Any, way: str
) -> None:
    booking = book(metadata=old)
    match way:
        case "merge":
            merge_metadata(booking, new)
        case "update":
            update_booking(booking, metadata=new)
        case "save":
            booking.metadata = new
            booking.save()
        case "series":
            other = book(metadata=new, start_at=START + HOUR)
            change_metadata_of([booking, other], new)
            assert json.dumps(stored(other).metadata) == json.dumps(new)
            assert history(other) == ["CREATED"]
    assert json.dumps(stored(booking).metadata) == json.dumps(new)
    assert json.dumps(last_event(booking).data["new_metadata"]) == json.dumps(new)
    assert json.dumps(last_event(booking).data["old_metadata"]) == json.dumps(old)


def change_metadata_of(bookings: list[Booking], new: Any) -> None:
    update = BookingUpdate({"metadata": new})
    with transaction.atomic():
        change_bookings(
            bookings,
            partial(update.decide, limit_check=None),
            verb="update",
            calendars={},
            using="default",
            now=NOW,
            actor=None,
        )


def test_what_json_writes_in_the_same_way_is_no_change(book: Book) -> None:
    booking = book(metadata={"a": [1, 2], "b": 3})
    update_booking(booking, metadata={"b": 3, "a": (1, 2)})
    assert history(booking) == ["CREATED"]


def test_keys_are_set_and_deleted_and_the_others_stay(noted: Booking, staff: Any) -> None:
    merge_metadata(noted, {"cart": None, "guide": {"van": 3}, "paid": True}, actor=staff)

    after = {"guide": {"name": "Ada", "van": 3}, "paid": True}
    assert noted.metadata == stored(noted).metadata == after
    assert history(noted) == ["CREATED", "UPDATED"]
    event = last_event(noted)
    assert event.actor_user == staff
    assert event.data == {
        "old_metadata": {"cart": 7, "guide": {"name": "Ada", "van": 2}},
        "new_metadata": after,
    }


def test_what_changes_nothing_leaves_no_event(noted: Booking) -> None:
    with nothing_done():
        merge_metadata(noted, {})
        merge_metadata(noted, {"cart": 7, "gone": None})


def test_it_is_merged_into_what_is_stored_by_then(noted: Booking) -> None:
    stale = stored(noted)
    merge_metadata(noted, {"cart": 8})

    merge_metadata(stale, {"paid": True})

    assert (stale.metadata["cart"], stale.metadata["paid"]) == (8, True)


def test_an_update_replaces_the_whole(noted: Booking) -> None:
    update_booking(noted, metadata={"cart": 9})
    assert stored(noted).metadata == {"cart": 9}


@pytest.mark.parametrize("patch", [None, [], "cart", 7, {"x": object()}, {"x": float("inf")}])
def test_what_is_no_document_is_refused(noted: Booking, patch: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        merge_metadata(noted, patch)


def test_what_grows_too_large_by_it_is_refused(noted: Booking) -> None:
    merge_metadata(noted, {"a": "x" * 60_000, "b": "x" * 60_000, "c": ["x" * 90_000] * 8})
    with nothing_written(), pytest.raises(InvalidBooking, match="characters of JSON"):
        merge_metadata(noted, {"d": ["x" * 90_000] * 2})
    assert "d" not in noted.metadata


# Notes


def test_a_note_is_for_staff_unless_it_is_said_to_be_for_the_client(noted: Booking) -> None:
    add_note(noted, "Difficult.", now_dt=NOW)
    add_note(noted, "Bring a towel.", for_client=True, now_dt=NOW)
    other = BookingEvent.objects.exclude(event_type="NOTE_ADDED")

    assert [note.message for note in noted.events.notes_for_client()] == ["Bring a towel."]
    assert last_event(noted).data == {"for_client": True}
    assert not other.notes_for_client().exists()
