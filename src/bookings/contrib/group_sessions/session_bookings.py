"""The bookings that are changed with their session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.db.models import F

from bookings.adapters import get_adapter
from bookings.contrib.group_sessions.models import Session
from bookings.exceptions import BookingError
from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.services import references
from bookings.services.bulk_change import raise_refusal

# A dispute makes a delivered booking active again, in the time that its session has then.
CHANGED_STATUSES: Final = (*Booking.ACTIVE_STATUSES, Booking.Status.DELIVERED)


def read_if_permitted(session: Session, verb: str, *, actor: Any, using: str) -> list[Booking]:
    """Return the active and delivered bookings of a session, of which ``actor`` may do this.

    The session's calendar is locked. Raises what the adapter raises if it does not permit the
    ``verb`` for one of the bookings.
    """
    by_session = read_many_if_permitted([session], verb, raise_refusal, actor=actor, using=using)
    return by_session[session.pk]


def read_many_if_permitted(
    sessions: Iterable[Session],
    verb: str,
    refuse: Callable[[Any, BookingError], None],
    *,
    actor: Any,
    using: str,
) -> dict[Any, list[Booking]]:
    """Return the bookings of several sessions as :func:`read_if_permitted` does, by session key.

    ``refuse`` is called with the key of a session and what the adapter raises for its booking.
    """
    by_session: dict[Any, list[Booking]] = {session.pk: [] for session in sessions}
    bookings = Booking._base_manager.using(using)
    in_sessions = bookings.filter(seat__session__in=by_session, status__in=CHANGED_STATUSES)
    rows: Any = fresh(in_sessions).annotate(in_session=F("seat__session_id")).order_by("pk")
    adapter = get_adapter()
    first_of: dict[tuple[Any, Any], Booking] = {}
    for row in rows:
        # Read once for all bookings, for an adapter that decides by them.
        first = first_of.setdefault((row.service_id, row.provider_id), row)
        references.load_related(first, "service", "provider", using=using)
        row.service, row.provider = first.service, first.provider
        try:
            adapter.check_permission(actor, verb, row)
        except BookingError as error:
            refuse(row.in_session, error)
        by_session[row.in_session].append(row)
    return by_session
