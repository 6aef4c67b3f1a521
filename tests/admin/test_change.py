"""Staff move a booking and correct its details."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import Client
from django.utils.formats import date_format

from bookings import exceptions
from bookings.admin import BookingAdmin, BookingEventInline
from bookings.admin.booking import forms
from bookings.models import Booking, BookingEvent
from bookings.services import (
    cancel_booking,
    complete_booking,
    create_booking,
    reschedule_booking,
    update_booking,
)
from tests.admin.conftest import LIST, Book, Make, page_of
from tests.admin.page import errors_of, form_values, messages_of, text_of

STALE = (
    "Somebody has changed this booking since you opened it, so your changes were not saved. "
    "Open it again: its history says what has changed."
)


def types_of(booking: Booking) -> list[str]:
    return [event.event_type for event in booking.events.order_by("pk")]


def test_an_unchanged_form_changes_nothing(boss: Client, booking: Booking) -> None:
    page = form_values(boss.get(page_of(booking)))
    assert boss.post(page_of(booking), page).status_code == 302
    booking.refresh_from_db()
    assert booking.version == 1
    assert types_of(booking) == ["CREATED"]


def test_a_booking_is_moved(
    receptionist: Client, booking: Booking, other_provider: Any, start: datetime
) -> None:
    page = form_values(receptionist.get(page_of(booking)))
    moved = page | {"start_at_1": "14:30", "provider": other_provider.pk}
    response = receptionist.post(page_of(booking), moved, follow=True)
    assert booking.reference in messages_of(response)[0]
    booking.refresh_from_db()
    assert booking.start_at == start + timedelta(hours=4, minutes=30)
    assert booking.end_at - booking.start_at == timedelta(minutes=60)
    assert booking.provider == other_provider
    event = booking.events.get(event_type="RESCHEDULED")
    assert event.actor_user == get_user_model().objects.get(username="reception")
    assert types_of(booking) == ["CREATED", "RESCHEDULED"]
    assert LogEntry.objects.get().object_id == str(booking.pk)


@pytest.mark.parametrize(("sent", "by"), [({}, None), ({"by": "on"}, "provider")])
def test_staff_say_on_whose_behalf_it_is_moved(
    boss: Client, booking: Booking, sent: dict[str, str], by: str | None
) -> None:
    page = form_values(boss.get(page_of(booking)))
    boss.post(page_of(booking), page | {"start_at_1": "16:00:00"} | sent)
    event = booking.events.get(event_type="RESCHEDULED")
    assert event.data.get("by") == by


def test_its_addons_are_replaced(
    boss: Client, book: Book, addon: Any, start: datetime, make_service: Make
) -> None:
    booking = book(start_at=start.replace(microsecond=123), addon_ids=[addon.pk])
    page = form_values(boss.get(page_of(booking)))
    assert page["addons"] == [str(addon.pk)]
    boss.post(page_of(booking), page | {"addons": []})
    booking.refresh_from_db()
    assert not booking.addons.exists()
    assert booking.end_at - booking.start_at == timedelta(minutes=60)
    assert booking.start_at.microsecond == 123
    assert booking.total_amount == 80


def test_its_details_are_corrected(boss: Client, booking: Booking) -> None:
    page = form_values(boss.get(page_of(booking)))
    boss.post(page_of(booking), page | {"client_name": "Maria", "notes_internal": "VIP"})
    booking.refresh_from_db()
    assert (booking.client_name, booking.notes_internal) == ("Maria", "VIP")
    assert types_of(booking) == ["CREATED", "UPDATED"]


def test_a_move_and_a_correction_are_two_events(boss: Client, booking: Booking) -> None:
    page = form_values(boss.get(page_of(booking)))
    boss.post(page_of(booking), page | {"start_at_1": "12:00", "client_name": "Maria"})
    booking.refresh_from_db()
    assert types_of(booking) == ["CREATED", "RESCHEDULED", "UPDATED"]
    assert booking.version == 3


def test_a_refused_move_rolls_the_correction_back(
    boss: Client, booking: Booking, book: Book, start: datetime
) -> None:
    other = book(start_at=start + timedelta(hours=2), client_name="Zoe")
    page = form_values(boss.get(page_of(booking)))
    response = boss.post(page_of(booking), page | {"start_at_1": "12:00", "client_name": "Maria"})
    [refusal] = errors_of(response)["start_at"]
    assert page_of(other) in refusal
    assert page_of(booking) not in refusal
    assert form_values(response)["client_name"] == ["Maria"]
    booking.refresh_from_db()
    assert (booking.start_at, booking.client_name, booking.version) == (start, "Mary", 1)


def test_a_refused_correction_rolls_the_move_back(
    boss: Client, booking: Booking, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise exceptions.NotAllowed("Not on a Sunday.")

    monkeypatch.setattr(forms, "update_booking", refuse)
    page = form_values(boss.get(page_of(booking)))
    response = boss.post(page_of(booking), page | {"start_at_1": "12:00"})
    assert errors_of(response) == {"__all__": ["Not on a Sunday."]}
    booking.refresh_from_db()
    assert (booking.start_at, booking.version) == (start, 1)
    assert types_of(booking) == ["CREATED"]
    assert not LogEntry.objects.exists()


def test_the_end_on_the_page_is_not_an_error_of_its_own(
    boss: Client, booking: Booking, start: datetime
) -> None:
    """Moved by more than its length: the stored end lies before the new start."""
    page = form_values(boss.get(page_of(booking)))
    assert boss.post(page_of(booking), page | {"start_at_1": "18:00"}).status_code == 302


@pytest.mark.parametrize("override", [False, True])
def test_a_notice_window_needs_a_tick(
    boss: Client, book: Book, make_service: Make, override: bool
) -> None:
    strict = make_service(name="Surgery", reschedule_notice_minutes=60 * 24 * 30)
    booking = book(service=strict)
    page = form_values(boss.get(page_of(booking)))
    if override:
        page["override_policy"] = "on"
    response = boss.post(page_of(booking), page | {"start_at_1": "12:00"})
    booking.refresh_from_db()
    if override:
        assert booking.start_at.hour == 12
    else:
        assert errors_of(response) == {
            "start_at": ["It begins in less than 30 days, which is the notice that it needs."]
        }
        assert booking.start_at.hour == 10


def test_a_booking_that_may_not_move_can_still_be_corrected(
    boss: Client, book: Book, make_service: Make
) -> None:
    booking = book(service=make_service(name="Surgery", reschedule_allowed=False))
    page = form_values(boss.get(page_of(booking)))
    assert boss.post(page_of(booking), page | {"client_name": "Maria"}).status_code == 302


BAD = {
    "no start": ({"start_at_0": "", "start_at_1": ""}, "start_at"),
    "the year 9999": ({"start_at_0": "9999-12-31", "start_at_1": "23:59"}, "start_at"),
    "the year 4200": ({"start_at_0": "4200-01-01", "override_policy": "on"}, "start_at"),
    "the past": ({"start_at_0": "2020-01-01"}, "start_at"),
    "no provider": ({"provider": ""}, "provider"),
    "no client": ({"client_name": ""}, "client_name"),
    "an add-on that is not there": ({"addons": [10**6]}, "addons"),
}


@pytest.mark.parametrize(("values", "field"), BAD.values(), ids=BAD)
def test_bad_input_is_a_message_at_its_field(
    boss: Client, booking: Booking, values: dict[str, Any], field: str
) -> None:
    page = form_values(boss.get(page_of(booking)))
    assert list(errors_of(boss.post(page_of(booking), page | values))) == [field]
    booking.refresh_from_db()
    assert booking.version == 1


def test_an_error_of_a_field_that_is_not_on_the_form_is_shown_above_it(
    boss: Client, booking: Booking, service: Any
) -> None:
    """What the model finds wrong with a field that is not on the form has to be said somewhere."""
    service.allow_multiple_clients_per_slot = True
    service.capacity = 3
    service.save()
    grouped = create_booking(
        service=service,
        provider=booking.provider,
        start_at=booking.start_at + timedelta(hours=3),
        client_name="Group",
        party_size=2,
    )
    service.allow_multiple_clients_per_slot = False
    service.save()
    page = form_values(boss.get(page_of(grouped)))
    response = boss.post(page_of(grouped), page | {"client_name": "Maria"})
    assert errors_of(response) == {
        "__all__": [
            (
                "Party size: Party size must be 1 for services "
                "that do not allow multiple clients per slot."
            )
        ]
    }


def test_two_staff_do_not_overwrite_each_other(boss: Client, booking: Booking) -> None:
    page = form_values(boss.get(page_of(booking)))
    update_booking(booking, client_name="Maria")
    response = boss.post(page_of(booking), page | {"notes_internal": "VIP"})
    assert errors_of(response) == {"__all__": [STALE]}
    booking.refresh_from_db()
    assert (booking.client_name, booking.notes_internal) == ("Maria", "")


def test_a_stale_move_is_refused_too(boss: Client, booking: Booking, start: datetime) -> None:
    page = form_values(boss.get(page_of(booking)))
    reschedule_booking(booking, new_start_at=start + timedelta(hours=1))
    assert errors_of(boss.post(page_of(booking), page | {"start_at_1": "18:00"})) == {
        "__all__": [STALE]
    }


def test_a_booking_that_was_cancelled_meanwhile_is_not_moved(
    boss: Client, booking: Booking
) -> None:
    page = form_values(boss.get(page_of(booking)))
    cancel_booking(booking)
    response = boss.post(page_of(booking), page | {"start_at_1": "18:00"})
    assert errors_of(response) == {"__all__": [STALE]}


@pytest.mark.parametrize("version", ["", "x", "0"])
def test_a_form_without_its_version_is_stale(boss: Client, booking: Booking, version: str) -> None:
    page = form_values(boss.get(page_of(booking))) | {"expected_version": version}
    assert errors_of(boss.post(page_of(booking), page)) == {"__all__": [STALE]}


def test_a_double_click_saves_once(boss: Client, booking: Booking) -> None:
    sent = form_values(boss.get(page_of(booking))) | {"client_name": "Maria"}
    assert boss.post(page_of(booking), sent).status_code == 302
    assert errors_of(boss.post(page_of(booking), sent)) == {"__all__": [STALE]}
    assert types_of(booking) == ["CREATED", "UPDATED"]


def test_rows_that_were_deleted_meanwhile_are_no_error(
    boss: Client, book: Book, addon: Any, start: datetime
) -> None:
    """Django's own formsets fail when there are fewer rows than the page had."""
    booking = book(addon_ids=[addon.pk])
    page = form_values(boss.get(page_of(booking)))
    reschedule_booking(booking, new_start_at=start, addon_ids=[])
    page |= {"expected_version": booking.version, "addons": [], "client_name": "Maria"}
    assert boss.post(page_of(booking), page).status_code == 302


