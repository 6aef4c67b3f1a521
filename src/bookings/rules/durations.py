"""Durations in words, for messages. Pure functions: no ORM, no clock, no settings."""

from __future__ import annotations

from typing import Final

from django.utils.functional import lazy
from django.utils.translation import ngettext

MINUTES_PER_HOUR: Final = 60
MINUTES_PER_DAY: Final = 24 * MINUTES_PER_HOUR


def format_minutes(minutes: int) -> str:
    """Return a duration in words: ``90`` is "1 hour 30 minutes", and ``1440`` is "1 day".

    The text is translated when it is read, not when it is made. ``minutes`` is not negative; a day
    has 24 hours, and units that are zero are left out.
    """
    return _lazy_words(minutes)


def _words(minutes: int) -> str:
    days, rest = divmod(minutes, MINUTES_PER_DAY)
    hours, rest = divmod(rest, MINUTES_PER_HOUR)
    words = []
    if days:
        words.append(ngettext("%(number)d day", "%(number)d days", days) % {"number": days})
    if hours:
        words.append(ngettext("%(number)d hour", "%(number)d hours", hours) % {"number": hours})
    if rest or not words:
        words.append(ngettext("%(number)d minute", "%(number)d minutes", rest) % {"number": rest})
    return " ".join(words)


_lazy_words = lazy(_words, str)
