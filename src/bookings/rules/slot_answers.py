"""Read the answer of a slot engine: which starts it offers, and why it refuses one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import BookingError, SlotUnavailable
from bookings.rules.validation import Readable


def offers(offered: Any, start_at: datetime) -> bool:
    """Return whether an engine's answer contains a start.

    The answer is a container of aware datetimes, or of objects with ``start`` or ``start_at``, or a
    mapping from dates to such containers.
    """
    if isinstance(offered, Mapping):
        return any(offers(day, start_at) for day in offered.values())
    if hasattr(offered, "__iter__"):
        return any(_start_of(slot) == start_at for slot in offered)
    if hasattr(offered, "__contains__"):
        return start_at in offered
    raise _unreadable_error(offered)


def starts_of(offered: Any) -> Iterator[datetime]:
    """Yield the starts in an engine's answer, in UTC; none if it cannot be iterated."""
    if isinstance(offered, Mapping):
        for day in offered.values():
            yield from starts_of(day)
    elif hasattr(offered, "__iter__"):
        for slot in offered:
            yield _start_of(slot)


def refusal_error(offered: Any, start_at: datetime) -> BookingError:
    """Return the error for a start that is not in an engine's answer.

    It is what ``why_not(start_at)`` of the answer returns, if that is not ``None``.

    :raises ImproperlyConfigured: ``why_not()`` returns something else than a ``BookingError``.
    """
    why_not = getattr(offered, "why_not", None)
    error = None if why_not is None else why_not(start_at)
    if error is None:
        return SlotUnavailable(
            _("Selected start time is not available for this service."),
            start_at=start_at,
        )
    if not isinstance(error, BookingError):
        raise ImproperlyConfigured(
            "why_not() must give a bookings.exceptions.BookingError or None, not "
            f"{Readable(error, 100)}."
        )
    return error


def _start_of(slot: Any) -> datetime:
    for start in (slot, getattr(slot, "start", None), getattr(slot, "start_at", None)):
        if isinstance(start, datetime) and timezone.is_aware(start):
            # In UTC: a datetime in an hour that exists twice equals no datetime of another zone.
            return start.astimezone(UTC)
    raise _unreadable_error(slot)


def _unreadable_error(answer: Any) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        "BOOKINGS_SLOTS_AVAILABLE_FUNC must give aware datetimes, or objects with such a .start or "
        f".start_at, not {Readable(answer, 100)}."
    )