def test_a_completed_booking_can_be_corrected_but_not_moved(boss: Client, past: Booking) -> None:
    complete_booking(past)
    page = form_values(boss.get(page_of(past)))
    assert not {"start_at_0", "provider", "addons", "override_policy"} & page.keys()
    sent = page | {"start_at_0": "2030-01-01", "start_at_1": "10:00", "notes_internal": "late"}
    assert boss.post(page_of(past), sent).status_code == 302
    before = past.start_at
    past.refresh_from_db()
    assert (past.start_at, past.notes_internal) == (before, "late")


def test_the_status_and_the_snapshots_cannot_be_sent(boss: Client, booking: Booking) -> None:
    page = form_values(boss.get(page_of(booking)))
    forged = {"status": "COMPLETED", "price_amount": "1", "total_amount": "1", "party_size": "4"}
    forged |= {"cancellation_allowed": "", "reference": "X", "version": "9", "service": "99"}
    before = Booking.objects.values().get()
    boss.post(page_of(booking), page | forged)
    assert Booking.objects.values().get() == before


def test_a_deleted_booking_is_said_not_to_exist(boss: Client, booking: Booking) -> None:
    page = form_values(boss.get(page_of(booking)))
    url = page_of(booking)
    booking.delete()
    response = boss.post(url, page, follow=True)
    assert "exist" in messages_of(response)[0]


