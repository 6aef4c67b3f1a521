"""Who may see and do what, whatever they send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from bookings.models import Booking
from tests.admin.conftest import ADD, LIST, page_of
from tests.admin.page import FormData, form_values, text_of

CALENDAR = f"{LIST}calendar/"


def step_of(booking: Booking, name: str) -> str:
    return page_of(booking).replace("/change/", f"/step/{name}/")


def test_a_viewer_sees_bookings_and_no_buttons(
    viewer: Client, pending: Booking, addon: Any
) -> None:
    page = text_of(viewer.get(LIST))
    assert pending.reference in page
    assert 'name="action"' not in page
    assert ADD not in page
    page = text_of(viewer.get(page_of(pending)))
    assert "Surgery" in page
    assert "Pending" in page
    assert "History" in page
    assert 'name="_save"' not in page
    assert "/step/" not in page
    assert 'name="start_at_0"' not in page
    assert viewer.get(CALENDAR).status_code == 200


def test_a_viewer_sees_the_history(viewer: Client, pending: Booking) -> None:
    assert "Created" in text_of(viewer.get(page_of(pending)))


def test_a_viewer_cannot_post_a_step(viewer: Client, pending: Booking) -> None:
    assert viewer.post(step_of(pending, "confirm"), {"version": 1}).status_code == 403
    assert viewer.get(step_of(pending, "cancel")).status_code == 403
    sent = {"action": "confirm_bookings", "_selected_action": [pending.pk]}
    viewer.post(LIST, sent)
    viewer.post(LIST, sent | {"index": "0"})
    viewer.post(LIST, sent | {"action": "cancel_bookings", "_answered": "1"})
    pending.refresh_from_db()
    assert pending.status == Booking.Status.PENDING


def test_a_viewer_cannot_post_a_form(
    viewer: Client, boss: Client, booking: Booking, form: Callable[..., FormData]
) -> None:
    sent = form_values(boss.get(page_of(booking))) | {"client_name": "Maria"}
    assert viewer.post(page_of(booking), sent).status_code == 403
    assert viewer.get(ADD).status_code == 403
    assert viewer.post(ADD, form(boss, start_at_1="18:00")).status_code == 403
    assert Booking.objects.values_list("client_name", "version").get() == ("Mary", 1)


@pytest.mark.parametrize("name", ["list", "change", "calendar", "step"])
def test_other_staff_see_no_bookings(stranger: Client, booking: Booking, name: str) -> None:
    pages = {
        "list": LIST,
        "change": page_of(booking),
        "calendar": CALENDAR,
        "step": step_of(booking, "cancel"),
    }
    assert stranger.get(pages[name]).status_code == 403


@pytest.mark.parametrize("name", ["list", "calendar", "step"])
def test_a_visitor_is_sent_to_the_login_page(client: Client, booking: Booking, name: str) -> None:
    pages = {"list": LIST, "calendar": CALENDAR, "step": step_of(booking, "cancel")}
    response = client.get(pages[name])
    assert response.status_code == 302
    assert response.url.startswith("/admin/login/")


def test_a_step_needs_the_csrf_token(pending: Booking) -> None:
    from django.contrib.auth import get_user_model

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(get_user_model().objects.create_superuser("strict"))
    assert strict.post(step_of(pending, "confirm"), {"version": 1}).status_code == 403
    pending.refresh_from_db()
    assert pending.status == Booking.Status.PENDING


def test_a_receptionist_needs_no_other_permission(
    receptionist: Client, booking: Booking, addon: Any
) -> None:
    page = text_of(receptionist.get(page_of(booking)))
    assert 'name="start_at_0"' in page
    assert "Created" in page
