"""Who may do what: every address and method has a row, or the test fails."""

from __future__ import annotations

from typing import Any, Final

import pytest
from django.urls import reverse

from bookings.contrib.api.routers import BookingsRouter
from bookings.contrib.group_sessions.models import WaitlistEntry
from bookings.contrib.group_sessions.services import create_session
from bookings.contrib.schedule.services import add_closures, create_schedule, take_time_off
from bookings.models import Booking
from tests.contrib.api.conftest import As
from tests.core.moments import NOW, at

ROLES: Final = ("anonymous", "other", "client", "provider", "staff")
EVERYBODY: Final = frozenset(ROLES)
LOGGED_IN: Final = EVERYBODY - {"anonymous"}
INVOLVED: Final = frozenset({"client", "provider", "staff"})
AT_WORK: Final = frozenset({"provider", "staff"})

MATRIX: Final[dict[tuple[str, str], frozenset[str]]] = {
    ("services-list", "get"): EVERYBODY,
    ("services-detail", "get"): EVERYBODY,
    ("providers-list", "get"): EVERYBODY,
    ("providers-detail", "get"): EVERYBODY,
    ("availability-list", "get"): EVERYBODY,
    ("availability-days", "get"): EVERYBODY,
    ("availability-next", "get"): EVERYBODY,
    ("sessions-list", "get"): EVERYBODY,
    ("sessions-list", "post"): frozenset({"staff"}),
    ("sessions-detail", "get"): EVERYBODY,
    ("sessions-detail", "patch"): frozenset({"staff"}),
    ("sessions-available", "get"): EVERYBODY,
    ("sessions-generate", "post"): frozenset({"staff"}),
    ("sessions-close", "post"): frozenset({"staff"}),
    ("sessions-reopen", "post"): frozenset({"staff"}),
    ("sessions-cancel", "post"): frozenset({"staff"}),
    ("sessions-attendance", "post"): AT_WORK,
    ("sessions-seats", "get"): LOGGED_IN,
    ("sessions-seats", "post"): LOGGED_IN,
    ("sessions-waitlist", "get"): LOGGED_IN,
    ("sessions-waitlist", "post"): LOGGED_IN,
    ("waitlist-entries-detail", "delete"): frozenset({"client", "staff"}),
    ("waitlist-entries-promote", "post"): frozenset({"staff"}),
    # Whose time somebody manages, the body says, or which rows they are shown.
    ("business-hours-list", "get"): LOGGED_IN,
    ("business-hours-bulk-create", "post"): LOGGED_IN,
    ("closures-list", "get"): LOGGED_IN,
    ("closures-list", "post"): LOGGED_IN,
    ("closures-detail", "delete"): AT_WORK,
    ("time-off-list", "get"): LOGGED_IN,
    ("time-off-list", "post"): LOGGED_IN,
    ("time-off-move", "post"): AT_WORK,
    ("time-off-detail", "delete"): AT_WORK,
    ("bookings-list", "get"): LOGGED_IN,
    ("bookings-list", "post"): LOGGED_IN,
    ("bookings-batch-list", "post"): frozenset({"staff"}),
    ("bookings-upcoming", "get"): LOGGED_IN,
    ("bookings-history", "get"): LOGGED_IN,
    ("bookings-provider", "get"): LOGGED_IN,
    ("holds-list", "post"): LOGGED_IN,
    ("bookings-detail", "get"): INVOLVED,
    ("bookings-detail", "patch"): INVOLVED,
    ("bookings-events", "get"): INVOLVED,
    ("bookings-payments", "get"): INVOLVED,
    ("bookings-payments", "post"): frozenset({"staff"}),
    ("bookings-refunds", "get"): INVOLVED,
    ("bookings-confirm", "post"): AT_WORK,
    ("bookings-accept", "post"): AT_WORK,
    ("bookings-decline", "post"): AT_WORK,
    ("bookings-submit", "post"): frozenset({"client", "staff"}),
    ("bookings-extend", "post"): frozenset({"client", "staff"}),
    ("bookings-reschedule", "post"): INVOLVED,
    ("bookings-party-size", "post"): INVOLVED,
    ("bookings-cancel", "post"): INVOLVED,
    ("bookings-deliver", "post"): AT_WORK,
    ("bookings-dispute", "post"): frozenset({"client", "staff"}),
    # A client confirms what was delivered, where the completion is two-sided.
    ("bookings-complete", "post"): AT_WORK,
    ("bookings-no-show", "post"): AT_WORK,
    ("bookings-reopen", "post"): frozenset({"staff"}),
    ("bookings-update-status", "patch"): AT_WORK,
    ("bookings-notes", "post"): AT_WORK,
}
LISTS: Final = {
    "business-hours-bulk-create",
    "bookings-upcoming",
    "bookings-history",
    "bookings-provider",
    "sessions-available",
    "sessions-generate",
}
REFUSALS: Final = {"not_authenticated", "permission_denied", "not_found"}


def addresses() -> set[tuple[str, str]]:
    return {
        (str(url.name), method)
        for url in BookingsRouter().urls
        for method in url.callback.actions  # type: ignore[union-attr]
        if method != "head"
    }


def test_every_address_has_a_row() -> None:
    assert addresses() == MATRIX.keys()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_its_row_says(
    as_: As, booking: Booking, service: Any, provider: Any, people: Any, role: str
) -> None:
    session = create_session(service=service, provider=provider, start_at=at(15), now_dt=NOW)
    waiting = WaitlistEntry.objects.create(
        session=session, client_name="Joan", client_user=people["client"], joined_at=NOW
    )
    schedule = create_schedule(provider=provider)
    closures = add_closures(schedules=[schedule], first_date=NOW.date()).overrides
    off = take_time_off(provider=provider, start_at=at(18), end_at=at(19), now_dt=NOW)
    keys = {
        "closures": closures[0].pk,
        "time-off": off.pk,
        "services": service.pk,
        "providers": provider.pk,
        "bookings": booking.uuid,
        "sessions": session.pk,
        "waitlist-entries": waiting.pk,
    }
    client = as_(role)
    allowed = set()
    # What deletes something comes last.
    rows = sorted(MATRIX, key=lambda row: (row[1] == "delete", row))
    for number, (name, method) in enumerate(rows):
        resource = max((each for each in keys if name.startswith(each)), default="")
        is_list = resource == "" or name.endswith("-list") or name in LISTS
        kwargs = {"uuid" if resource == "bookings" else "pk": keys.get(resource)}
        address = reverse(f"bookings_api:{name}", kwargs=None if is_list else kwargs)
        body = {"status": "NO_SHOW"} if name == "bookings-update-status" else {}
        headers = {"Idempotency-Key": f"key-{number}", "If-Match": "*"}
        options: dict[str, Any] = {} if method == "get" else {"data": body, "format": "json"}
        # A wrong body and a wrong status are refused later than a wrong role.
        response = getattr(client, method)(address, headers=headers, **options)
        code = response.json().get("code") if response.status_code >= 400 else ""
        if code not in REFUSALS:
            allowed.add((name, method))
        Booking._base_manager.filter(pk=booking.pk).update(status="CONFIRMED")
    assert allowed == {row for row, roles in MATRIX.items() if role in roles}


def test_no_view_is_atomic_per_request() -> None:
    """A service repeats itself where the database asks for it, which it cannot in a transaction of
    the request."""
    for url in BookingsRouter().urls:
        assert "default" in url.callback._non_atomic_requests, url  # type: ignore[union-attr]
