"""A request that is sent again is carried out once, and answered as the first time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.response import Response

from bookings.contrib.api.idempotency import OnceOnly
from bookings.contrib.api.models import StoredResponse
from bookings.contrib.api.policy import ApiPolicy
from bookings.exceptions import BookingConflict, IdempotencyKeyReused
from bookings.ledger.transactions import RetryTransaction
from bookings.models import Booking, BookingEvent
from bookings.services import anonymize_client, create_booking
from tests.contrib.api.conftest import API, As, send
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def wish(service: Any, provider: Any) -> dict[str, Any]:
    return {"service": service.pk, "provider": provider.pk, "start_at": "2131-03-06T10:00:00Z"}


def test_the_same_request_is_answered_as_the_first_time(as_: As, wish: Any) -> None:
    first = send(as_("client"), "bookings/", wish, key="one")
    # In another order, by another connection, after the booking has changed.
    send(as_("staff"), f"bookings/{first.json()['uuid']}/cancel/")
    again = send(as_("client"), "bookings/", dict(reversed(wish.items())), key="one")
    assert (again.status_code, again.content) == (201, first.content)
    for name in ("ETag", "Location"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert Booking.objects.count() == 1
    assert str(StoredResponse.objects.get(key="one")) == "one"


def test_a_key_belongs_to_one_request_of_one_user(as_: As, wish: Any, booking: Booking) -> None:
    address = f"bookings/{booking.uuid}/cancel/"
    assert send(as_("client"), address, {"reason": "ill"}, key="one").status_code == 200
    other = send(as_("client"), address, {"reason": "well"}, key="one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = send(as_("client"), "bookings/", wish, key="one")
    assert elsewhere.status_code == 422
    # To somebody else it is another key.
    assert send(as_("other"), "bookings/", wish, key="one").status_code == 201


def test_a_verb_is_repeated_although_the_version_is_another_by_now(
    as_: As, booking: Booking
) -> None:
    address = f"bookings/{booking.uuid}/reschedule/"
    body = {"start_at": "2131-03-06T12:00:00Z"}
    first = send(as_("client"), address, body, key="one", version='"1"')
    again = send(as_("client"), address, body, key="one", version='"1"')
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert booking.events.count() == 2


def test_a_refusal_is_not_stored(as_: As, wish: Any, booking: Booking) -> None:
    assert send(as_("other"), "bookings/", wish, key="one").status_code == 409
    send(as_("client"), f"bookings/{booking.uuid}/cancel/")
    assert send(as_("other"), "bookings/", wish, key="one").status_code == 201


def test_what_creates_something_needs_a_key(as_: As, wish: Any, settings: Any) -> None:
    client = as_("client")
    missing = client.post(f"{API}bookings/", wish, format="json")
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_required")
    for wrong in ("", "a b", "x" * 256, "schlüssel"):
        response = client.post(
            f"{API}bookings/", wish, format="json", headers={"Idempotency-Key": wrong}
        )
        assert (response.status_code, response.json()["code"]) == (400, "invalid_header")
    settings.BOOKINGS_API_REQUIRE_IDEMPOTENCY_KEY = False
    assert client.post(f"{API}bookings/", wish, format="json").status_code == 201
    assert not StoredResponse.objects.exists()


class Request:
    """A request of which only this matters."""

    method, path = "POST", "/"
    headers = {"Idempotency-Key": "one"}
    data: Any = {"b": 1, "a": 2}


class Other(Request):
    headers = {"Idempotency-Key": "two"}


def once() -> OnceOnly:
    return OnceOnly(Request(), "user:1", creates=True)  # type: ignore[arg-type]


def first_wins(waiting: OnceOnly, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another connection commit its answer just when this one looks for the second time."""
    look, looks = waiting.replay, 0

    def replay() -> Response | None:
        nonlocal looks
        looks += 1
        if looks == 1:
            once().run(lambda: (Response({"n": 1}, status=201), None))
        return look()

    monkeypatch.setattr(waiting, "replay", replay)


def test_who_loses_to_the_first_one_has_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = once()
    first_wins(waiting, monkeypatch)

    def lose() -> Any:
        raise BookingConflict("It is taken by the first one.")

    assert waiting.run(lose).data == {"n": 1}
    with pytest.raises(BookingConflict):
        OnceOnly(Other(), "user:1", creates=True).run(lose)  # type: ignore[arg-type]


