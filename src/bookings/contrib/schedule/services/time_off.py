"""Take time off, move it, and give it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import router
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bookings import claims, ledger, locks, policies
from bookings.contrib.schedule.exceptions import InvalidSchedule, TimeOffConflict
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.models.time_off import TimeOffQuerySet
from bookings.exceptions import MissingReference
from bookings.models import Booking, BusyInterval
from bookings.protocols import ProviderLike
from bookings.querysets import overlapping
from bookings.services import inputs
from bookings.services.expire import past_stale_holds
from bookings.transactions import atomically

LONGEST: Final = timedelta(days=5 * 366)

CLAIM_FIELDS: Final = frozenset({"provider", "start_at", "end_at", "busy_interval"})


def take_time_off(
    *,
    provider: ProviderLike,
    start_at: datetime,
    end_at: datetime,
    reason: str = "",
    actor: Any = None,
    now_dt: datetime | None = None,
) -> TimeOff:
    """Keep ``[start_at, end_at)`` of a provider's time free of bookings; the time off.

    It may have begun, as an illness has. Holds that have run out are expired first if they are in
    the way.

    Raises :class:`~bookings.contrib.schedule.exceptions.TimeOffConflict`, whose ``bookings`` are
    those in the way: move or cancel them, and ask again. Naive datetimes are ``InvalidBooking``; an
    end that is not after the start or has passed, or a length of more than five years, are
    ``InvalidSchedule``.
    """
    now = inputs.moment(now_dt)
    time_off = TimeOff(
        provider=inputs.stored(provider, "PROVIDER_MODEL", "provider"),
        start_at=policies.instant(start_at, "start_at"),
        end_at=policies.instant(end_at, "end_at"),
        reason=reason,
        created_by=inputs.user(actor, "actor"),
        created_at=now,
    )
    _refuse_past(time_off, now)
    save_time_off(time_off, using=router.db_for_write(TimeOff), now=now)
    return time_off


def move_time_off(
    time_off: TimeOff, *, start_at: datetime, end_at: datetime, now_dt: datetime | None = None
) -> TimeOff:
    """Move it, or make it longer or shorter; the same object, refreshed.

    Raises what :func:`take_time_off` raises, and ``MissingReference`` if it is gone.
    """
    now = inputs.moment(now_dt)
    _check_saved(time_off)
    moved = TimeOff(
        pk=time_off.pk,
        provider_id=time_off.provider_id,
        start_at=policies.instant(start_at, "start_at"),
        end_at=policies.instant(end_at, "end_at"),
    )
    moved._state.adding = False
    _refuse_past(moved, now)
    using = router.db_for_write(TimeOff, instance=time_off)
    save_time_off(moved, using=using, update_fields=CLAIM_FIELDS, now=now)
    time_off.refresh_from_db(using=using)
    return time_off


def cancel_time_off(time_off: TimeOff) -> None:
    """Delete it, and release its time. If it is gone already, nothing happens."""
    _check_saved(time_off)
    time_off.delete()


def save_time_off(
    time_off: TimeOff,
    *,
    using: str,
    update_fields: Iterable[str] | None = None,
    now: datetime | None = None,
) -> None:
    """Write a time off and its claim, new or moved, under the calendar's lock."""
    fields = None if update_fields is None else set(update_fields)
    inputs.check_fields(time_off, ("reason",))
    if fields is not None and not fields & {*CLAIM_FIELDS, "provider_id", "busy_interval_id"}:
        time_off.save_row(using=using, update_fields=fields)
        return
    claim = claim_of(time_off)
    before = time_off._state.adding, time_off.pk, time_off.busy_interval_id

    def restore() -> None:
        time_off._state.adding, time_off.pk, time_off.busy_interval_id = before

    def write() -> None:
        restore()
        calendar_id = locks.lock_calendar(time_off.provider_id, using=using)
        held = None if time_off._state.adding else _held(time_off, using)
        _refuse_conflict(calendar_id, claim, held, using=using)
        time_off.busy_interval_id = ledger.move(held, claim.seats, calendar_id, claim, using=using)
        written = None if fields is None else fields | CLAIM_FIELDS
        time_off.save_row(using=using, update_fields=written)

    try:
        past_stale_holds(
            lambda: atomically(write, using=using),
            time_off.provider_id,
            claim.window,
            now=inputs.moment(now),
            using=using,
            own=time_off.busy_interval_id,
        )
    except BaseException:
        restore()
        raise


