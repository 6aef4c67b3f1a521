"""Take time off, move it, and cancel it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import router
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.models.time_off import TimeOffQuerySet
from bookings.contrib.schedule.services.booking_changes import BookingChange, BookingChanges
from bookings.contrib.schedule.time_off_intervals import SharedIntervals
from bookings.exceptions import MissingReference
from bookings.ledger import entries, locks
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import BusyInterval, field_validation
from bookings.models.arguments import is_saved
from bookings.protocols import ProviderLike
from bookings.rules import instants
from bookings.services import references
from bookings.services.lapsed_holds import retry_without_lapsed_holds

CLAIM_FIELDS: Final = frozenset({"provider", "start_at", "end_at", "busy_interval"})


def take_time_off(
    *,
    provider: ProviderLike,
    start_at: datetime,
    end_at: datetime,
    reason: str = "",
    actor: Any = None,
    changes: Iterable[BookingChange] = (),
    override_policy: bool = False,
    now_dt: datetime | None = None,
) -> TimeOff:
    """Keep ``[start_at, end_at)`` of a provider's time free of bookings.

    The time off may have begun already, as an illness has. If expired holds are in the way, they
    are cancelled first. It may overlap other time off of the provider. To resolve a conflict, say
    in ``changes`` what becomes of each booking that the error lists: all of them change and the
    time off is taken, or nothing is written. A session cannot be changed here: move or cancel it.

    Bookings are moved and cancelled on the provider's behalf: the client's moves are not counted,
    and everything that was paid for a cancelled booking is to be refunded.

    Called again with the same arguments, it returns the time off that is stored already, so that
    you can repeat a call whose answer was lost.

    :param provider: whose time it is.
    :param start_at: the first instant of the time off, an aware datetime.
    :param end_at: the instant at which it ends, an aware datetime at most five years later.
    :param reason: a text for staff, of at most 255 characters.
    :param actor: the user who takes it, stored as ``created_by``, and who changes the bookings.
    :param changes: what becomes of bookings in the way, at most 50: each a ``MoveBooking`` or a
        ``CancelBooking``. Their bookings are refreshed.
    :param override_policy: staff only; lift the rules of moving and cancelling the bookings, as
        :func:`~bookings.services.reschedule_booking` and :func:`~bookings.services.cancel_booking`
        do.
    :param now_dt: the current time, by default the clock's.
    :returns: the stored time off.
    :raises BookingChangesRefused: some of the bookings cannot be changed so; ``refusals`` has each.
    :raises TimeOffConflict: the provider is busy in that time, and not only by time off;
        ``bookings`` lists the bookings in the way.
    :raises InvalidSchedule: the end is not after the start (``range_reversed``), has passed
        (``past``), or is more than five years after the start (``range_too_long``).
    :raises InvalidBooking: a datetime is naive or out of range, or a value cannot be stored.
    :raises MissingReference: the provider or the actor does not exist.
    """
    now = references.resolve_now(now_dt)
    time_off = TimeOff(
        provider=references.saved_instance(provider, "PROVIDER_MODEL", "provider"),
        start_at=instants.aware_utc(start_at, "start_at"),
        end_at=instants.aware_utc(end_at, "end_at"),
        reason=reason,
        created_by=references.saved_user(actor, "actor"),
        created_at=now,
    )
    _check_not_past(time_off, now)
    using = router.db_for_write(TimeOff)
    return _save_with_changes(
        time_off,
        partial(save_time_off, time_off, using=using, now=now, finds_same=True),
        changes,
        actor=time_off.created_by,
        override_policy=override_policy,
        now=now,
        using=using,
    )


def move_time_off(
    time_off: TimeOff,
    *,
    start_at: datetime,
    end_at: datetime,
    actor: Any = None,
    changes: Iterable[BookingChange] = (),
    override_policy: bool = False,
    now_dt: datetime | None = None,
) -> TimeOff:
    """Move a time off, or make it longer or shorter.

    :param time_off: the time off; it is refreshed from the database.
    :param start_at: the new start, an aware datetime.
    :param end_at: the new end, an aware datetime at most five years later.
    :param actor: the user who changes the bookings.
    :param changes: what becomes of bookings in the way, as for :func:`take_time_off`.
    :param override_policy: as for :func:`take_time_off`.
    :param now_dt: the current time, by default the clock's.
    :returns: the same object.
    :raises MissingReference: the time off is not saved, or has been deleted.
    :raises TimeOffConflict: the provider is busy in the new time, and not only by time off.
    :raises BookingChangesRefused: as by :func:`take_time_off`.
    :raises InvalidSchedule: as by :func:`take_time_off`.
    :raises InvalidBooking: a datetime is naive or out of range.
    """
    now = references.resolve_now(now_dt)
    _check_saved(time_off)
    moved = TimeOff(
        pk=time_off.pk,
        provider_id=time_off.provider_id,
        start_at=instants.aware_utc(start_at, "start_at"),
        end_at=instants.aware_utc(end_at, "end_at"),
    )
    moved._state.adding = False
    _check_not_past(moved, now)
    using = router.db_for_write(TimeOff, instance=time_off)
    _save_with_changes(
        moved,
        partial(save_time_off, moved, using=using, update_fields=CLAIM_FIELDS, now=now),
        changes,
        actor=references.saved_user(actor, "actor"),
        override_policy=override_policy,
        now=now,
        using=using,
    )
    time_off.refresh_from_db(using=using)
    return time_off


def cancel_time_off(time_off: TimeOff) -> None:
    """Delete a time off, and release its time but for what other time off takes.

    Nothing happens if it has been deleted already.

    :param time_off: the time off.
    :raises MissingReference: it was never saved.
    """
    _check_saved(time_off)
    time_off.delete()


def _save_with_changes(
    time_off: TimeOff,
    save: Callable[[], TimeOff],
    changes: Iterable[BookingChange],
    *,
    actor: Any,
    override_policy: bool,
    now: datetime,
    using: str,
) -> TimeOff:
    """Save the time off, and change bookings in the same transaction if there are changes."""
    plan = BookingChanges(
        changes, actor=actor, now=now, using=using, override_policy=override_policy
    )
    if not plan:
        return save()
    return plan.make_with(
        save,
        provider_id=time_off.provider_id,
        window=time_off.busy_seconds(),
        find_done=partial(_find_done, time_off, using),
    )


def _find_done(time_off: TimeOff, using: str) -> TimeOff | None:
    """Return the time off that another call with the same arguments has taken or moved."""
    rows: QuerySet[TimeOff] = QuerySet(TimeOff, using=using)
    same: dict[str, Any] = {"start_at": time_off.start_at, "end_at": time_off.end_at}
    if time_off._state.adding:
        same |= {"provider": time_off.provider_id, "reason": time_off.reason}
        same |= {"created_by": time_off.created_by_id}
    else:
        same |= {"pk": time_off.pk}
    return fresh(rows).filter(**same).first()


def save_time_off(
    time_off: TimeOff,
    *,
    using: str,
    update_fields: Iterable[str] | None = None,
    now: datetime | None = None,
    finds_same: bool = False,
) -> TimeOff:
    """Write a new or moved time off and its claim, under the calendar's lock; return it.

    With ``finds_same``, return the same time off instead if it is stored already.
    """
    fields = None if update_fields is None else set(update_fields)
    field_validation.clean_fields(time_off, ("reason",))
    if fields is not None and not fields & {*CLAIM_FIELDS, "provider_id", "busy_interval_id"}:
        time_off.save_row(using=using, update_fields=fields)
        return time_off
    window = time_off.busy_seconds()
    provider: Any = TimeOff._meta.get_field("provider")
    # A key may be given as text. It is compared with those of stored rows.
    time_off.provider_id = provider.to_python(time_off.provider_id)
    before = time_off._state.adding, time_off.pk, time_off.busy_interval_id

    def restore() -> None:
        time_off._state.adding, time_off.pk, time_off.busy_interval_id = before

    def write() -> TimeOff:
        restore()
        calendar_id = locks.lock_calendar(time_off.provider_id, using=using)
        interval_id: Any = None
        if not time_off._state.adding:
            interval_id = _stored_interval_id(time_off, using)
        intervals = SharedIntervals({time_off.provider_id: calendar_id}, using=using)
        intervals.read_around(time_off, interval_id)
        if finds_same and (same := _find_same(time_off, intervals.rows.values())):
            return same
        intervals.rows[time_off.pk] = time_off
        time_off.busy_interval_id = interval_id
        intervals.write()
        time_off.save_row(
            using=using, update_fields=None if fields is None else fields | CLAIM_FIELDS
        )
        return time_off

    try:
        return retry_without_lapsed_holds(
            lambda: atomic_with_retry(write, using=using),
            time_off.provider_id,
            window,
            now=references.resolve_now(now),
            using=using,
            shared_kind=BusyInterval.Kind.TIME_OFF,
        )
    except BaseException:
        restore()
        raise


def delete_time_off(
    rows: TimeOffQuerySet, delete: Callable[[TimeOffQuerySet], tuple[int, dict[str, int]]]
) -> tuple[int, dict[str, int]]:
    """Lock the calendars concerned, delete the rows, and release what no other time off takes.

    ``delete`` is called with the rows whose calendars are locked.
    """
    using = rows._db or router.db_for_write(TimeOff)
    chosen = rows.using(using)

    def write() -> tuple[int, dict[str, int]]:
        providers = chosen.order_by().values_list("provider_id", flat=True).distinct()
        calendars = locks.lock_calendars(providers, using=using)
        locked = chosen.filter(provider__in=list(calendars))
        # Lock by key: the queryset may join rows that repeat, or that cannot be locked.
        keys = locked.order_by().values("pk")
        stored: QuerySet[TimeOff] = QuerySet(TimeOff, using=using)
        claims = fresh(stored.filter(pk__in=keys)).values_list("busy_interval_id", flat=True)
        interval_ids = set(claims)
        result = delete(locked)
        release_time(interval_ids, calendars, using=using)
        return result

    return atomic_with_retry(write, using=using)


def release_time(interval_ids: Iterable[int], calendars: Mapping[Any, int], *, using: str) -> None:
    """Release the time of these intervals that no time off takes any more.

    The calendars are locked.
    """
    interval_ids = set(interval_ids)
    intervals = SharedIntervals(calendars, using=using)
    intervals.read_holders(interval_ids)
    entries.delete(interval_ids - intervals.held, using=using)
    intervals.write()


def missing_time_off_error() -> MissingReference:
    return MissingReference(_("The time off is not saved, or has been deleted."))


def _check_saved(time_off: Any) -> None:
    if not is_saved(time_off, TimeOff):
        raise missing_time_off_error()


def _check_not_past(time_off: TimeOff, now: datetime) -> None:
    # A reversed range may end in the past as well; its own error says more.
    time_off.busy_seconds()
    if time_off.end_at <= now:
        raise InvalidSchedule(
            _("The time off has ended already. Give an end that is still to come."), "past"
        )


def _stored_interval_id(time_off: TimeOff, using: str) -> int:
    """Return the key of the busy interval that the time off holds, read under the lock."""
    rows: QuerySet[Any] = QuerySet(TimeOff, using=using)
    stored = fresh(rows).filter(pk=time_off.pk).first()
    if stored is None:
        raise missing_time_off_error()
    if stored.provider_id != time_off.provider_id:
        raise InvalidSchedule(
            _("Time off stays its provider's. Cancel it, and take some for the other provider."),
            "provider_changed",
        )
    interval_id: int = stored.busy_interval_id
    return interval_id


def _find_same(time_off: TimeOff, rows: Iterable[TimeOff]) -> TimeOff | None:
    """Return the row that another call with the same arguments has stored."""
    names = ("start_at", "end_at", "reason", "created_by_id")
    return next(
        (row for row in rows if all(getattr(row, n) == getattr(time_off, n) for n in names)), None
    )
