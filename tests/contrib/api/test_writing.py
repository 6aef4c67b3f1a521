"""Bookings are made and changed over HTTP by the services, in the role of who asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from bookings.models import Booking, BookingEvent
from bookings.services import create_booking, hold_booking
from tests.contrib.api.conftest import API, As, send
from tests.core.conftest import Book
from tests.core.moments import at

pytestmark = pytest.mark.django_db

TEN = "2131-03-06T10:00:00Z"


@pytest.fixture
def wish(service: Any, provider: Any) -> dict[str, Any]:
    return {"service": service.pk, "provider": provider.pk, "start_at": TEN}


def test_a_client_books(as_: As, wish: Any, people: Any) -> None:
    response = send(as_("client"), "bookings/", wish | {"notes_client": "By the window"})
    assert response.status_code == 201, response.json()
    booking = Booking.objects.get()
    assert response.headers["Location"] == f"http://testserver{API}bookings/{booking.uuid}/"
    assert response.headers["ETag"] == '"1"'
    assert response.json() == as_("client").get(response.headers["Location"]).json()
    assert (booking.client_user, booking.created_by) == (people["client"],) * 2
    assert (booking.client_name, booking.client_email) == ("joan", "joan@example.com")


def test_staff_book_for_somebody(as_: As, wish: Any, people: Any) -> None:
    told = {"client_name": "Kim", "client_user": people["other"].pk, "notes_internal": "pays late"}
    response = send(as_("staff"), "bookings/", wish | told)
    assert response.status_code == 201, response.json()
    assert told.items() <= response.json().items()
    assert response.json()["created_by"] == people["staff"].pk
    # Nobody is the client by default.
    nameless = send(as_("staff"), "bookings/", wish)
    assert [error["pointer"] for error in nameless.json()["errors"]] == ["/client_name"]


def test_staff_who_may_not_add_bookings_book_as_clients(as_: As, wish: Any, people: Any) -> None:
    people["other"].user_permissions.add(Permission.objects.get(codename="view_booking"))
    refused = send(as_("other"), "bookings/", wish | {"override_policy": True})
    assert [error["code"] for error in refused.json()["errors"]] == ["not_writable"]


def test_any_provider_and_any_of_some(
    as_: As, wish: Any, provider: Any, other_provider: Any, addon: Any
) -> None:
    client = as_("staff")
    del wish["provider"]
    wish["client_name"] = "Kim"
    first = send(client, "bookings/", wish | {"addons": [addon.pk]}).json()
    pool = {"any_of": [provider.pk, other_provider.pk], "strategy": "least_busy"}
    second = send(client, "bookings/", wish | {"provider": pool}).json()
    assert {first["provider"], second["provider"]} == {provider.pk, other_provider.pk}
    assert first["addons"] == [
        {
            "addon": addon.pk,
            "name": "Hot stones",
            "extra_duration_minutes": 15,
            "price_amount": "10.00",
            "currency": "USD",
        }
    ]
    third = send(client, "bookings/", wish | {"provider": pool})
    assert (third.status_code, third.json()["code"]) == (409, "pool_exhausted")
    reasons = [code["code"] for _provider, code in third.json()["params"]["refusals"]]
    assert reasons == ["conflict", "conflict"]
    moved = send(
        client,
        f"bookings/{second['uuid']}/reschedule/",
        {"start_at": "2131-03-06T12:00:00Z", "resources": [first["provider"]]},
    ).json()
    assert [each["provider"] for each in moved["resources"]] == [first["provider"]]


WRONG_VALUES: Final[list[tuple[dict[str, Any], int, str, str]]] = [
    ({"start_at": None}, 422, "/start_at", "null"),
    ({"start_at": "2131-03-06T10:00:00"}, 422, "/start_at", "naive_datetime"),
    ({"start_at": "2020-03-06T10:00:00Z"}, 409, "/start_at", "past_start"),
    ({"service": 0}, 422, "/service", "does_not_exist"),
    ({"provider": "Ada"}, 422, "/provider", "does_not_exist"),
    ({"provider": {"any_of": []}}, 422, "/provider", "invalid_pool"),
    ({"provider": {"any_of": [1], "strategy": "best"}}, 422, "/provider", "invalid_pool"),
    ({"provider": {"any_of": [2**80]}}, 422, "/provider", "does_not_exist"),
    ({"addons": [0]}, 422, "/addons", "unknown_addon"),
    ({"addons": [True]}, 422, "/addons/0", "invalid"),
    ({"party_size": 2}, 422, "/party_size", "party_size"),
    ({"client_timezone": "Mars"}, 422, "/client_timezone", "invalid"),
    ({"client_user": 1}, 422, "/client_user", "does_not_exist"),
    ({"override_policy": True}, 422, "/override_policy", "not_writable"),
    ({"status": "CONFIRMED"}, 422, "/status", "unknown_field"),
    ({"answers": {"size": "M"}}, 422, "/answers/size", "invalid_answers"),
]


def test_a_wrong_value_is_named(as_: As, wish: Any) -> None:
    client = as_("client")
    for wrong, status, pointer, code in WRONG_VALUES:
        response = send(client, "bookings/", wish | wrong)
        assert response.status_code == status, response.json()
        errors = response.json()["errors"]
        assert [(each["pointer"], each["code"]) for each in errors] == [(pointer, code)]
    assert not Booking.objects.exists()


def test_a_body_is_json(as_: As, wish: Any) -> None:
    client = as_("client")
    headers = {"Idempotency-Key": "1"}
    broken = client.post(f"{API}bookings/", "{", content_type="application/json", headers=headers)
    assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
    form = client.post(f"{API}bookings/", wish, format="multipart", headers=headers)
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")


def test_taken_time_is_a_conflict(as_: As, booking: Booking, wish: Any) -> None:
    response = send(as_("other"), "bookings/", wish)
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


def test_a_hold_is_submitted(as_: As, wish: Any, make_service: Any) -> None:
    wish["service"] = make_service(requires_approval=True).pk
    client = as_("client")
    held = send(client, "holds/", wish | {"hold_minutes": 5}).json()
    assert (held["status"], held["is_hold"]) == ("PENDING", True)
    address = f"bookings/{held['uuid']}/"
    longer = send(client, f"{address}extend/", {"minutes": 50}).json()
    assert longer["expires_at"] > held["expires_at"]
    asked = send(client, f"{address}submit/", {"client_phone": "+49 30 1234"}).json()
    assert (asked["is_hold"], asked["client_phone"]) == (False, "+49 30 1234")
    assert send(as_("provider"), f"{address}accept/").json()["status"] == "CONFIRMED"


def test_a_request_is_declined_and_reopened(as_: As, book: Book, make_service: Any) -> None:
    asked = book(service=make_service(requires_approval=True))
    address = f"bookings/{asked.uuid}/"
    declined = send(as_("provider"), f"{address}decline/", {"reason": "ill"}).json()
    assert (declined["status"], declined["cancellation_reason"]) == ("DECLINED", "ill")
    assert send(as_("staff"), f"{address}reopen/").json()["status"] == "PENDING"
    assert send(as_("staff"), f"{address}confirm/").json()["status"] == "CONFIRMED"


def test_a_booking_is_moved_and_cancelled_by_either_side(as_: As, booking: Booking) -> None:
    address = f"bookings/{booking.uuid}/"
    later = "2131-03-06T12:00:00Z"
    assert send(as_("client"), f"{address}reschedule/", {"start_at": later}).status_code == 200
    refused = send(as_("provider"), f"{address}cancel/", {"by": "client"})
    assert refused.json()["errors"][0]["code"] == "not_writable"
    cancelled = send(as_("provider"), f"{address}cancel/", {"reason": "ill"}).json()
    assert cancelled["status"] == "CANCELLED"
    events = booking.events.order_by("pk")
    assert [event.data.get("by") for event in events] == [None, None, "provider"]
    # A verb that is repeated changes nothing.
    again = send(as_("client"), f"{address}cancel/").json()
    assert again == {name: cancelled[name] for name in again}


def test_what_the_rules_forbid_staff_override(as_: As, book: Book, people: Any) -> None:
    soon = book(timezone.now() + timedelta(minutes=5), client_user=people["client"], now_dt=None)
    Booking._base_manager.filter(pk=soon.pk).update(cancellation_notice_minutes=60)
    address = f"bookings/{soon.uuid}/cancel/"
    refused = send(as_("client"), address)
    assert (refused.status_code, refused.json()["code"]) == (409, "notice_window")
    assert send(as_("staff"), address, {"override_policy": True}).status_code == 200


def test_both_sides_complete(as_: As, make_service: Any, provider: Any, people: Any) -> None:
    booked = create_booking(
        service=make_service(two_sided_completion=True),
        provider=provider,
        start_at=timezone.now() - timedelta(hours=3),
        client_name="Joan",
        client_user=people["client"],
        allow_past=True,
    )
    address = f"bookings/{booked.uuid}/"
    assert send(as_("provider"), f"{address}deliver/", {"message": "Done"}).status_code == 200
    assert send(as_("client"), f"{address}dispute/").status_code == 422
    disputed = send(as_("client"), f"{address}dispute/", {"reason": "Not yet"}).json()
    assert disputed["status"] == "CONFIRMED"
    send(as_("provider"), f"{address}deliver/")
    assert send(as_("client"), f"{address}complete/").json()["status"] == "COMPLETED"
    assert send(as_("provider"), f"{address}no-show/").json()["status"] == "NO_SHOW"


def test_seats_are_given_back(as_: As, book: Book, group_service: Any, people: Any) -> None:
    booked = book(service=group_service, party_size=3, client_user=people["client"])
    address = f"bookings/{booked.uuid}/party-size/"
    assert send(as_("client"), address, {"party_size": 2}).json()["party_size"] == 2
    too_many = send(as_("client"), address, {"party_size": 9})
    assert (too_many.status_code, too_many.json()["params"]) == (409, {"remaining": 3})
    assert too_many.json()["errors"][0]["pointer"] == "/party_size"


def test_details_are_patched(as_: As, booking: Booking) -> None:
    address = f"bookings/{booking.uuid}/"
    client, staff = as_("client"), as_("staff")
    mine = send(client, address, {"client_phone": "123"}, method="patch").json()
    assert mine["client_phone"] == "123"
    assert send(client, address, {"metadata": {}}, method="patch").status_code == 422
    merged = send(staff, address, {"metadata": {"a": 1, "source": None}}, method="patch")
    assert merged.json()["metadata"] == {"a": 1}
    both = {"metadata": {"b": {"c": 2}}, "location": "Room 5", "override_policy": True}
    shown = send(staff, address, both, method="patch").json()
    assert (shown["metadata"], shown["location"]) == ({"a": 1, "b": {"c": 2}}, "Room 5")
    placed = send(as_("provider"), address, {"location": "Room 6"}, method="patch").json()
    assert placed["location"] == "Room 6"
    for name in ("start_at", "status"):
        refused = send(staff, address, {name: TEN}, method="patch")
        assert refused.json()["errors"][0]["code"] == "unknown_field"


def test_answers_are_patched_by_those_who_are_asked(
    as_: As, book: Book, make_service: Any, people: Any
) -> None:
    asking = make_service(
        questions=[
            {"name": "size", "label": "Size"},
            {"name": "seen", "label": "Card seen", "type": "boolean", "for": "staff"},
        ]
    )
    booked = book(service=asking, client_user=people["client"], answers={"size": "M"})
    address = f"bookings/{booked.uuid}/"
    refused = send(as_("client"), address, {"answers": {"seen": True}}, method="patch").json()
    assert refused["errors"] == [
        {
            "pointer": "/answers/seen",
            "code": "unknown_question",
            "detail": "The service does not ask this.",
        }
    ]
    shown = send(as_("provider"), address, {"answers": {"seen": True}}, method="patch").json()
    assert [answer["name"] for answer in shown["answers"]] == ["size", "seen"]
    without = send(as_("client"), address, {"answers": {"size": None}}, method="patch").json()
    assert without["answers"] == []


def test_notes_are_for_staff_or_for_the_client(as_: As, booking: Booking) -> None:
    address = f"bookings/{booking.uuid}/notes/"
    assert send(as_("provider"), address, {"message": "Late"}).status_code == 200
    send(as_("staff"), address, {"message": "Bring a towel", "for_client": True})
    [note] = BookingEvent.objects.notes_for_client()
    assert note.message == "Bring a towel"


PATHS: Final[list[tuple[list[str], int]]] = [
    (["CONFIRMED", "CANCELLED", "CONFIRMED"], 200),
    (["DECLINED", "PENDING"], 200),
    (["CONFIRMED", "DELIVERED"], 409),
    (["CONFIRMED", "COMPLETED"], 409),
    (["CONFIRMED", "NO_SHOW"], 409),
    (["CONFIRMED", "LOST"], 422),
]


def test_a_status_is_reached_by_the_verb_that_leads_there(
    as_: As, book: Book, make_service: Any
) -> None:
    staff, asking = as_("staff"), make_service(requires_approval=True)
    for hour, (path, last) in enumerate(PATHS):
        booked = book(at(hour), service=asking)
        address = f"bookings/{booked.uuid}/update_status/"
        responses = [
            send(staff, address, {"status": status, "reason": "so"}, method="patch")
            for status in path
        ]
        codes = [response.status_code for response in responses]
        assert codes == [200] * (len(path) - 1) + [last]
        if last == 200:
            assert responses[-1].json()["status"] == path[-1]
    assert send(staff, address, [], method="patch").status_code == 422


def test_a_disputed_booking_is_confirmed_again(as_: As, make_service: Any, provider: Any) -> None:
    booked = create_booking(
        service=make_service(two_sided_completion=True),
        provider=provider,
        start_at=timezone.now() - timedelta(hours=3),
        client_name="Joan",
        allow_past=True,
    )
    address = f"bookings/{booked.uuid}/update_status/"
    for status in ("DELIVERED", "CONFIRMED"):
        body = {"status": status, "reason": "Not yet"}
        response = send(as_("staff"), address, body, method="patch")
        assert response.json()["status"] == status


def test_a_hold_may_have_no_client_yet(as_: As, service: Any, provider: Any) -> None:
    held = hold_booking(service=service, provider=provider, start_at=at(10))
    address = f"bookings/{held.uuid}/confirm/"
    nameless = send(as_("staff"), address)
    assert (nameless.status_code, nameless.json()["code"]) == (422, "no_client")
    assert send(as_("staff"), address, {"client_name": "Kim"}).status_code == 200
