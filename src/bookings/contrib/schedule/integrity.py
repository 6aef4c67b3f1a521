"""What ``check_bookings`` also verifies: time off and its claims go together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from bookings import locks
from bookings.contrib.schedule.models import TimeOff
from bookings.integrity import Problem, register
from bookings.models import BusyInterval
from bookings.policies import ceil_second, floor_second
from bookings.transactions import atomically


@register
def time_off_holds_its_time(using: str) -> Iterator[Problem]:
    """To save it again moves its claim to where it belongs, or fails if that is taken."""
    rows: QuerySet[TimeOff] = QuerySet(TimeOff, using=using)
    for row in rows.select_related("provider", "busy_interval__calendar").iterator():
        claim = row.busy_interval
        if (claim.kind, claim.calendar.provider_id, claim.starts, claim.ends) != (
            BusyInterval.Kind.TIME_OFF,
            row.provider_id,
            floor_second(row.start_at),
            ceil_second(row.end_at),
        ):
            yield Problem(
                3,
                _("Time off %(key)s (%(time_off)s) holds other time than its own.")
                % {"key": row.pk, "time_off": row},
                partial(atomically, partial(_take_its_own, row, using), using=using),
            )


def _take_its_own(row: TimeOff, using: str) -> None:
    holders = {row.provider_id, row.busy_interval.calendar.provider_id}
    locks.lock_calendars(holders, using=using)
    row.save(using=using)


@register
def time_off_claims_are_somebodys(using: str) -> Iterator[Problem]:
    """Not repaired: whose time off it was is not on record, and to release it would open it."""
    claims: QuerySet[BusyInterval] = QuerySet(BusyInterval, using=using)
    lost = claims.filter(time_off__isnull=True, kind=BusyInterval.Kind.TIME_OFF)
    for claim in lost.select_related("calendar__provider").iterator():
        yield Problem(
            4,
            _("Busy interval %(key)s of %(provider)s is time off that is not on record: %(claim)s.")
            % {"key": claim.pk, "provider": claim.calendar, "claim": claim},
        )
