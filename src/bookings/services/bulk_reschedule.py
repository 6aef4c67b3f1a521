"""Move many bookings in a constant number of statements for each 100; ``reschedule`` moves one.

The bookings move together: none is in the way of another one's move.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from django.db.models import Q

from bookings import slots
from bookings.adapters import get_adapter
from bookings.exceptions import BookingError
from bookings.ledger import entries, resource_claims
from bookings.ledger.bulk_claims import BulkClaims
from bookings.ledger.intervals import Interval
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingAddon, BookingEvent, BookingResource, BusyInterval
from bookings.models.bulk_rows import copy_row
from bookings.services import references
from bookings.services.booking_change import Change
from bookings.services.booking_move import (
    DEPENDENT_FIELDS,
    MOVED_FIELDS,
    Move,
    apply_move,
    resource_changes,
)
from bookings.services.bulk_change import BulkChange, Refuse
from bookings.services.bulk_resources import BulkResources
from bookings.services.day_zones import DayZones
from bookings.services.duplicates import check_duplicate, similar_bookings
from bookings.services.lapsed_holds import expire_lapsed_holds
from bookings.services.limit_check import LimitCheck, lock_clients
from bookings.services.loaded_bookings import LoadedBookings
from bookings.services.offered_providers import OfferedProviders
from bookings.services.reschedule_count import check_reschedule_count, count_reschedules
from bookings.services.resource_choice import ResourceChoice
from bookings.services.resource_needs import needs_of_stored


class Target(NamedTuple):
    """Where a booking moves."""

    start_at: datetime
    provider: Any = None
    """The new provider; ``None`` to keep the booking's."""


