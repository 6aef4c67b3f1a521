"""Which bookings of a series are meant, and all of them locked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings import locks
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services.things import Thing, is_coming, lock_things
from bookings.exceptions import InvalidBooking, InvalidTransition, MissingReference
from bookings.transactions import TryAgain, atomically

T = TypeVar("T")


class Scope(StrEnum):
    """How much of a series, as calendars ask it."""

    ONE = "one"
    """This one."""
    FOLLOWING = "following"
    """This one and those that follow."""
    ALL = "all"
    """All of them."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A series and everything of it, read under the lock of its calendars."""

    series: Series
    occurrence: Occurrence
    """The one that was named."""
    occurrences: list[Occurrence]
    things: dict[int, Thing]
    """The booking or session of each occurrence, by the occurrence's key."""
    using: str
    now: datetime

    def of(self, scope: Scope) -> list[tuple[Occurrence, Thing]]:
        """Those whose booking or session has not begun and still takes place, soonest first.

        What has begun is nobody's to change any more, whatever the scope; what was cancelled stays
        so.
        """
        return [
            (row, thing)
            for row in self.occurrences
            if (thing := self.things.get(row.pk)) is not None
            and is_coming(thing)
            and thing.start_at >= self.now
            and (scope is Scope.ALL or row.original_start_at >= self.occurrence.original_start_at)
        ]

    def named(self) -> Thing:
        """That of the occurrence that was named."""
        thing = self.things.get(self.occurrence.pk)
        if thing is None:
            raise gone()
        return thing


def scope_of(value: Any) -> Scope:
    try:
        return Scope(value)
    except ValueError:
        raise InvalidBooking(
            _("%(name)s must be one of %(known)s."),
            params={"name": "scope", "known": ", ".join(Scope)},
        ) from None


def under_lock(
    occurrence: Any, act: Callable[[Opened], T], *, now: datetime, also_lock: Any = None
) -> T:
    """Lock the calendars of a series, then its rows, and ``act`` on what is stored.

    All or nothing; ``occurrence`` is refreshed. ``also_lock`` is the key of another provider.
    """
    is_saved = isinstance(occurrence, Occurrence) and not occurrence._state.adding
    if not is_saved or occurrence.pk is None:
        raise gone()
    using = router.db_for_write(Occurrence, instance=occurrence)
    rows = Occurrence.objects.using(using)
    # One may have been moved to another provider by itself, which is seen once they are read.
    providers = set(rows.filter(pk=occurrence.pk).values_list("series__provider", flat=True))
    if also_lock is not None:
        providers.add(also_lock)

    def write() -> T:
        locks.lock_calendars(providers, using=using)
        named = rows.select_for_update().filter(pk=occurrence.pk).first()
        if named is None:
            raise gone()
        series = Series.objects.using(using).select_for_update().get(pk=named.series_id)
        occurrences = list(rows.select_for_update().filter(series=series))
        things = lock_things(occurrences, using=using)
        if strangers := {thing.provider_id for thing in things.values()} - providers:
            providers.update(strangers)
            raise TryAgain
        [this] = [row for row in occurrences if row.pk == named.pk]
        return act(Opened(series, this, occurrences, things, using, now))

    result = atomically(write, using=using)
    occurrence.refresh_from_db(using=using)
    return result


def gone() -> MissingReference:
    return MissingReference(_("What is meant of the series is not saved, or has been deleted."))


def series_over() -> InvalidTransition:
    return InvalidTransition(
        _("Nothing of the series is still to come. Make a new one."), "series_over"
    )