def test_who_comes_second_undoes_what_it_did(
    service: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = once()
    first_wins(waiting, monkeypatch)

    def book() -> tuple[Response, Booking]:
        booking = create_booking(
            service=service, provider=provider, client_name="Kim", start_at=at(10), now_dt=NOW
        )
        return Response({"n": 2}, status=201), booking

    def store_too_late(response: Response, booking: Booking | None) -> None:
        raise RetryTransaction("bookings_api_key")

    monkeypatch.setattr(waiting, "_store", store_too_late)
    answer = waiting.run(book)
    assert (answer.data, answer.headers["Idempotency-Replayed"]) == ({"n": 1}, "true")
    assert not Booking.objects.exists()


def test_a_key_is_unique_to_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does not see the stored answer is refused in the end."""
    once().run(lambda: (Response({"n": 1}, status=201), None))
    waiting = once()
    monkeypatch.setattr(waiting, "replay", lambda: None)
    with pytest.raises(IdempotencyKeyReused):
        waiting.run(lambda: (Response({"n": 2}, status=201), None))


def test_the_answer_is_stored_with_the_change_or_not_at_all(
    as_: As, wish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_("client")
    client.raise_request_exception = False

    def fail(*args: Any) -> None:
        raise RuntimeError("The worker dies.")

    with monkeypatch.context() as patched:
        patched.setattr(OnceOnly, "_store", fail)
        assert send(client, "bookings/", wish, key="one").status_code == 500
    assert not Booking.objects.exists()
    assert send(client, "bookings/", wish, key="one").status_code == 201
    assert BookingEvent.objects.count() == 1


def test_old_keys_are_purged(as_: As, wish: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        body = wish | {"start_at": f"2131-03-06T1{number}:00:00Z"}
        send(as_("client"), "bookings/", body, key=str(number))
    old = StoredResponse.objects.filter(key="0")
    old.update(created_at=timezone.now() - timedelta(hours=25))
    with pytest.raises(CommandError):
        call_command("purge_idempotency_keys", hours=23)
    call_command("purge_idempotency_keys")
    assert capsys.readouterr().out == "1 key deleted.\n"
    assert [stored.key for stored in StoredResponse.objects.all()] == ["1"]


def test_who_is_erased_is_erased_from_the_answers(as_: As, wish: Any, people: Any) -> None:
    send(as_("client"), "bookings/", wish)
    assert anonymize_client(user=people["client"], dry_run=True) == 2
    anonymize_client(user=people["client"])
    assert not StoredResponse.objects.exists()


def test_what_a_booking_costs(as_: As, wish: Any, service: Any, provider: Any) -> None:
    """How many statements more than the service takes."""
    client = as_("client")
    send(client, "bookings/", wish)
    with CaptureQueriesContext(connection) as of_service:
        create_booking(
            service=service, provider=provider, start_at=at(12), client_name="Kim", now_dt=NOW
        )
    with CaptureQueriesContext(connection) as of_api:
        assert (
            send(client, "bookings/", wish | {"start_at": "2131-03-06T14:00Z"}).status_code == 201
        )
    # The session, the user, two for permissions, the stored answer, the service, the provider, the
    # providers of the user, the answer to store, and the savepoint of the transaction.
    assert len(of_api) - len(of_service) <= 11


class Open(ApiPolicy):
    """Anybody may hold time."""

    def allows(self, verb: str, booking: Booking | None = None) -> bool:
        return verb == "hold" or super().allows(verb, booking)


def test_nobody_is_answered_as_somebody_else(as_: As, wish: Any, settings: Any) -> None:
    settings.BOOKINGS_API_POLICY = f"{__name__}.Open"
    first = send(as_("anonymous"), "holds/", wish, key="one")
    assert first.status_code == 201, first.json()
    # Who does not see the booking later is shown what anybody may see.
    assert first.json()["client_name"] == ""
    assert send(as_("anonymous"), "holds/", wish, key="one").content == first.content
    elsewhere = as_("anonymous")
    elsewhere.defaults["REMOTE_ADDR"] = "192.0.2.7"
    assert send(elsewhere, "holds/", wish, key="one").json()["code"] == "conflict"
    assert set(StoredResponse.objects.values_list("principal", flat=True)) == {"address:127.0.0.1"}
