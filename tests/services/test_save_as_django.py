"""``Booking.save()`` as Django's: what has not changed is not judged, and a form's text will do."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.testing import assert_bookings_are_sound
from tests.services.conftest import Book, Make
from tests.services.storage import stored


def test_a_note_is_saved_although_the_service_is_exclusive_now(book: Book, group: Any) -> None:
    booking = book(service=group, party_size=2)
    type(group).objects.update(allow_multiple_clients_per_slot=False)
    again = Booking.objects.get(pk=booking.pk)
    again.notes_client = "Late."
    again.save()
    assert stored(booking).notes_client == "Late."


def test_a_note_is_saved_although_the_service_cannot_be_booked_any_more(
    book: Book, make_service: Make
) -> None:
    service = make_service()
    booking = book(service=service)
    type(service).objects.update(duration_minutes=0)
    again = Booking.objects.get(pk=booking.pk)
    again.notes_client = "Late."
    again.save()
    assert stored(booking).notes_client == "Late."


def test_a_key_may_be_the_text_of_a_form(booking: Booking, other_provider: Any) -> None:
    booking.provider_id = str(other_provider.pk)
    booking.save()
    assert booking.provider == stored(booking).provider == other_provider
    assert_bookings_are_sound()


def test_the_same_key_as_text_is_no_change(booking: Booking) -> None:
    booking.service_id = str(booking.service_id)
    booking.save()
    assert booking.version == 1


def test_a_key_that_cannot_be_one_is_refused(booking: Booking) -> None:
    booking.provider_id = "nobody"
    with pytest.raises(InvalidBooking) as caught:
        booking.save()
    assert set(caught.value.message_dict) == {"provider"}


def test_a_buffer_may_be_the_text_of_a_form(booking: Booking) -> None:
    booking.buffer_before_minutes = "5"
    booking.save()
    assert booking.buffer_before_minutes == stored(booking).buffer_before_minutes == 5
    assert_bookings_are_sound()