def delete_time_off(
    rows: TimeOffQuerySet, delete: Callable[[TimeOffQuerySet], tuple[int, dict[str, int]]]
) -> tuple[int, dict[str, int]]:
    """Lock every calendar concerned, run ``delete``, and give the claims back."""
    using = rows._db or router.db_for_write(TimeOff)
    chosen = rows.using(using)

    def write() -> tuple[int, dict[str, int]]:
        providers = chosen.order_by().values_list("provider_id", flat=True).distinct()
        locked = chosen.filter(provider__in=list(locks.lock_calendars(providers, using=using)))
        # Each row once, and alone: the queryset may join what repeats, or what cannot be locked.
        keys = locked.order_by().values("pk")
        stored: QuerySet[TimeOff] = QuerySet(TimeOff, using=using)
        held = stored.filter(pk__in=keys).select_for_update()
        claims = list(held.values_list("busy_interval_id", flat=True))
        result = delete(locked)
        ledger.give_back(claims, using=using)
        return result

    return atomically(write, using=using)


def _check_saved(time_off: Any) -> None:
    if not isinstance(time_off, TimeOff) or time_off._state.adding or time_off.pk is None:
        raise gone()


def gone() -> MissingReference:
    return MissingReference(_("The time off is not saved, or has been deleted."))


def _refuse_past(time_off: TimeOff, now: datetime) -> None:
    # The order of the two comes first, for a reversed one may well look past.
    claim_of(time_off)
    if time_off.end_at <= now:
        raise InvalidSchedule(
            _("The time off has ended already. Give an end that is still to come."), "past"
        )


def claim_of(time_off: TimeOff) -> claims.Claim:
    start_at = policies.instant(time_off.start_at, "start_at")
    end_at = policies.instant(time_off.end_at, "end_at")
    if end_at <= start_at:
        raise InvalidSchedule(
            _("The time off ends before it begins. Swap start and end."), "range_reversed"
        )
    if end_at - start_at > LONGEST:
        raise InvalidSchedule(
            _("%(days)d days off are too many at once. Take %(most)d at most."),
            "range_too_long",
            params={"days": (end_at - start_at).days, "most": LONGEST.days},
        )
    starts, ends = policies.busy_seconds(start_at, end_at, 0, 0)
    return claims.Claim(starts=starts, ends=ends, kind=BusyInterval.Kind.TIME_OFF)


def _held(time_off: TimeOff, using: str) -> int:
    """The claim that it holds, read under the lock."""
    rows: QuerySet[Any] = QuerySet(TimeOff, using=using)
    stored = rows.select_for_update().filter(pk=time_off.pk).first()
    if stored is None:
        raise gone()
    if stored.provider_id != time_off.provider_id:
        raise InvalidSchedule(
            _("Time off stays its provider's. Cancel it, and take some for the other provider."),
            "provider_changed",
        )
    held: int = stored.busy_interval_id
    return held


def _refuse_conflict(
    calendar_id: int, claim: claims.Claim, held: int | None, *, using: str
) -> None:
    """Say what is in the way. The reads lock, because a snapshot may show what was before."""
    intervals: QuerySet[BusyInterval] = QuerySet(BusyInterval, using=using)
    in_the_way = {
        interval.pk: interval
        for interval in intervals.select_for_update()
        .filter(overlapping(*claim.window), calendar=calendar_id)
        .order_by("starts")
        if interval.pk != held
    }
    if not in_the_way:
        return
    rows: QuerySet[Booking] = QuerySet(Booking, using=using)
    bookings = list(
        rows.select_for_update().filter(busy_interval__in=in_the_way).order_by("start_at", "pk")
    )
    booked = {booking.busy_interval_id for booking in bookings}
    claims = [interval for key, interval in in_the_way.items() if key not in booked]
    raise TimeOffConflict(bookings=bookings, claims=claims)
