"""A site may register any of the models: every page of every admin works without the others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import path

from bookings.admin.base import BaseAdmin
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import book_seat, join_waitlist
from bookings.contrib.payments.models import Payment, RefundDue, RefundPolicy
from bookings.contrib.payments.services import record_payment
from bookings.contrib.schedule.models import Schedule, TimeOff
from bookings.contrib.schedule.services import create_schedule, take_time_off
from bookings.contrib.series.models import Series
from bookings.contrib.series.services import create_series, create_session_series
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.admin.page import form_values, text_of

MODELS: Final[list[Any]] = [
    Booking,
    Session,
    Series,
    Schedule,
    TimeOff,
    Payment,
    RefundDue,
    RefundPolicy,
]
OWN_PAGES: Final = {
    Booking: [
        "calendar/",
        "calendar/move/",
        "attention/",
        "clients/",
        "starts/",
        "{pk}/step/cancel/",
        "search/",
    ],
    Session: ["generate/", "{pk}/book/", "{pk}/wait/", "{pk}/attendance/", "{pk}/step/cancel/"],
    Series: ["{pk}/cancel/", "publish/"],
    Payment: ["{pk}/grant/", "record/1/"],
    RefundDue: ["{pk}/grant/", "{pk}/waive/"],
}

SITES: Final = {}
for model in MODELS:
    site = SITES[model] = admin.AdminSite(name=f"only_{model._meta.model_name}")
    site.register(model, type(admin.site.get_model_admin(model)))

BESIDE: Final = {}
for model in MODELS[1:]:
    site = BESIDE[model] = admin.AdminSite(name=f"bookings_and_{model._meta.model_name}")
    for each in (Booking, model):
        site.register(each, type(admin.site.get_model_admin(each)))

urlpatterns = [path(f"{site.name}/", site.urls) for site in (*SITES.values(), *BESIDE.values())]


@pytest.fixture
def objects(service: Any, provider: Any, make_service: Any, start: Any) -> dict[Any, Any]:
    """One of everything, and everything that one can be connected with."""
    series = create_series(
        service=service,
        provider=provider,
        rrule="FREQ=DAILY;COUNT=2",
        timezone="UTC",
        start_at=start,
        client_name="Mary",
    )
    booking = series.bookings[0]
    payment = record_payment(booking, amount=80, currency="EUR", external_id="p").payment
    cancel_booking(series.bookings[1])
    record_payment(series.bookings[1], amount=80, currency="EUR", external_id="q")
    course = make_service(name="Course")
    sessions = create_session_series(
        service=course,
        provider=provider,
        rrule="FREQ=DAILY;COUNT=2",
        timezone="UTC",
        start_at=start + timedelta(hours=3),
    )
    session = sessions.sessions[0]
    Session._base_manager.filter(pk=session.pk).update(enable_waitlist=True)
    session.refresh_from_db()
    while session.remaining_seats:
        book_seat(session, client_name=f"Bob {session.remaining_seats}")
        session.refresh_from_db()
    join_waitlist(session, client_name="Eva")
    time_off = take_time_off(
        provider=provider,
        start_at=start + timedelta(hours=6),
        end_at=start + timedelta(hours=7),
    )
    return {
        Booking: booking,
        Session: session,
        Series: sessions.series,
        Schedule: create_schedule(provider=provider),
        TimeOff: time_off,
        Payment: payment,
        RefundDue: RefundDue.objects.get(),
        RefundPolicy: RefundPolicy.objects.create(),
        "series of bookings": series.series,
    }


@pytest.mark.parametrize("model", MODELS)
def test_every_page_works_on_a_site_without_the_other_models(
    boss: Client, objects: dict[Any, Any], settings: Any, model: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    url = f"/{SITES[model].name}/{model._meta.app_label}/{model._meta.model_name}/"
    own = objects[model]
    pages = ["", "?q=mary", "?e=1", "add/", *OWN_PAGES.get(model, [])]
    pages += [f"{{pk}}/{name}/" for name in ("change", "history", "delete")]
    model_admin = SITES[model].get_model_admin(model)
    forbidden = set()
    if not model_admin.has_add_permission(boss.get(url).wsgi_request):
        forbidden.add("add/")
    if not model_admin.has_delete_permission(boss.get(url).wsgi_request):
        forbidden.add("{pk}/delete/")
    for page in pages:
        response = boss.get(url + page.format(pk=own.pk), follow=True)
        expected = {403} if page in forbidden else {200}
        if page in {"search/", "publish/"}:
            expected = {403}
        if page == "record/1/":
            expected = {404}
        if page == "calendar/move/":
            expected = {405}
        assert response.status_code in expected, page
        if response.status_code == 200:
            assert 'href="/admin/' not in text_of(response)
    if isinstance(model_admin, BaseAdmin):
        opened = " ".join([*pages, "waitlist", "move", "search"])
        opened = opened.replace("calendar/move", "calendar_move")
        assert all(page.name in opened for page in model_admin.get_pages()), "Open each of them."


def test_a_series_of_bookings_and_a_seat_too(
    boss: Client, objects: dict[Any, Any], settings: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    series = objects["series of bookings"]
    page = text_of(boss.get(f"/only_series/bookings_series/series/{series.pk}/change/"))
    assert objects[Booking].reference in page, "the name without a link"
    assert "/bookings/booking/" not in page
    seat = objects[Session].seats.first()
    page = text_of(boss.get(f"/only_booking/bookings/booking/{seat.booking_id}/change/"))
    assert "/series/" not in page
    url = f"/only_session/bookings_group_sessions/session/{objects[Session].pk}"
    assert boss.get(f"{url}/move/{seat.booking_id}/").status_code == 200
    page = text_of(boss.get(f"{url}/change/"))
    assert seat.booking.reference in page
    entry = objects[Session].waitlist.get()
    assert boss.post(f"{url}/waitlist/{entry.pk}/remove/").status_code == 302


def test_the_forms_of_a_site_with_one_model_can_be_sent(
    boss: Client, objects: dict[Any, Any], settings: Any, provider: Any, start: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    url = "/only_booking/bookings/booking/"
    seat = objects[Session].seats.first().booking
    page = form_values(boss.get(f"{url}{seat.pk}/change/"))
    answer = text_of(boss.post(f"{url}{seat.pk}/change/", page | {"start_at_1": "09:00"}))
    assert "/session/" not in answer
    url = "/only_timeoff/bookings_schedule/timeoff/add/"
    day = f"{start:%Y-%m-%d}"
    times = {"start_at_0": day, "start_at_1": "00:00", "end_at_0": day, "end_at_1": "23:00"}
    sent = form_values(boss.get(url), "timeoff_form") | {"provider": provider.pk} | times
    assert "in that time" in text_of(boss.post(url, sent))
    url = "/only_schedule/bookings_schedule/schedule/"
    chosen = {"action": "close_dates", "_selected_action": [objects[Schedule].pk]}
    question = form_values(boss.post(url, chosen), "schedule_question_form")
    done = boss.post(url, question | {"first_date": f"{start:%Y-%m-%d}"}, follow=True)
    assert done.status_code == 200


@pytest.mark.parametrize("other", BESIDE)
def test_the_page_of_a_booking_beside_another_model(
    boss: Client, objects: dict[Any, Any], settings: Any, other: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    url = f"/{BESIDE[other].name}/bookings/booking/{objects[Booking].pk}/change/"
    assert boss.get(url).status_code == 200