def test_a_busy_database_is_tried_again(
    boss: Client, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def busy_once(*args: Any, **kwargs: Any) -> Booking:
        asked.append(1)
        if len(asked) == 1:
            raise exceptions.BookingBusy("Busy.")
        return update_booking(*args, **kwargs)

    monkeypatch.setattr(forms, "update_booking", busy_once)
    page = form_values(boss.get(page_of(booking)))
    response = boss.post(page_of(booking), page | {"client_name": "Maria"})
    assert response.status_code == 302
    assert types_of(booking) == ["CREATED", "UPDATED"]


def busy(*args: Any, **kwargs: Any) -> None:
    raise exceptions.BookingBusy("The database is busy.")


class Deadlock(Exception):
    sqlstate = "40P01"


def deadlocked(*args: Any, **kwargs: Any) -> None:
    raise OperationalError("deadlock detected") from Deadlock()


@pytest.mark.parametrize("fault", [busy, deadlocked])
def test_a_database_that_stays_busy_is_a_message(
    boss: Client, booking: Booking, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    monkeypatch.setattr(forms, "update_booking", fault)
    page = form_values(boss.get(page_of(booking)))
    said = errors_of(boss.post(page_of(booking), page | {"client_name": "Maria"}))
    assert "The database is busy" in said["__all__"][0]
    booking.refresh_from_db()
    assert booking.client_name == "Mary"


def test_an_error_that_is_not_a_refusal_is_not_hidden(
    boss: Client, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("no such table")

    monkeypatch.setattr(forms, "update_booking", fail)
    page = form_values(boss.get(page_of(booking)))
    with pytest.raises(OperationalError, match="no such table"):
        boss.post(page_of(booking), page)


def test_nothing_deletes_a_booking(boss: Client, booking: Booking) -> None:
    assert (
        boss.post(page_of(booking).replace("change", "delete"), {"post": "yes"}).status_code == 403
    )
    sent = {"action": "delete_selected", "_selected_action": [booking.pk], "post": "yes"}
    boss.post(LIST, sent)
    assert Booking.objects.exists()
    assert BookingEvent.objects.exists()


@pytest.mark.parametrize(("price", "shown"), [(None, "–"), (20, "20.00")])
def test_an_add_on_has_a_price_or_none(
    viewer: Client, book: Book, addon: Any, price: int | None, shown: str
) -> None:
    type(addon).objects.update(price_amount=price)
    booking = book(addon_ids=[addon.pk])

    page = viewer.get(page_of(booking)).content.decode()

    cell = page.partition('<td class="field-price"')[2]
    assert cell.partition("</td>")[0].endswith(f">{shown}")


def test_the_page_has_the_names_that_the_booking_keeps(
    boss: Client, booking: Booking, service: Any, provider: Any
) -> None:
    kept = (booking.service_name, booking.provider_name)
    for row in (service, provider):
        row.name = f"Renamed {row.pk}"
        row.save()
    page = boss.get(page_of(booking)).content.decode()
    assert all(f'<div class="readonly">{name}</div>' in page for name in kept)
    for name in kept:
        assert booking.reference in boss.get(LIST, {"q": name}).content.decode()


def test_the_rows_of_a_table_have_the_names_of_its_columns(
    viewer: Client, booking: Booking
) -> None:
    """On a phone each value stands below its name."""
    page = text_of(viewer.get(page_of(booking)))
    assert '<th scope="col">Event</th>' in page
    assert '<td class="field-event_type" data-label="Event">Created</td>' in page


def test_a_table_without_rows_is_not_shown(viewer: Client, booking: Booking) -> None:
    assert 'id="addons-group"' not in text_of(viewer.get(page_of(booking)))


def test_a_host_may_show_the_history_at_once(rf: Any, booking: Booking) -> None:
    class OpenInline(BookingEventInline):
        classes = ()

    class HostAdmin(BookingAdmin):
        def get_inlines(self, request: Any, obj: Any) -> list[Any]:
            return [OpenInline]

    request = rf.get("/")
    request.user = get_user_model().objects.create_superuser("boss")
    page = HostAdmin(Booking, admin.site).change_view(request, str(booking.pk)).rendered_content
    assert "<details><summary>" not in page.partition('id="events-group"')[2]


def test_the_history_is_folded(viewer: Client, booking: Booking) -> None:
    page = text_of(viewer.get(page_of(booking)))
    assert "<details><summary>" in page.partition('id="events-group"')[2]


def test_the_heading_says_who_comes_when_for_what(
    viewer: Client, booking: Booking, book: Book, start: datetime, make_service: Make
) -> None:
    day = f"{date_format(start, 'D')} {date_format(start, 'DATE_FORMAT')}"
    title = viewer.get(page_of(booking)).context["title"]
    assert title == f"Mary · {day}, 10 a.m. – 11 a.m. · Massage with Ada"
    long = book(service=make_service(duration_minutes=24 * 60), start_at=start + timedelta(days=1))
    after = start + timedelta(days=2)
    until = f"{date_format(after, 'D')} {date_format(after, 'DATE_FORMAT')}, 10 a.m."
    assert until in viewer.get(page_of(long)).context["title"]


def test_what_lifts_the_refused_rule_is_offered_below_the_refusal(
    receptionist: Client, book: Book, make_service: Make
) -> None:
    booking = book(service=make_service(reschedule_allowed=False))
    url = page_of(booking)
    names = [name for name, _options in receptionist.get(url).context["adminform"].fieldsets]
    assert names.index("Staff exceptions") > names.index("Client")
    sent = form_values(receptionist.get(url)) | {"start_at_1": "15:00"}
    first = receptionist.post(url, sent).context["adminform"].fieldsets[0]
    assert (str(first[0]), first[1]["classes"]) == ("Staff exceptions", ())


def test_date_and_time_have_names(boss: Client, booking: Booking) -> None:
    """One label is for both, so each input has a name of its own."""
    page = text_of(boss.get(page_of(booking)))
    for part, name in (("0", "Date:"), ("1", "Time:")):
        field = page.partition(f'name="start_at_{part}"')[2].partition(">")[0]
        assert f'aria-label="{name}"' in field
