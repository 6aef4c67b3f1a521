"""What ``check_bookings`` verifies of series: their occurrences are the starts of their rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from bookings.contrib.series.models import Occurrence, Series
from bookings.exceptions import BookingError
from bookings.integrity import Problem

INVARIANT: Final = 13


def find_problems(using: str) -> Iterator[Problem]:
    """Yield what is wrong with the app's rows, for :func:`bookings.integrity.find_problems`."""
    yield from check_occurrences_match_rules(using)
    yield from check_bookings_match_series(using)


def check_occurrences_match_rules(using: str) -> Iterator[Problem]:
    """Yield each series that lacks an occurrence, or has one that its rule does not give.

    There is no repair: only people know whether the rule is right or what was booked.
    """
    for key in Series.objects.using(using).values_list("pk", flat=True).iterator():
        if not _describe_mismatch(key, using):
            continue
        # reschedule_series() writes the rule before the occurrences, under this lock; so a series
        # that was read between the two is compared once more.
        with transaction.atomic(using=using):
            Series.objects.using(using).select_for_update().filter(pk=key).first()
            message = _describe_mismatch(key, using)
        if message:
            yield Problem(INVARIANT, message)


def _describe_mismatch(key: int, using: str) -> str:
    """Say what is wrong with a series; the empty string if it is sound or has been deleted."""
    series = Series.objects.using(using).filter(pk=key).first()
    if series is None:
        return ""
    try:
        expected = set(series.recurrence().starts())
    except (BookingError, ValueError, TypeError) as error:
        return _("Series %(key)s has a rule that cannot be followed: %(error)s") % {
            "key": key,
            "error": error,
        }
    occurrences = series.occurrences.using(using)
    stored = set(occurrences.values_list("original_start_at", flat=True))
    if stored == expected:
        return ""
    return _(
        "Series %(key)s: starts without a row: %(missing)d, rows without a start: %(more)d."
    ) % {
        "key": key,
        "missing": len(expected - stored),
        "more": len(stored - expected),
    }


def check_bookings_match_series(using: str) -> Iterator[Problem]:
    """Yield bookings of another service than their series, and occurrences with two instances.

    The provider is not compared: a single booking of a series can be moved to another one.
    """
    booked = Occurrence.objects.using(using).filter(booking__isnull=False)
    other_service = booked.exclude(booking__service=F("series__service"))
    with_session = booked.filter(session_key__isnull=False)
    for occurrence in other_service.select_related("booking").iterator():
        yield Problem(
            INVARIANT,
            _("%(booking)s is of another service than its series %(key)s.")
            % {"booking": occurrence.booking, "key": occurrence.series_id},
        )
    for occurrence in with_session.select_related("booking").iterator():
        yield Problem(
            INVARIANT,
            _("%(booking)s shares its place in series %(key)s with a session.")
            % {"booking": occurrence.booking, "key": occurrence.series_id},
        )
