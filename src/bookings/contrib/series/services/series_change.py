"""Change a series that exists: lock its calendars and rows, select instances, act on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, TypeAlias, TypeVar

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services.instances import (
    SeriesInstance,
    is_active,
    is_cancelled,
    read_instances,
)
from bookings.contrib.series.services.results import Refusals, SeriesResult
from bookings.exceptions import BookingError, InvalidBooking, InvalidTransition, MissingReference
from bookings.ledger.locked import Locked, act_under_lock, fresh
from bookings.ledger.transactions import ATTEMPTS, busy_error
from bookings.models import Booking
from bookings.models.arguments import is_saved
from bookings.models.read_alias import reading_from
from bookings.rules.zones import zone_by_name
from bookings.services.booking_change import provider_ids

Result = TypeVar("Result")
Plan = TypeVar("Plan")


class Scope(StrEnum):
    """How much of a series a change concerns."""

    ONE = "one"
    """The one that is named."""
    FOLLOWING = "following"
    """The one that is named, and those that follow."""
    ALL = "all"
    """All of them."""


@dataclass(frozen=True, slots=True)
class SeriesRows:
    """A series with all its rows, read under the lock of their calendars."""

    series: Series
    occurrence: Occurrence
    """The occurrence that the caller named."""
    occurrences: list[Occurrence]
    instances: dict[int, SeriesInstance]
    """The booking or session of each occurrence that has one, by the occurrence's key."""

    def select(self, scope: Scope, now: datetime) -> list[tuple[Occurrence, SeriesInstance]]:
        """Return the instances that a change may concern, with their occurrences, soonest first.

        These are the active ones that have not begun: whatever the scope, what has begun or was
        cancelled stays as it is.
        """
        return [
            (row, instance)
            for row in self.occurrences
            if (instance := self.instances.get(row.pk)) is not None
            and is_active(instance)
            and instance.start_at > now
            and (scope is Scope.ALL or row.original_start_at >= self.occurrence.original_start_at)
        ]

    def is_cancelled(self) -> bool:
        """Return whether nothing of the series takes place or has taken place."""
        return all(map(is_cancelled, self.instances.values()))

    def named_instance(self) -> SeriesInstance:
        """Return the instance of the named occurrence; raise ``MissingReference`` if it has none.

        It has none once a host has deleted the booking.
        """
        instance = self.instances.get(self.occurrence.pk)
        if instance is None:
            raise missing_instance_error()
        return instance


LockedSeries: TypeAlias = Locked[SeriesRows]


class PlanOutdated(Exception):
    """Roll back and prepare again: the series has changed since it was read without a lock."""


def read_series(occurrence: Any, *, using: str, lock: bool = True) -> SeriesRows:
    """Return the series of an occurrence with all its rows; ``lock`` locks them.

    Raises ``MissingReference`` if the occurrence is not saved, or has been deleted.
    """
    occurrences, series_rows = Occurrence.objects.using(using), Series.objects.using(using)
    if lock:
        occurrences, series_rows = fresh(occurrences), fresh(series_rows)
    named = occurrences.filter(pk=occurrence.pk).first()
    if named is None:
        raise missing_instance_error()
    series = series_rows.get(pk=named.series_id)
    rows = list(occurrences.filter(series=series))
    [named] = [row for row in rows if row.pk == named.pk]
    return SeriesRows(series, named, rows, read_instances(rows, using=using, lock=lock))


def write_alias(occurrence: Any) -> str:
    """Return the alias of the database to which a series is written.

    Raises ``MissingReference`` for what is not a saved occurrence.
    """
    if not is_saved(occurrence, Occurrence):
        raise missing_instance_error()
    return router.db_for_write(Occurrence, instance=occurrence)


def with_locked_series(
    occurrence: Any,
    act: Callable[[LockedSeries], Result],
    *,
    now: datetime,
    also_lock: Iterable[Any] = (),
    lock_clients: Callable[[], None] | None = None,
) -> Result:
    """Lock the calendars of a series, then its rows, and ``act`` on what is stored.

    It is one transaction. ``also_lock`` has the keys of further providers. Afterwards the
    ``occurrence`` is refreshed.
    """
    using = write_alias(occurrence)
    # A single booking may have been moved to another provider; act_under_lock() locks that calendar
    # too, once the bookings are read.
    own_provider = Occurrence.objects.using(using).filter(pk=occurrence.pk)
    result = act_under_lock(
        act,
        expected=(),
        also_lock=[*own_provider.values_list("series__provider", flat=True), *also_lock],
        read=lambda: read_series(occurrence, using=using),
        providers_of=lambda rows: _provider_ids(rows, using),
        using=using,
        now=now,
        lock_client=lock_clients,
    )
    occurrence.refresh_from_db(using=using)
    return result


