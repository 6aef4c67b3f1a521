"""Sessions over HTTP: who sees them, who books them, who runs them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.services import book_seat, create_session
from bookings.models import Booking
from tests.contrib.api.conftest import API, As, send
from tests.contrib.schedule.slots.conftest import NINE_TO_FIVE, create_schedule
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(service: Any, provider: Any) -> Session:
    return create_session(
        service=service,
        provider=provider,
        start_at=at(10),
        capacity=2,
        enable_waitlist=True,
        now_dt=NOW,
    )


def of(session: Session, what: str = "") -> str:
    return f"sessions/{session.pk}/{what}"


def test_staff_publish_and_change_a_session(as_: As, service: Any, provider: Any) -> None:
    wish = {
        "service": service.pk,
        "provider": provider.pk,
        "start_at": "2131-03-06T10:00:00Z",
        "capacity": 5,
        "title": "Yoga",
    }
    staff = as_("staff")
    made = send(staff, "sessions/", wish, key="one")
    assert made.status_code == 201, made.json()
    assert send(staff, "sessions/", wish, key="one").content == made.content
    session = Session.objects.get()
    shown = as_("anonymous").get(f"{API}{of(session)}").json()
    assert made.json() == shown
    assert (shown["title"], shown["remaining_seats"]) == ("Yoga", 5)
    moved = send(
        staff, of(session), {"start_at": "2131-03-06T12:00:00Z", "capacity": 3}, method="patch"
    )
    assert moved.json()["end_at"] == "2131-03-06T13:00:00Z"
    assert send(staff, of(session, "close/")).json()["remaining_seats"] == 0
    assert send(staff, of(session, "reopen/")).json()["remaining_seats"] == 3
    cancelled = send(staff, of(session, "cancel/"), {"reason": "ill", "refund": "full"}).json()
    assert (cancelled["status"], cancelled["cancellation_reason"]) == ("CANCELLED", "ill")
    # Clients see what is to come.
    for role, number in (("client", 0), ("staff", 1)):
        assert len(as_(role).get(f"{API}sessions/").json()["results"]) == number
    assert as_("client").get(f"{API}{of(session)}").status_code == 404
    for key in ("x", "9" * 30):
        assert staff.get(f"{API}sessions/{key}/").status_code == 404


def test_staff_need_the_permission_of_django(as_: As, session: Session, people: Any) -> None:
    people["other"].user_permissions.add(Permission.objects.get(codename="view_booking"))
    for address, method in (
        ("sessions/", "post"),
        (of(session), "patch"),
        (of(session, "attendance/"), "post"),
    ):
        assert send(as_("other"), address, method=method).json()["code"] == "permission_denied"


def test_sessions_are_filtered(as_: As, session: Session, make_service: Any) -> None:
    def found(**parameters: Any) -> int:
        response = as_("anonymous").get(f"{API}sessions/", parameters)
        assert response.status_code == 200, response.json()
        return len(response.json()["results"])

    assert found(service=session.service_id, status="SCHEDULED") == 1
    assert found(service=make_service().pk) == found(status="FINISHED") == 0
    assert found(start_from="2131-03-06T11:00:00Z") == 0


def test_a_client_books_seats_until_there_are_none(as_: As, session: Session, people: Any) -> None:
    booked = send(as_("client"), of(session, "seats/"), {"notes_client": "first time"})
    assert booked.status_code == 201, booked.json()
    assert Booking.objects.get().client_user == people["client"]
    assert as_("client").get(f"{API}{of(session)}").json()["remaining_seats"] == 1
    twice = send(as_("client"), of(session, "seats/"))
    assert (twice.status_code, twice.json()["code"]) == (409, "already_booked")
    too_many = send(as_("other"), of(session, "seats/"), {"seats": 2})
    assert (too_many.status_code, too_many.json()["params"]) == (409, {"remaining": 1})
    assert send(as_("staff"), of(session, "seats/"), {"client_name": "Kim"}).status_code == 201
    for role, number in (("client", 1), ("other", 0), ("provider", 2), ("staff", 2)):
        seats = as_(role).get(f"{API}{of(session, 'seats/')}").json()["results"]
        assert len(seats) == number


def test_who_comes_too_late_waits(as_: As, session: Session, people: Any) -> None:
    taken = send(as_("staff"), of(session, "seats/"), {"seats": 2, "client_name": "Kim"})
    assert taken.status_code == 201, taken.json()
    waits = send(as_("client"), of(session, "waitlist/"), {"client_phone": "123"})
    assert waits.status_code == 201, waits.json()
    for role, number in (("client", 1), ("other", 0), ("staff", 1)):
        entries = as_(role).get(f"{API}{of(session, 'waitlist/')}").json()["results"]
        assert len(entries) == number
    entry = f"waitlist-entries/{waits.json()['id']}/"
    assert as_("other").delete(f"{API}{entry}").status_code == 404
    assert send(as_("client"), f"{entry}promote/").json()["code"] == "permission_denied"
    full = send(as_("staff"), f"{entry}promote/")
    assert full.status_code == 409
    assert as_("client").delete(f"{API}{entry}").status_code == 204
    assert WaitlistEntry.objects.get().status == "LEFT"
    assert as_("client").delete(f"{API}waitlist-entries/x/").status_code == 404
    again = send(as_("client"), of(session, "waitlist/"))
    send(as_("staff"), f"bookings/{taken.json()['uuid']}/cancel/")
    assert WaitlistEntry.objects.get(pk=again.json()["id"]).status == "ACCEPTED"


def test_staff_give_a_free_seat_out_of_turn(as_: As, session: Session, people: Any) -> None:
    entry = WaitlistEntry.objects.create(
        session=session, client_name="Kim", client_email="kim@a.org", joined_at=NOW
    )
    promoted = send(as_("staff"), f"waitlist-entries/{entry.pk}/promote/")
    assert promoted.json()["status"] == "ACCEPTED"


def test_who_came_is_recorded_by_the_provider(as_: As, service: Any, provider: Any) -> None:
    started = create_session(
        service=service,
        provider=provider,
        start_at=timezone.now() - timedelta(minutes=5),
        allow_past=True,
    )
    before = timezone.now() - timedelta(hours=1)
    came, missed = (
        book_seat(started, client_name=name, client_email=f"{name}@a.org", now_dt=before)
        for name in "AB"
    )
    address = of(started, "attendance/")
    body = {"attended": [str(came.uuid)], "missed": [str(missed.uuid)]}
    assert send(as_("client"), address, body).status_code == 404
    assert send(as_("provider"), address, body).status_code == 200
    assert sorted(Booking.objects.values_list("status", flat=True)) == ["COMPLETED", "NO_SHOW"]
    strange = send(as_("staff"), address, {"attended": ["0" * 32]})
    assert (strange.status_code, strange.json()["code"]) == (422, "not_in_session")


def test_sessions_are_generated_in_business_hours(as_: As, service: Any, provider: Any) -> None:
    create_schedule(NINE_TO_FIVE, provider=provider)
    first, last = (timezone.now().date() + timedelta(days=days) for days in (1, 2))
    wish = {
        "service": service.pk,
        "provider": provider.pk,
        "start_date": str(first),
        "end_date": str(last),
        "slot_duration_minutes": 60,
        "capacity": 1,
    }
    generated = send(as_("staff"), "sessions/generate/", wish).json()
    assert generated == {"created": 16, "existing": 0, "conflicts": 0}
    assert send(as_("staff"), "sessions/generate/", wish).json()["existing"] == 16
    address = f"{API}sessions/available/?provider={provider.pk}"
    both = f"{address}&date_from={first}&date_to={last}"
    days = as_("anonymous").get(f"{both}&service={service.pk}").json()["days"]
    assert [(day["date"], len(day["sessions"])) for day in days] == [
        (str(first), 8),
        (str(last), 8),
    ]
    send(as_("client"), f"sessions/{days[0]['sessions'][0]['id']}/seats/")
    assert len(as_("client").get(both).json()["days"][0]["sessions"]) == 7
    wrong = as_("anonymous").get(address)
    assert {error["parameter"] for error in wrong.json()["errors"]} == {"date_from", "date_to"}
    response = as_("anonymous").get(f"{address}&date_from={last}&date_to={first}")
    assert response.json()["errors"][0]["code"] == "range_reversed"
