"""Move or cancel the bookings in the way of time off, in the transaction that takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings.contrib.schedule.exceptions import BookingChangesRefused
from bookings.exceptions import BookingError, InvalidBooking
from bookings.ledger.locked import Locked, act_under_lock, fresh
from bookings.ledger.transactions import ATTEMPTS, busy_error
from bookings.models import Booking
from bookings.models.arguments import missing_booking_error, saved_booking
from bookings.models.read_alias import reading_from
from bookings.protocols import ProviderLike
from bookings.rules import instants, validation
from bookings.services import references
from bookings.services.booking_change import Change, LockedBooking, check_version, provider_ids
from bookings.services.bulk_change import change_bookings
from bookings.services.bulk_reschedule import BulkReschedule, Target
from bookings.services.cancel import decide_cancellation
from bookings.services.history import on_behalf_data
from bookings.services.lapsed_holds import expire_holds_on_resources

Result = TypeVar("Result")

MAX_CHANGES: Final = 50
"""How many bookings are changed together with one time off, at most."""

MAX_REFUSALS_IN_MESSAGE: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveBooking:
    """Move a booking that is in the way of time off."""

    booking: Booking
    start_at: datetime | None = None
    """The new start, an aware datetime; ``None`` to keep it."""
    provider: ProviderLike | None = None
    """Another provider; ``None`` to keep the booking's."""
    expected_version: int | None = None
    """The ``version`` of the booking that the caller has read; ``None`` accepts any version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelBooking:
    """Cancel a booking that is in the way of time off."""

    booking: Booking
    reason: str = ""
    """Why, for the client; it is stored on the booking and in the history."""
    expected_version: int | None = None
    """The ``version`` of the booking that the caller has read; ``None`` accepts any version."""


BookingChange: TypeAlias = MoveBooking | CancelBooking
Refusal: TypeAlias = tuple[Booking, BookingError]


class PlanOutdated(Exception):
    """Roll back and prepare again: a booking has changed since it was read without a lock."""


class BookingChanges:
    """Checked changes of stored bookings, which are made on the provider's behalf.

    Raises ``InvalidBooking`` if one of the changes is not valid, if a booking is given twice, or if
    there are more than :data:`MAX_CHANGES`.
    """

    def __init__(
        self,
        changes: Iterable[BookingChange],
        *,
        actor: Any,
        now: datetime,
        using: str,
        override_policy: bool,
    ) -> None:
        self._changes: dict[Any, BookingChange] = {}
        self._decisions: dict[Any, Callable[[LockedBooking], Change | None]] = {}
        """What cancels each booking that is to be cancelled, by its key."""
        self._actor, self._now, self._using = actor, now, using
        self._override_policy = override_policy
        given = validation.as_list(changes, "changes")
        if len(given) > MAX_CHANGES:
            raise InvalidBooking(
                _(
                    "%(count)d bookings are too many to be changed at once: at most %(most)d are. "
                    "Take a shorter time off first."
                ),
                "too_many_changes",
                {"count": len(given), "most": MAX_CHANGES},
                field="changes",
            )
        for change in given:
            self._add(change)

    def _add(self, change: Any) -> None:
        if not isinstance(change, MoveBooking | CancelBooking):
            raise InvalidBooking(
                _("%(name)s must be a MoveBooking or a CancelBooking, not %(type)s."),
                params={"name": "changes", "type": type(change).__name__},
                field="changes",
            )
        key = saved_booking(change.booking).pk
        validation.expected_version(change.expected_version)
        if key in self._changes:
            raise InvalidBooking(
                _("A booking is changed twice. Decide once about each."),
                "duplicate_change",
                field="changes",
            )
        if isinstance(change, CancelBooking):
            self._decisions[key] = decide_cancellation(
                reason=change.reason, by="provider", override_policy=self._override_policy
            )
        else:
            if change.provider is not None:
                references.saved_instance(change.provider, "PROVIDER_MODEL", "provider")
            if change.start_at is not None:
                start_at = instants.aware_utc(change.start_at, "start_at")
                change = replace(change, start_at=start_at)
        self._changes[key] = change

    def __bool__(self) -> bool:
        return bool(self._changes)

    def make_with(
        self,
        write: Callable[[], Result],
        *,
        provider_id: Any,
        window: tuple[int, int],
        find_done: Callable[[], Result | None],
    ) -> Result:
        """Make the changes, then ``write`` the time off, in one transaction; return its result.

        ``window`` is the time off in Unix seconds. If ``find_done()`` returns something under the
        lock, the same call has been made before: nothing is written, and that is returned.

        :raises BookingChangesRefused: bookings cannot be changed so; ``refusals`` has them all.
        """
        for _attempt in range(ATTEMPTS):
            # Before the lock, because such a hold may be of a provider that is not locked.
            expire_holds_on_resources([provider_id], [window], now=self._now, using=self._using)
            with reading_from(self._using):
                bulk = self._prepare()
            try:
                return self._make(bulk, write, provider_id, find_done)
            except PlanOutdated:
                continue
        raise busy_error()

    def _prepare(self) -> BulkReschedule:
        """Ask the slot engine and the adapter about the moves, without a lock."""
        bulk = BulkReschedule(self._now, self._using, self._override_policy)
        refusals: list[Refusal] = []
        drafts = self._current(self._read(lock=False), refusals)
        if targets := self._targets(drafts):
            moved = [row for row in drafts if row.pk in targets]
            bulk.prepare(moved, targets, lambda row, error: refusals.append((row, error)))
        _raise_refusals(refusals)
        return bulk

    def _make(
        self,
        bulk: BulkReschedule,
        write: Callable[[], Result],
        provider_id: Any,
        find_done: Callable[[], Result | None],
    ) -> Result:
        def act(locked: Locked[list[Booking]]) -> Result:
            if (done := find_done()) is not None:
                return done
            rows = self._change(locked, bulk)
            result = write()
            for row in rows:
                self._changes[row.pk].booking.copy_from(row)
            return result

        changes = self._changes.values()
        new_providers = [
            change.provider.pk
            for change in changes
            if isinstance(change, MoveBooking) and change.provider is not None
        ]
        return act_under_lock(
            act,
            expected=provider_ids([change.booking for change in changes], using=self._using),
            also_lock=[provider_id, *new_providers, *bulk.resource_ids],
            read=lambda: self._read(lock=True),
            providers_of=lambda rows: provider_ids(rows, using=self._using, lock=True),
            using=self._using,
            now=self._now,
            actor=self._actor,
            lock_client=bulk.lock_clients,
        )

    def _change(self, locked: Locked[list[Booking]], bulk: BulkReschedule) -> list[Booking]:
        """Cancel and move the locked rows, and return them; raise what is refused."""
        refusals: list[Refusal] = []

        def refuse(row: Booking, error: BookingError) -> None:
            refusals.append((row, error))

        rows = self._current(locked.row, refusals)
        _raise_refusals(refusals)
        targets = self._targets(rows)
        moved = [row for row in rows if row.pk in targets]
        if not bulk.covers(moved, targets):
            raise PlanOutdated
        # First, because a move may take what a cancelled booking frees.
        change_bookings(
            [row for row in rows if row.pk in self._decisions],
            lambda one: self._decisions[one.row.pk](one),
            verb="cancel",
            calendars=locked.calendars,
            using=self._using,
            now=self._now,
            actor=self._actor,
            refuse=refuse,
        )
        if moved:
            bulk.write(
                moved,
                targets,
                locked.calendars,
                actor=self._actor,
                event_data=on_behalf_data("provider"),
                refuse=refuse,
            )
        _raise_refusals(refusals)
        return rows

    def _targets(self, rows: Iterable[Booking]) -> dict[Any, Target]:
        """Return where those of the rows move that are to be moved, by key."""
        targets = {}
        for row in rows:
            change = self._changes[row.pk]
            if isinstance(change, MoveBooking):
                start_at = row.start_at if change.start_at is None else change.start_at
                targets[row.pk] = Target(start_at, change.provider)
        return targets

    def _read(self, *, lock: bool) -> list[Booking]:
        rows = Booking._base_manager.using(self._using).filter(pk__in=self._changes).order_by("pk")
        found = list(fresh(rows) if lock else rows)
        if len(found) < len(self._changes):
            raise missing_booking_error()
        return found

    def _current(self, rows: Iterable[Booking], refusals: list[Refusal]) -> list[Booking]:
        """Return the rows that have the version that the caller expects; note the others."""
        current = []
        for row in rows:
            try:
                check_version(row, self._changes[row.pk].expected_version)
            except BookingError as error:
                refusals.append((row, error))
            else:
                current.append(row)
        return current


def _raise_refusals(refusals: Sequence[Refusal]) -> None:
    if not refusals:
        return
    reasons = [
        f"{booking.reference}: {error}" for booking, error in refusals[:MAX_REFUSALS_IN_MESSAGE]
    ]
    if len(refusals) > MAX_REFUSALS_IN_MESSAGE:
        reasons.append("…")
    raise BookingChangesRefused(
        ngettext_lazy(
            "%(count)d booking cannot be changed so. %(reasons)s",
            "%(count)d bookings cannot be changed so. %(reasons)s",
            "count",
        ),
        params={"count": len(refusals), "reasons": " ".join(reasons)},
        refusals=refusals,
    )