@dataclass(slots=True)
class BulkReschedule:
    """Moves of bookings: call ``prepare``, lock, and call ``check`` and ``write``."""

    now: datetime
    using: str
    override_policy: bool = False
    skip_slot_validation: bool = False
    _zones: DayZones = field(default_factory=DayZones)
    _offered: OfferedProviders = field(default_factory=OfferedProviders)
    _limit_checks: dict[Any, LimitCheck] = field(default_factory=dict)
    _prepared: dict[Any, tuple[datetime, Any]] = field(default_factory=dict)
    _resources: BulkResources = field(init=False)
    _had: dict[Any, set[Any]] = field(default_factory=dict)
    """The keys of the resources that each booking had when it was prepared, by its key."""
    _stored: list[BookingResource] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._resources = BulkResources(self.now, self.using, self.skip_slot_validation)

    @property
    def resource_ids(self) -> set[Any]:
        """The keys of the resources whose calendars to lock besides those that the rows have."""
        return self._resources.provider_ids

    def prepare(
        self, drafts: Sequence[Booking], targets: Mapping[Any, Target], refuse: Refuse
    ) -> None:
        """Check the moves as far as can be told without the lock.

        ``drafts`` are rows that were read without it; they are changed. The slot engine is asked
        here.
        """
        moves = self._apply(drafts, targets, refuse, lock=False)
        moved = [draft for draft, _before, _move in moves]
        for draft in moved:
            self._prepared[draft.pk] = (draft.start_at, draft.provider_id)
            self._limit_checks[draft.pk] = LimitCheck(
                draft, zones=self._zones, override_policy=self.override_policy
            )
        refused = set()
        if not self.skip_slot_validation:
            errors = slots.validate_starts(
                moved, now_dt=self.now, override_policy=self.override_policy
            )
            for draft, error in zip(moved, errors, strict=True):
                if error is not None:
                    refused.add(draft.pk)
                    refuse(draft, error)
        self._choose_resources([move for move in moves if move[0].pk not in refused], refuse)

    def _choose_resources(
        self, moves: Sequence[tuple[Booking, Booking, Move]], refuse: Refuse
    ) -> None:
        having = [draft for draft, _before, _move in moves if draft.resource_count]
        if not having:
            return
        stored = BookingResource.objects.using(self.using).filter(booking__in=having)
        resources = list(stored.order_by("pk"))
        needs = needs_of_stored(having, resources, using=self.using)
        choices: dict[Any, ResourceChoice] = {}
        drafts = {draft.pk: draft for draft in having}
        for draft, _before, move in moves:
            if draft.pk not in drafts:
                continue
            mine = [each for each in resources if each.booking_id == draft.pk]
            self._had[draft.pk] = {each.provider_id for each in mine}
            choices[draft.pk] = ResourceChoice(
                draft,
                needs[draft.pk],
                move.claim,
                now=self.now,
                using=self.using,
                ignores_hours=self.skip_slot_validation,
                override_policy=self.override_policy,
                freed={
                    each.busy_interval_id: 1 for each in mine if each.busy_interval_id is not None
                },
                buffers={each.provider_id: each.buffers for each in mine},
            )
        self._resources.choose(choices, lambda key, error: refuse(drafts[key], error))

    def covers(self, rows: Iterable[Booking], targets: Mapping[Any, Target]) -> bool:
        """Return whether ``prepare`` has checked these moves of the rows, under the lock."""
        rows = list(rows)
        self._stored = resource_claims.read(rows, using=self.using)
        had: dict[Any, set[Any]] = defaultdict(set)
        for resource in self._stored:
            had[resource.booking_id].add(resource.provider_id)
        return had == self._had and all(
            self._prepared.get(row.pk) == (target.start_at, _provider_id(row, target))
            for row in rows
            for target in (targets[row.pk],)
        )

    def lock_clients(self) -> None:
        """Lock the clients; after the calendars."""
        lock_clients(self._limit_checks.values(), now=self.now, using=self.using)

    def write(
        self,
        rows: Sequence[Booking],
        targets: Mapping[Any, Target],
        calendars: Mapping[Any, int],
        *,
        actor: Any,
        event_data: dict[str, Any],
        refuse: Refuse,
    ) -> None:
        """Move the rows, which were read under the lock, and write them unless one is refused.

        ``event_data`` is added to the data of each event.
        """
        now, using = self.now, self.using
        adapter = get_adapter()
        is_refused = False

        def note(row: Booking, error: BookingError) -> None:
            nonlocal is_refused
            is_refused = True
            refuse(row, error)

        def check_permission(row: Booking) -> None:
            adapter.check_permission(actor, "reschedule", row)

        moves = [
            (row, before, move, data)
            for row, before, move in self._apply(rows, targets, note, check=check_permission)
            if (data := move.event_data(before))
        ]
        claims = BulkClaims(using=using)
        self._expire_lapsed_holds(moves)
        moved = {row.pk for row, _before, _move, _data in moves}
        held = [each for each in self._stored if each.booking_id in moved]
        of_resources = {
            row.pk: self._resources.claims_of(row.pk, row, move.claim, calendars)
            for row, _before, move, _data in moves
        }
        claims.read(
            [
                *((calendars[row.provider_id], move.claim) for row, _before, move, _data in moves),
                *(
                    (calendar_id, claim)
                    for wanted in of_resources.values()
                    for _resource, calendar_id, claim in wanted
                ),
            ],
            interval_ids=[
                key
                for key in (
                    *(before.busy_interval_id for _row, before, _move, _data in moves),
                    *(each.busy_interval_id for each in held),
                )
                if key is not None
            ],
        )
        loaded = LoadedBookings(
            chain.from_iterable(
                self._conditions(row, before) for row, before, _move, _data in moves
            ),
            using=using,
        )
        reschedules = self._count_reschedules(moves, event_data)
        for _row, before, _move, _data in moves:
            claims.release(before.busy_interval_id, before.party_size)
        for resource in held:
            claims.release(resource.busy_interval_id, 1)
        changes = BulkChange(using=using, now=now, actor=actor)
        placed: list[tuple[Booking, Interval]] = []
        for row, before, move, data in moves:
            try:
                if claims.kind_of(before.busy_interval_id) == BusyInterval.Kind.SESSION:
                    raise entries.in_session_error()
                if row.pk in reschedules:
                    check_reschedule_count(row, before, reschedules[row.pk])
                check_duplicate(row, now=now, using=using, among=loaded)
                limit_check = self._limit_checks[row.pk]
                limit_check.check(row, now=now, using=using, before=before, among=loaded)
                interval = claims.add_with_resources(
                    calendars[row.provider_id], move.claim, of_resources[row.pk]
                )
                placed.append((row, interval))
            except BookingError as error:
                note(before, error)
                continue
            loaded.put(row)
            fields = (*MOVED_FIELDS, *DEPENDENT_FIELDS)
            had = [each for each in held if each.booking_id == row.pk]
            resources = resource_changes(had, self._resources.of(row.pk))
            change = Change(
                BookingEvent.EventType.RESCHEDULED, fields, data=data | resources | event_data
            )
            changes.add(before, row, change)
        if is_refused:
            return
        claims.write()
        for row, interval in placed:
            row.busy_interval_id = interval.pk
        self._resources.replace(held, {row.pk: row for row, _interval in placed}, calendars)
        changes.write()

    def _apply(
        self,
        rows: Sequence[Booking],
        targets: Mapping[Any, Target],
        refuse: Refuse,
        *,
        check: Any = None,
        lock: bool = True,
    ) -> list[tuple[Booking, Booking, Move]]:
        """Set the new values on the rows; return each with a copy as it was, and its move."""
        addons: dict[Any, list[BookingAddon]] = defaultdict(list)
        stored = BookingAddon.objects.using(self.using).filter(booking__in=[r.pk for r in rows])
        for addon in fresh(stored) if lock else stored:
            addons[addon.booking_id].append(addon)
        references.load_related_of_all(rows, "service", "provider", using=self.using)
        moved = []
        for row in rows:
            before = copy_row(row)
            target = targets[row.pk]
            try:
                if check is not None:
                    check(row)
                move = apply_move(
                    row,
                    addons[row.pk],
                    start_at=target.start_at,
                    provider=target.provider,
                    now=self.now,
                    using=self.using,
                    zones=self._zones,
                    offered=self._offered,
                    override_policy=self.override_policy,
                    is_locked=lock,
                )
            except BookingError as error:
                refuse(before, error)
            else:
                moved.append((row, before, move))
        return moved

    def _count_reschedules(
        self,
        moves: Iterable[tuple[Booking, Booking, Move, dict[str, Any]]],
        event_data: dict[str, Any],
    ) -> Mapping[Any, int]:
        """Return how often the client has moved those of the bookings that have a limit of it."""
        keys = [row.pk for row, _before, _move, _data in moves if row.max_reschedules is not None]
        if self.override_policy or event_data.get("by") == "provider" or not keys:
            return {}
        counts = count_reschedules(keys, using=self.using, lock=True)
        return {key: counts[key] for key in keys}

    def _conditions(self, row: Booking, before: Booking) -> Iterable[Q]:
        similar = similar_bookings(row, self.now)
        if similar is not None:
            yield similar
        check = self._limit_checks[row.pk]
        yield from check.conditions(row, now=self.now, before=before)

    def _expire_lapsed_holds(
        self, moves: Iterable[tuple[Booking, Booking, Move, dict[str, Any]]]
    ) -> None:
        windows: dict[Any, list[tuple[int, int]]] = defaultdict(list)
        for row, _before, move, _data in moves:
            windows[row.provider_id].append(move.claim.window)
        for provider_id, wanted in windows.items():
            expire_lapsed_holds(provider_id, *wanted, now=self.now, using=self.using)


def _provider_id(row: Booking, target: Target) -> Any:
    return row.provider_id if target.provider is None else target.provider.pk
