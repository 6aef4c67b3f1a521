"""The resources of many bookings of one call; ``resource_choice`` chooses those of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bookings.exceptions import BookingError
from bookings.ledger import locks, resource_claims
from bookings.ledger.bulk_claims import ResourceClaim
from bookings.ledger.claims import Claim
from bookings.models import Booking, BookingResource
from bookings.models.bulk_rows import insert_rows
from bookings.services.lapsed_holds import expire_holds_on_resources
from bookings.services.resource_choice import ResourceChoice, read_busy, read_closed


@dataclass(slots=True)
class BulkResources:
    """Resources that are chosen without a lock, and claimed under it.

    What another call takes in between refuses its booking: nobody chooses again.
    """

    now: datetime
    using: str
    ignores_hours: bool = False
    _choices: dict[Any, ResourceChoice] = field(default_factory=dict)
    _chosen: dict[Any, list[BookingResource]] = field(default_factory=dict)

    def choose(
        self,
        choices: Mapping[Any, ResourceChoice],
        refuse: Callable[[Any, BookingError], None],
    ) -> None:
        """Choose the resources of each booking, which is given by a key of the caller's.

        ``refuse`` is called with the key of a booking for which there are none. The number of
        queries does not depend on that of the bookings.
        """
        self._choices = {key: choice for key, choice in choices.items() if choice.needs}
        if not self._choices:
            return
        every = list(self._choices.values())
        candidates = {key: one for choice in every for key, one in choice.candidates.items()}
        spans = [span for choice in every for span in (choice.bounds(), choice.day()) if span[1]]
        busy = read_busy(
            candidates,
            min(starts for starts, _ends in spans),
            max(ends for _starts, ends in spans),
            now=self.now,
            using=self.using,
            freed=sum((Counter(choice.freed) for choice in every), Counter()),
        )
        closed = read_closed(
            list(candidates.values()),
            [choice.booking for choice in every],
            ignores_hours=self.ignores_hours,
        )
        for (key, choice), of_choice in zip(self._choices.items(), closed, strict=True):
            choice.busy, choice.closed = busy, of_choice
            try:
                chosen = choice.choose()
            except BookingError as error:
                refuse(key, error)
                continue
            self._chosen[key] = chosen
            for resource in chosen:
                busy[resource.provider_id].append(choice.window(resource.provider))
        windows = [choice.bounds() for choice in every]
        expire_holds_on_resources(self.provider_ids, windows, now=self.now, using=self.using)

    @property
    def provider_ids(self) -> set[Any]:
        """The keys of the resources, whose calendars the caller locks."""
        return {resource.provider_id for chosen in self._chosen.values() for resource in chosen}

    def of(self, key: Any) -> list[BookingResource]:
        """Return the resources that were chosen for a booking."""
        return self._chosen.get(key, [])

    def claims_of(
        self, key: Any, booking: Booking, claim: Claim, calendars: Mapping[Any, int]
    ) -> list[ResourceClaim]:
        """Return the claims of the resources of a booking, with the keys of their calendars."""
        wanted = []
        for resource in self.of(key):
            joins = resource.provider_id in self._choices[key].slot_resources
            one = resource_claims.resource_claim(booking, resource, claim)
            calendar_id = calendars[resource.provider_id]
            wanted.append((resource, calendar_id, replace(one, shared=joins)))
        return wanted

    def insert(self, keys: Iterable[tuple[Any, Booking]], calendars: Mapping[Any, int]) -> None:
        """Store the resources of new bookings, which are stored, once the claims are written."""
        rows = []
        for key, booking in keys:
            for resource in self.of(key):
                resource.pk, resource._state.adding, resource.booking = None, True, booking
                rows.append(resource)
        self.store(rows, calendars)

    def replace(
        self,
        stored: Sequence[BookingResource],
        bookings: Mapping[Any, Booking],
        calendars: Mapping[Any, int],
    ) -> None:
        """Give bookings, which are given by their keys, the chosen resources in place of others.

        ``stored`` are those that they have. The claims are written. It sets the bookings'
        ``resource_count``.
        """
        had = {(each.booking_id, each.provider_id): each for each in stored}
        kept, added = [], []
        for key, booking in bookings.items():
            chosen = self.of(key)
            booking.resource_count = len(chosen)
            for resource in chosen:
                row = had.pop((key, resource.provider_id), None)
                if row is None:
                    resource.booking = booking
                    added.append(resource)
                else:
                    row.busy_interval_id = resource.busy_interval_id
                    kept.append(row)
        rows = BookingResource.objects.using(self.using)
        if had:
            rows.filter(pk__in=[resource.pk for resource in had.values()]).delete()
        if kept:
            rows.bulk_update(kept, ["busy_interval"])
        self.store(added, calendars)

    def store(self, rows: Sequence[BookingResource], calendars: Mapping[Any, int]) -> None:
        """Insert resources, and let it be the turn of others in their pools."""
        if rows:
            insert_rows(BookingResource.objects.using(self.using).all(), rows)
        turns = [calendars[each.provider_id] for each in rows if each.takes_turns]
        locks.mark_chosen(turns, now=self.now, using=self.using)
