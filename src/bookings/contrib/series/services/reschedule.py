"""Move one booking of a series, it and those that follow, or all that are still to come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.exceptions import InvalidRecurrence, SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.moves import Move, move
from bookings.contrib.series.recurrences import Recurrence, read_start
from bookings.contrib.series.services import things
from bookings.contrib.series.services.each import for_each
from bookings.contrib.series.services.result import SeriesResult
from bookings.contrib.series.services.scope import Opened, Scope, scope_of, series_over, under_lock
from bookings.protocols import ProviderLike
from bookings.services import inputs
from bookings.zones import named_zone


def reschedule_series(
    occurrence: Occurrence,
    *,
    new_start_at: datetime,
    new_provider: ProviderLike | None = None,
    scope: str,
    actor: Any = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    skip_slot_validation: bool = False,
) -> SeriesResult:
    """Move the booking of ``occurrence`` to ``new_start_at``, and to ``new_provider`` if one is
    given (``scope="one"``), with it those that follow (``"following"``), or all of its series
    (``"all"``), each by :func:`~bookings.services.reschedule_booking`; a session by
    ``update_session``.

    ``new_start_at`` is an instant, or what the clocks of the series show. The others move as far as
    this one does, by the clocks and from where the rule has it: from Tuesdays at nine to Wednesdays
    at ten, also across a change of the clocks. Of several, those that have begun stay as they are,
    as do cancelled ones, and those that were moved by themselves before: to another time, or, as
    far as the provider goes, to another provider. What stays behind is a series of its own from
    then on, which the moved one ``continues``.

    If one cannot be moved nothing is, and
    :class:`~bookings.contrib.series.exceptions.SeriesConflict` has all such.

    Raises ``SeriesConflict``, ``InvalidRecurrence`` if no rule says where they would go,
    ``InvalidTransition`` if nothing is still to come, ``InvalidBooking``, ``MissingReference`` and
    ``BookingBusy``; of one, what ``reschedule_booking`` raises.
    """
    now = inputs.moment(now_dt)
    chosen = scope_of(scope)
    actor = inputs.user(actor, "actor")
    if new_provider is not None:
        inputs.stored(new_provider, "PROVIDER_MODEL", "provider")

    def act(at: Opened) -> SeriesResult:
        zone = named_zone(at.series.timezone)
        if new_provider is not None:
            inputs.same_tenant(at.series.tenant_id, provider=new_provider)
        shown, start_at = read_start(new_start_at, "new_start_at", zone)

        def reschedule(thing: things.Thing, place: datetime) -> things.Thing:
            is_elsewhere = thing.provider_id != at.series.provider_id
            stays = is_elsewhere and thing is not at.things.get(at.occurrence.pk)
            return things.move(
                thing,
                new_start_at=place,
                new_provider=None if stays else new_provider,
                actor=actor,
                now_dt=now,
                override_policy=override_policy,
                skip_slot_validation=skip_slot_validation,
            )

        if chosen is Scope.ONE:
            return SeriesResult.of(at.series, [reschedule(at.named(), start_at)])
        recurrence = at.series.recurrence()
        was_shown = recurrence.starts.get(at.occurrence.original_start_at)
        if was_shown is None:
            # A country has changed its clocks since, and this start was stored by the old ones.
            raise InvalidRecurrence(
                _("The rule of the series does not give this start any more. Move it alone."),
                "rule_cannot_move",
            )
        by = shown - was_shown
        moves = move(recurrence, cut=_cut(at, chosen, recurrence), by=by)
        moving = {
            row.original_start_at: thing
            for row, thing in at.of(chosen)
            if row.original_start_at in moves.places
            if thing.start_at == row.original_start_at or row is at.occurrence
        }
        # Whoever goes first leaves the place to which the next one goes.
        order = sorted(moving, reverse=by > timedelta(0))
        moved, refused = for_each(
            ((start, start) for start in order),
            lambda start: reschedule(moving[start], moves.places[start]),
        )
        if refused:
            raise SeriesConflict(refused, of=len(moving), zone=zone)
        return SeriesResult.of(_store(at, moves, by, new_provider, actor), moved)

    return under_lock(
        occurrence, act, now=now, also_lock=None if new_provider is None else new_provider.pk
    )


def _cut(at: Opened, scope: Scope, recurrence: Recurrence) -> datetime:
    """The first start that moves."""
    earliest = at.now
    if scope is Scope.FOLLOWING:
        earliest = max(earliest, at.occurrence.original_start_at)
    for start in recurrence.starts:
        if start >= earliest:
            return start
    raise series_over()


def _store(
    at: Opened, moves: Move, by: timedelta, new_provider: ProviderLike | None, actor: Any
) -> Series:
    series = at.series
    provider_id = series.provider_id if new_provider is None else new_provider.pk
    if not by and provider_id == series.provider_id:
        return series
    if moves.before is not None:
        at.series.take(moves.before)
        at.series.save(using=at.using)
        series = Series(
            tenant_id=at.series.tenant_id,
            service_id=at.series.service_id,
            continues=at.series,
            created_by=actor,
            created_at=at.now,
        )
    series.provider_id = provider_id
    series.take(moves.after)
    series.save(using=at.using)
    rows = [row for row in at.occurrences if row.original_start_at in moves.places]
    # As above: no two of a series may start together, not even for a moment.
    rows.sort(key=lambda row: row.original_start_at, reverse=by > timedelta(0))
    for row in rows:
        row.series, row.original_start_at = series, moves.places[row.original_start_at]
        row.save(using=at.using, update_fields=["series", "original_start_at"])
    return series
