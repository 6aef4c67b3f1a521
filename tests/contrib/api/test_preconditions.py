"""A change is of the version that was read, which is judged under the lock."""

from __future__ import annotations

from typing import Any, Final

import pytest

from bookings.models import Booking
from bookings.services import update_booking
from tests.contrib.api.conftest import API, As, send

pytestmark = pytest.mark.django_db


def cancel(client: Any, booking: Booking, **headers: str) -> Any:
    return client.post(
        f"{API}bookings/{booking.uuid}/cancel/",
        {},
        format="json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def test_of_two_who_have_read_one_version_one_is_refused(as_: As, booking: Booking) -> None:
    address = f"bookings/{booking.uuid}/reschedule/"
    one, two = ({"start_at": f"2131-03-06T{hour}:00:00Z"} for hour in (12, 14))
    assert send(as_("client"), address, one, version='"1"').status_code == 200
    stale = send(as_("provider"), address, two, version='"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert stale.headers["ETag"] == '"2"'
    assert send(as_("provider"), address, two, version='"1", "2"').status_code == 200


def test_a_version_that_changes_after_it_was_compared_is_refused_too(
    as_: As, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.contrib.api.viewsets import booking_base

    compare = booking_base.expected_version

    def compare_and_lose(*args: Any) -> Any:
        version = compare(*args)
        update_booking(Booking.objects.get(pk=booking.pk), notes_client="meanwhile")
        return version

    monkeypatch.setattr(booking_base, "expected_version", compare_and_lose)
    stale = cancel(as_("client"), booking, If_Match='"1"')
    assert (stale.status_code, stale.headers["ETag"]) == (412, '"2"')


def test_a_booking_that_is_gone_has_no_version(
    as_: As, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.contrib.api.viewsets import booking_base

    compare = booking_base.expected_version

    def delete_and_compare(*args: Any) -> Any:
        Booking.objects.get(pk=booking.pk).delete()
        return compare(*args)

    monkeypatch.setattr(booking_base, "expected_version", delete_and_compare)
    stale = cancel(as_("client"), booking, If_Match='"0"')
    assert (stale.status_code, "ETag" in stale.headers) == (412, False)


TAGS: Final[list[tuple[str | None, int, str | None]]] = [
    ('W/"1"', 412, "stale"),
    ('"0"', 412, "stale"),
    ("1", 400, "invalid_header"),
    (None, 428, "precondition_required"),
    # The last, because the booking has another version afterwards.
    ("*", 200, None),
]


def test_which_tags_match(as_: As, booking: Booking) -> None:
    for version, status, code in TAGS:
        headers = {} if version is None else {"If_Match": version}
        response = cancel(as_("client"), booking, **headers)
        assert (response.status_code, response.json().get("code")) == (status, code)


def test_a_project_may_do_without(as_: As, booking: Booking, settings: Any) -> None:
    settings.BOOKINGS_API_REQUIRE_IF_MATCH = False
    assert cancel(as_("client"), booking).status_code == 200
    # Where it is sent, it counts.
    assert cancel(as_("client"), booking, If_Match='"1"').status_code == 412