def with_prepared_series(
    occurrence: Any,
    prepare: Callable[[SeriesRows], Plan],
    act: Callable[[LockedSeries, Plan], Result],
    *,
    now: datetime,
    also_lock: Callable[[Plan], Iterable[Any]] = lambda _plan: (),
    lock_clients: Callable[[Plan], None],
) -> Result:
    """Let ``prepare`` ask host code without a lock, and ``act`` as :func:`with_locked_series`.

    ``also_lock`` returns the keys of further providers, and ``lock_clients`` locks clients. If
    ``act`` raises :class:`PlanOutdated`, both run again.
    """
    using = write_alias(occurrence)
    for _attempt in range(ATTEMPTS):
        with reading_from(using):
            plan = prepare(read_series(occurrence, using=using, lock=False))
        try:
            return with_locked_series(
                occurrence,
                partial(_act_by_plan, act, plan),
                now=now,
                also_lock=also_lock(plan),
                lock_clients=partial(lock_clients, plan),
            )
        except PlanOutdated:
            continue
    raise busy_error()


def _provider_ids(rows: SeriesRows, using: str) -> set[Any]:
    """Return the keys of the providers and the resources of all instances."""
    instances = rows.instances.values()
    bookings = [instance for instance in instances if isinstance(instance, Booking)]
    keys = {instance.provider_id for instance in instances}
    keys |= provider_ids(bookings, using=using, lock=True)
    sessions = [instance for instance in instances if not isinstance(instance, Booking)]
    if sessions:
        from bookings.contrib.group_sessions import session_resources

        keys |= session_resources.provider_ids(sessions, using=using, lock=True)
    return keys


def _act_by_plan(
    act: Callable[[LockedSeries, Plan], Result], plan: Plan, locked: LockedSeries
) -> Result:
    return act(locked, plan)


def change_instances(
    locked: LockedSeries,
    scope: Scope,
    change_one: Callable[[SeriesInstance], SeriesInstance],
    change_bookings: Callable[[list[Booking], Callable[[Booking, BookingError], None]], None],
    change_sessions: Callable[[list[Any], Callable[[Any, BookingError], None]], None],
) -> SeriesResult:
    """Call ``change_one`` with the named instance, or change all that the scope selects.

    Of several, all change or none: if any is refused, raise a ``SeriesConflict`` with every
    refusal. ``change_bookings`` is called with bookings, and ``change_sessions`` with sessions; to
    refuse, they call their second argument with the booking, or the key of the session.
    """
    rows = locked.row
    if scope is Scope.ONE:
        return SeriesResult.of(rows.series, [change_one(rows.named_instance())])
    selected = rows.select(scope, locked.now)
    refusals = Refusals()
    starts = {(type(each), each.pk): row.original_start_at for row, each in selected}
    bookings = [each for _row, each in selected if isinstance(each, Booking)]
    sessions = [each for _row, each in selected if not isinstance(each, Booking)]
    if bookings:
        change_bookings(
            bookings, lambda booking, error: refusals.add(starts[Booking, booking.pk], error)
        )
    if sessions:
        session_type = type(sessions[0])
        change_sessions(sessions, lambda key, error: refusals.add(starts[session_type, key], error))
    if skipped := refusals.skipped():
        raise SeriesConflict(skipped, total=len(selected), zone=zone_by_name(rows.series.timezone))
    changed = [instance for _row, instance in selected]
    return SeriesResult.of(rows.series, sorted(changed, key=lambda each: each.start_at))


def parse_scope(value: Any) -> Scope:
    try:
        return Scope(value)
    except ValueError:
        raise InvalidBooking(
            _("%(name)s must be one of %(known)s."),
            params={"name": "scope", "known": ", ".join(Scope)},
        ) from None


def missing_instance_error() -> MissingReference:
    return MissingReference(
        _("The occurrence of the series, or its booking, is not saved or has been deleted.")
    )


def series_over_error() -> InvalidTransition:
    return InvalidTransition(
        _("No start of the series is still to come. Make a new series."), "series_over"
    )
