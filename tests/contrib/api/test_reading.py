"""Who sees what: rows, fields, events; conditional requests; parameters that there are not."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.api.pagination import encode_cursor
from bookings.contrib.api.policy import STAFF_FIELDS, ApiPolicy, Role
from bookings.models import Booking
from bookings.services import add_note, create_booking, update_booking
from tests.contrib.api.conftest import API, As
from tests.core.conftest import Book
from tests.core.moments import at

pytestmark = pytest.mark.django_db


def uuids(response: Any) -> list[str]:
    assert response.status_code == 200, response.json()
    return [row["uuid"] for row in response.json()["results"]]


@pytest.mark.parametrize(
    ("role", "is_seen"), [("client", True), ("other", False), ("provider", True), ("staff", True)]
)
def test_who_sees_a_booking(as_: As, booking: Booking, role: str, is_seen: bool) -> None:
    client = as_(role)
    found = client.get(f"{API}bookings/{booking.uuid}/")
    assert found.status_code == (200 if is_seen else 404)
    assert uuids(client.get(f"{API}bookings/")) == [str(booking.uuid)] * is_seen
    if is_seen:
        assert (found.json().keys() >= STAFF_FIELDS) == (role == "staff")
        assert not STAFF_FIELDS & found.json().keys() or role == "staff"


def test_a_hidden_booking_is_answered_as_one_that_does_not_exist(as_: As, booking: Booking) -> None:
    client = as_("other")
    hidden = client.get(f"{API}bookings/{booking.uuid}/")
    absent = client.get(f"{API}bookings/{uuid4()}/")
    malformed = client.get(f"{API}bookings/17/")
    assert hidden.content == absent.content == malformed.content
    assert hidden.headers == absent.headers


def test_nobody_lists_bookings_without_logging_in(as_: As, booking: Booking) -> None:
    for address in ("bookings/", f"bookings/{booking.uuid}/", f"bookings/{booking.uuid}/events/"):
        response = as_("anonymous").get(API + address)
        # Sessions come first in this project, and have no scheme to answer with.
        assert response.status_code == 403
        assert response.json()["code"] == "not_authenticated"


def test_instants_are_utc_and_amounts_are_text(as_: As, booking: Booking) -> None:
    shown = as_("client").get(f"{API}bookings/{booking.uuid}/").json()
    assert shown["start_at"] == "2131-03-06T10:00:00Z"
    assert shown["service"] == booking.service_id
    assert shown["version"] == 1


def test_a_version_that_is_known_is_not_sent_again(as_: As, booking: Booking) -> None:
    client, address = as_("client"), f"{API}bookings/{booking.uuid}/"
    etag = client.get(address).headers["ETag"]
    assert etag == '"1"'
    for known in (etag, f"W/{etag}", f'"0", {etag}', "*"):
        response = client.get(address, headers={"If-None-Match": known})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["ETag"] == etag
        assert "private" in response.headers["Cache-Control"]
        assert "Authorization" in response.headers["Vary"]
    update_booking(booking, notes_client="by the window")
    assert client.get(address, headers={"If-None-Match": etag}).headers["ETag"] == '"2"'
    broken = client.get(address, headers={"If-None-Match": "1"})
    assert (broken.status_code, broken.json()["code"]) == (400, "invalid_header")


def test_the_lists_are_by_time(as_: As, book: Book, people: Any, settings: Any) -> None:
    past = book(timezone.now() - timedelta(days=30), client_user=people["client"], allow_past=True)
    late, soon = (book(at(hour), client_user=people["client"]) for hour in (15, 11))
    strangers = book(at(17))
    client = as_("client")
    every = [str(each.uuid) for each in (late, soon, past)]
    assert uuids(client.get(f"{API}bookings/")) == every
    assert uuids(client.get(f"{API}bookings/upcoming/")) == every[1::-1]
    assert uuids(client.get(f"{API}bookings/history/")) == every[2:]
    assert uuids(client.get(f"{API}bookings/provider/")) == []
    with_ada = uuids(as_("provider").get(f"{API}bookings/provider/"))
    assert with_ada == [str(strangers.uuid), *every]


def test_bookings_are_filtered(
    as_: As, booking: Booking, make_service: Any, other_provider: Any
) -> None:
    other = create_booking(
        service=make_service(requires_approval=True),
        provider=other_provider,
        start_at=at(12),
        client_name="Kim",
    )
    client = as_("staff")

    def found(**parameters: Any) -> set[str]:
        return set(uuids(client.get(f"{API}bookings/", parameters)))

    one, two = {str(booking.uuid)}, {str(other.uuid)}
    assert found(status="CONFIRMED") == found(service=booking.service_id) == one
    assert found(status=["CONFIRMED", "PENDING"]) == one | two
    assert found(provider=[other_provider.pk]) == found(reference=other.reference) == two
    assert found(client=booking.client_user_id) == one
    assert found(start_from="2131-03-06T11:00:00Z") == two
    assert found(start_before="2131-03-06T12:00:00+01:00") == one
    # The clock of this one is ahead.
    assert found(updated_since="2131-01-01T00:00:00Z") == one


WRONG_PARAMETERS: Final[list[tuple[dict[str, str], str, str]]] = [
    ({"colour": "red"}, "colour", "unknown_parameter"),
    ({"status": "LOST"}, "status", "invalid_choice"),
    ({"provider": "Ada"}, "provider", "invalid"),
    ({"start_from": "2131-03-06T11:00:00"}, "start_from", "invalid"),
    ({"start_from": "2131-13-06T11:00:00Z"}, "start_from", "invalid"),
    ({"start_from": ""}, "", ""),
    ({"limit": "0"}, "limit", "invalid"),
    ({"limit": "201"}, "limit", "invalid"),
    ({"ordering": "client_name"}, "ordering", "invalid"),
    ({"count": "yes"}, "count", "invalid"),
    ({"cursor": "~"}, "cursor", "invalid"),
    ({"cursor": "e30="}, "cursor", "invalid"),
    # One of another list, an instant without its offset, and a key that no database knows.
    ({"cursor": encode_cursor(["pk", "1"])}, "cursor", "invalid"),
    ({"cursor": encode_cursor(["-start_at", "2131-03-06T10:00", "1"])}, "cursor", "invalid"),
    (
        {"cursor": encode_cursor(["-start_at", "2131-03-06T10:00Z", "9" * 30])},
        "cursor",
        "invalid",
    ),
    ({"cursor": "WyJzdGFydF9hdCJd"}, "cursor", "invalid"),
]


def test_a_parameter_that_is_wrong_is_refused(as_: As) -> None:
    client = as_("client")
    for parameters, name, code in WRONG_PARAMETERS:
        response = client.get(f"{API}bookings/", parameters)
        if not name:
            assert response.status_code == 200
            continue
        assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
        [error] = response.json()["errors"]
        assert (error["parameter"], error["code"]) == (name, code)


def test_a_single_booking_has_no_parameters(as_: As, booking: Booking) -> None:
    response = as_("client").get(f"{API}bookings/{booking.uuid}/?fields=uuid")
    assert response.status_code == 400


def test_the_history_says_to_each_what_is_theirs(as_: As, booking: Booking) -> None:
    update_booking(booking, notes_internal="pays early")
    add_note(booking, "Called twice")
    add_note(booking, "Bring a towel", for_client=True)
    address = f"{API}bookings/{booking.uuid}/events/"
    shown = as_("client").get(address).json()["results"]
    assert [(each["type"], each["message"], each["data"]) for each in shown] == [
        ("CREATED", "", shown[0]["data"]),
        ("UPDATED", "", {}),
        ("NOTE_ADDED", "Bring a towel", {}),
    ]
    assert "actor" not in shown[0]
    every = as_("staff").get(address).json()["results"]
    assert [each["message"] for each in every] == ["", "", "Called twice", "Bring a towel"]
    assert every[1]["data"]["new_notes_internal"] == "pays early"
    assert every[0]["actor"] is None
    assert as_("other").get(address).status_code == 404


def test_answers_for_staff_are_not_shown_to_the_client(
    as_: As, book: Book, make_service: Any, people: Any
) -> None:
    asking = make_service(
        questions=[
            {"name": "size", "label": "Size", "type": "choice", "choices": ["S", "M"]},
            {"name": "seen", "label": "Card seen", "type": "boolean", "for": "staff"},
        ]
    )
    booked = book(service=asking, client_user=people["client"], answers={"size": "M", "seen": True})
    address = f"{API}bookings/{booked.uuid}/"

    def names(role: str) -> list[str]:
        return [answer["name"] for answer in as_(role).get(address).json()["answers"]]

    assert names("client") == ["size"]
    assert names("provider") == names("staff") == ["size", "seen"]
    [question] = as_("anonymous").get(f"{API}services/{asking.pk}/").json()["questions"]
    assert question["choices"][1] == {"value": "M", "label": "M"}


@pytest.mark.parametrize("what", ["services", "providers"])
def test_anybody_sees_what_can_be_booked(
    as_: As, service: Any, provider: Any, make_service: Any, what: str
) -> None:
    shown_one = service if what == "services" else provider
    gone = type(shown_one).objects.create(name="Gone", is_active=False)
    client = as_("anonymous")
    [shown] = client.get(f"{API}{what}/").json()["results"]
    assert (shown["id"], shown["name"]) == (shown_one.pk, shown_one.name)
    # The provider's model has none.
    assert ("timezone" in shown) is False
    assert client.get(f"{API}{what}/{shown_one.pk}/").json() == shown
    for key in (gone.pk, "x", 2**70):
        assert client.get(f"{API}{what}/{key}/").status_code == 404
    assert client.post(f"{API}{what}/").json()["code"] == "method_not_allowed"
    assert client.options(f"{API}{what}/").status_code == 405


def test_the_providers_of_a_user_are_those_that_the_adapter_says(
    people: Any, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Any model with a user: the providers of these tests have none.
    entry = LogEntry.objects.create(user=people["provider"], action_flag=1)
    request: Any = SimpleNamespace(user=people["provider"])
    assert ApiPolicy(request).own_providers == frozenset()
    found = LogEntry.objects.filter(pk=entry.pk)
    monkeypatch.setattr(DefaultBookingAdapter, "own_providers", lambda self, user: found)
    assert ApiPolicy(request).own_providers == {entry.pk}


def test_nobody_is_client_or_staff_of_anything(booking: Booking) -> None:
    policy = ApiPolicy(SimpleNamespace(user=AnonymousUser()))  # type: ignore[arg-type]
    assert not policy.bookings().exists()
    assert policy.role_for(booking) is Role.ANONYMOUS
    assert not policy.allows("view", booking)


def test_pages_of_a_history(as_: As, booking: Booking) -> None:
    for number in range(3):
        add_note(booking, f"Note {number}", for_client=True)
    client, address = as_("client"), f"{API}bookings/{booking.uuid}/events/?ordering=-pk&limit=2"
    first = client.get(address).json()
    second = client.get(first["next"]).json()
    messages = [each["message"] for each in first["results"] + second["results"]]
    assert messages == ["Note 2", "Note 1", "Note 0", ""]
    assert second["next"] is None


def test_who_may_not_is_refused(as_: As, booking: Booking, settings: Any) -> None:
    settings.BOOKINGS_API_POLICY = f"{__name__}.Silent"
    client = as_("client")
    for address in ("bookings/", f"bookings/{booking.uuid}/"):
        response = client.get(API + address)
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


class Silent(ApiPolicy):
    """Shows nothing that it could."""

    def allows(self, verb: str, booking: Booking | None = None) -> bool:
        return verb == "retrieve" and booking is None


def test_a_longer_list_makes_no_more_queries(as_: As, book: Book, people: Any) -> None:
    client = as_("client")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(f"{API}bookings/")
        return len(captured)

    book(at(1), client_user=people["client"])
    first = queries()
    for hour in range(2, 9):
        book(at(hour), client_user=people["client"])
    assert queries() == first


def test_pages_are_walked_while_rows_come_and_go(as_: As, book: Book, people: Any) -> None:
    stable = [str(book(at(hour), client_user=people["client"]).uuid) for hour in range(12)]
    client = as_("client")
    address: str | None = f"{API}bookings/?limit=3&ordering=start_at&count=true"
    seen: list[str] = []
    for minute in range(9):
        if address is None:
            break
        response = client.get(address)
        seen += uuids(response)
        address = response.json()["next"]
        # A row before the cursor, and one that is deleted again.
        coming = book(at(0, 0, day=7 + minute), client_user=people["client"], allow_past=True)
        if minute % 2:
            coming.delete()
    assert [each for each in seen if each in stable] == stable
    assert len(seen) == len(set(seen))
    assert response.json()["count"] >= 12
    assert client.get(f"{API}bookings/?limit=12&ordering=created_at").json()["next"]


def test_rows_with_one_start_are_on_one_page_each(
    as_: As, book: Book, group_service: Any, people: Any
) -> None:
    for number in range(3):
        book(service=group_service, client_name=f"Guest {number}", client_email=f"{number}@a.org")
    client, address = as_("staff"), f"{API}bookings/?limit=1"
    seen = []
    for _number in range(3):
        response = client.get(address)
        seen += uuids(response)
        address = response.json()["next"]
    assert address is None
    assert len(set(seen)) == 3
