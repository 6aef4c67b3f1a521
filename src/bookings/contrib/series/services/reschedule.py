"""Move one booking of a series, it and those that follow, or all that are still to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.exceptions import InvalidRecurrence, SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.moved_recurrence import MovedRecurrence, move_recurrence
from bookings.contrib.series.recurrences import parse_start
from bookings.contrib.series.services.instances import (
    SeriesInstance,
    check_new_provider,
    move_sessions,
)
from bookings.contrib.series.services.results import Refusals, SeriesResult
from bookings.contrib.series.services.series_change import (
    LockedSeries,
    PlanOutdated,
    Scope,
    SeriesRows,
    parse_scope,
    series_over_error,
    with_prepared_series,
    write_alias,
)
from bookings.exceptions import BookingError
from bookings.models import Booking
from bookings.models.bulk_rows import update_rows
from bookings.protocols import ProviderLike
from bookings.rules.zones import zone_by_name
from bookings.services import references
from bookings.services.booking_creation import skipped_validation_data
from bookings.services.bulk_reschedule import BulkReschedule, Target
from bookings.services.history import on_behalf_data

FAR_AWAY: Final = timedelta(days=3_000 * 365)
"""Longer than any series."""


def reschedule_series(
    occurrence: Occurrence,
    *,
    new_start_at: datetime,
    new_provider: ProviderLike | None = None,
    scope: str,
    actor: Any = None,
    now_dt: datetime | None = None,
    by: str = "client",
    override_policy: bool = False,
    skip_slot_validation: bool = False,
) -> SeriesResult:
    """Move bookings of a series with :func:`~bookings.services.reschedule_booking`, and sessions
    with :func:`~bookings.contrib.group_sessions.services.update_session`.

    With ``following`` and ``all``, all starts move by the same amount of local time: from where the
    rule has ``occurrence`` to ``new_start_at``. So Tuesdays at nine become Wednesdays at ten, also
    across a change of the clocks. What has begun stays as it is, and so does what was cancelled,
    and what was moved alone before: it keeps its time, or its provider if it was moved to another
    one. If starts stay behind, the moved ones become a series of their own, which ``continues`` the
    old one.

    :param occurrence: the occurrence from which the scope is counted. It is refreshed.
    :param new_start_at: the new start of ``occurrence``: an instant, or a naive datetime that the
        clocks of the series show.
    :param new_provider: another provider to move to; ``None`` to keep the provider.
    :param scope: ``one``, ``following`` or ``all``: see :class:`Scope`.
    :param actor: the user who makes the move; ``None`` for nobody.
    :param now_dt: the instant of the move; the default is now.
    :param by: on whose behalf bookings are moved, ``client`` or ``provider``; the refund policy
        counts what the client moves. Sessions are moved by the provider.
    :param override_policy: move also within the notice, what may not be moved, and with ``one``
        what has begun. Only for staff.
    :param skip_slot_validation: do not ask the slot engine. Only for staff.
    :returns: the series that the moved starts belong to, and the bookings or sessions that moved.
    :raises SeriesConflict: some of several cannot be moved; nothing was.
    :raises InvalidRecurrence: no rule gives the new starts (``rule_cannot_move``).
    :raises InvalidTransition: nothing of the series is still to come (``series_over``).
    :raises InvalidBooking: an argument is invalid.
    :raises MissingReference: the occurrence, or its booking, is not saved or has been deleted.
    :raises TenantMismatch: the new provider belongs to another tenant.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    :raises BookingError: with ``one``, what ``reschedule_booking`` or ``update_session`` raises;
        for a session that has begun, ``SessionNotOpen`` (code ``session_started``).
    """
    now = references.resolve_now(now_dt)
    parsed_scope = parse_scope(scope)
    actor = references.saved_user(actor, "actor")
    event_data = on_behalf_data(by) | skipped_validation_data(skip_slot_validation)
    if new_provider is not None:
        references.saved_instance(new_provider, "PROVIDER_MODEL", "provider")

    def plan(rows: SeriesRows) -> _Move:
        return _Move.of(rows, new_start_at, new_provider, parsed_scope, now)

    def prepare(rows: SeriesRows) -> BulkReschedule:
        move, refusals = plan(rows), Refusals()
        bulk = BulkReschedule(now, write_alias(occurrence), override_policy, skip_slot_validation)
        bulk.prepare(move.bookings, move.targets, partial(move.refuse, refusals))
        check_new_provider(
            rows.series.service,
            move.session_targets,
            partial(move.refuse_session, refusals),
            override_policy=override_policy,
        )
        move.check_none_refused(refusals)
        return bulk

    def act(locked: LockedSeries, bulk: BulkReschedule) -> SeriesResult:
        move, refusals = plan(locked.row), Refusals()
        if not bulk.covers(move.bookings, move.targets):
            raise PlanOutdated
        bulk.write(
            move.bookings,
            move.targets,
            locked.calendars,
            actor=actor,
            event_data=event_data,
            refuse=partial(move.refuse, refusals),
        )
        move_sessions(
            locked,
            move.session_targets,
            actor,
            partial(move.refuse_session, refusals),
            override_policy=override_policy,
        )
        move.check_none_refused(refusals)
        moved = sorted(
            (instance for _row, instance, _target in move.items), key=lambda each: each.start_at
        )
        return SeriesResult.of(_save_move(locked, move, actor), moved)

    new_providers = [] if new_provider is None else [new_provider.pk]
    return with_prepared_series(
        occurrence,
        prepare,
        act,
        now=now,
        also_lock=lambda bulk: {*new_providers, *bulk.resource_ids},
        lock_clients=BulkReschedule.lock_clients,
    )


@dataclass(frozen=True, slots=True)
class _Move:
    """Which instances of a series move where, and the rule that gives the new starts."""

    rows: SeriesRows
    items: list[tuple[Occurrence, SeriesInstance, Target]]
    """In an order in which each leaves before the next one takes its place."""
    recurrence: MovedRecurrence | None = None
    """``None`` if one start moves alone."""
    by: timedelta = timedelta(0)
    new_provider: Any = None

    @classmethod
    def of(
        cls,
        rows: SeriesRows,
        new_start_at: datetime,
        new_provider: Any,
        scope: Scope,
        now: datetime,
    ) -> _Move:
        series, named = rows.series, rows.occurrence
        if new_provider is not None:
            references.check_same_tenant(series.tenant_id, provider=new_provider)
        zone = zone_by_name(series.timezone)
        new_local, new_start = parse_start(new_start_at, "new_start_at", zone)
        if scope is Scope.ONE:
            item = (named, rows.named_instance(), Target(new_start, new_provider))
            return cls(rows, [item])
        recurrence = series.recurrence()
        old_local = recurrence.local_time(named.original_start_at)
        if old_local is None:
            # A country has changed its time zone since this start was stored.
            raise InvalidRecurrence(
                _(
                    "The rule of the series does not give this start any more. Move this start "
                    "alone."
                ),
                "rule_cannot_move",
            )
        by = new_local - old_local
        moved = move_recurrence(
            recurrence,
            since=_first_to_move(recurrence.rule_starts, rows, scope, now),
            by=by,
            rdates=frozenset(_select(recurrence.rdates, rows, scope, now)),
        )
        if not any(row.original_start_at in moved.new_starts for row in rows.occurrences):
            # Only starts that were left out are still to come.
            raise series_over_error()
        items = []
        for row, instance in rows.select(scope, now):
            start = moved.new_starts.get(row.original_start_at)
            # What was moved alone keeps its time, and its provider if it was sent to another one.
            if start is not None and (row is named or instance.start_at == row.original_start_at):
                stays = row is not named and instance.provider_id != series.provider_id
                items.append((row, instance, Target(start, None if stays else new_provider)))
        items.sort(key=lambda item: item[0].original_start_at, reverse=by > timedelta(0))
        return cls(rows, items, moved, by, new_provider)

    @property
    def bookings(self) -> list[Booking]:
        return [instance for _row, instance, _to in self.items if isinstance(instance, Booking)]

    @property
    def targets(self) -> dict[Any, Target]:
        """The targets of the bookings, by their keys."""
        return {each.pk: to for _row, each, to in self.items if isinstance(each, Booking)}

    @property
    def session_targets(self) -> dict[Any, Target]:
        return {each: to for _row, each, to in self.items if not isinstance(each, Booking)}

    def refuse(self, refusals: Refusals, booking: Booking, error: BookingError) -> None:
        """Keep the error of a booking; that of a start that moves alone is raised."""
        if self.recurrence is None:
            raise error
        [row] = [row for row, _each, _to in self.items if row.booking_id == booking.pk]
        refusals.add(row.original_start_at, error)

    def refuse_session(self, refusals: Refusals, key: int, error: BookingError) -> None:
        """Keep the error of a session as :meth:`refuse` does that of a booking."""
        if self.recurrence is None:
            raise error
        [row] = [row for row, _each, _to in self.items if row.session_key == key]
        refusals.add(row.original_start_at, error)

    def check_none_refused(self, refusals: Refusals) -> None:
        if skipped := refusals.skipped():
            zone = zone_by_name(self.rows.series.timezone)
            raise SeriesConflict(skipped, total=len(self.items), zone=zone)


def _select(
    starts: Iterable[datetime], rows: SeriesRows, scope: Scope, now: datetime
) -> Iterator[datetime]:
    """Yield the starts that the scope selects and that have not begun."""
    named = rows.occurrence.original_start_at
    return (start for start in starts if start > now and (scope is Scope.ALL or start >= named))


def _first_to_move(
    starts: Iterable[datetime], rows: SeriesRows, scope: Scope, now: datetime
) -> datetime:
    for start in _select(starts, rows, scope, now):
        return start
    raise series_over_error()


def _save_move(locked: LockedSeries, move: _Move, actor: Any) -> Series:
    """Store the moved rule, splitting the series if a part stays; return the series that moved."""
    rows, moved, using = move.rows, move.recurrence, locked.using
    series = rows.series
    provider_id = series.provider_id if move.new_provider is None else move.new_provider.pk
    if moved is None or (not move.by and provider_id == series.provider_id):
        return series
    if moved.before is not None:
        old_series = series
        old_series.set_recurrence(moved.before)
        old_series.save(using=using)
        series = Series(
            tenant_id=old_series.tenant_id,
            service_id=old_series.service_id,
            continues=old_series,
            created_by=actor,
            created_at=locked.now,
        )
    series.provider_id = provider_id
    series.set_recurrence(moved.after)
    series.save(using=using)
    occurrences = [row for row in rows.occurrences if row.original_start_at in moved.new_starts]
    stored = Occurrence.objects.using(using)
    if move.by:
        # Far from all starts: those of a series have to be unique after each statement.
        keys = [row.pk for row in occurrences]
        stored.filter(pk__in=keys).update(original_start_at=F("original_start_at") + FAR_AWAY)
    for row in occurrences:
        row.series, row.original_start_at = series, moved.new_starts[row.original_start_at]
    update_rows(stored.all(), occurrences, ["series", "original_start_at"])
    return series
