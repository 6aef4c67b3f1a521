"""What ``check_bookings`` also verifies: a series has what its rule says, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from bookings.contrib.series.models import Occurrence, Series
from bookings.exceptions import BookingError
from bookings.integrity import Problem, register

INVARIANT: Final = 13


@register
def series_follow_their_rules(using: str) -> Iterator[Problem]:
    """Not repaired: whether the rule is right or what was booked, only people know."""
    for key in Series.objects.using(using).values_list("pk", flat=True).iterator():
        if not _said(key, using):
            continue
        # Who moves it meanwhile writes the rule and the rows one after the other, under this lock.
        with transaction.atomic(using=using):
            Series.objects.using(using).select_for_update().filter(pk=key).first()
            said = _said(key, using)
        if said:
            yield Problem(INVARIANT, said)


def _said(key: int, using: str) -> str:
    """What is wrong with a series; nothing of one that is right, or is no more."""
    series = Series.objects.using(using).filter(pk=key).first()
    if series is None:
        return ""
    try:
        wanted = set(series.recurrence().left())
    except (BookingError, ValueError, TypeError) as error:
        return _("Series %(key)s has a rule that cannot be followed: %(error)s") % {
            "key": key,
            "error": error,
        }
    rows = series.occurrences.using(using)
    stored = set(rows.values_list("original_start_at", flat=True))
    if stored == wanted:
        return ""
    return _(
        "Series %(key)s: starts without a row: %(missing)d, rows without a start: %(more)d."
    ) % {
        "key": key,
        "missing": len(wanted - stored),
        "more": len(stored - wanted),
    }


@register
def bookings_are_of_their_series(using: str) -> Iterator[Problem]:
    """A provider may be another one, for a booking can be sent to one by itself."""
    rows = Occurrence.objects.using(using)
    foreign = rows.exclude(booking__service=F("series__service")).filter(booking__isnull=False)
    both = rows.filter(booking__isnull=False, session_key__isnull=False)
    for row in foreign.select_related("booking").iterator():
        yield Problem(
            INVARIANT,
            _("%(booking)s is of another service than its series %(key)s.")
            % {"booking": row.booking, "key": row.series_id},
        )
    for row in both.select_related("booking").iterator():
        yield Problem(
            INVARIANT,
            _("%(booking)s shares its place in series %(key)s with a session.")
            % {"booking": row.booking, "key": row.series_id},
        )
