"""Store many new bookings in a constant number of statements for each 100.

``booking_creation`` stores one. The rules are the same, and so is the order in which they are
checked; each booking also counts for those after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.db import connections
from django.db.models import Q, QuerySet

from bookings import slots, terms
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import BookingError
from bookings.ledger.bulk_claims import BulkClaims, ResourceClaim
from bookings.ledger.intervals import Interval
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking, BookingAddon
from bookings.models.bulk_rows import has_save_receivers, insert_rows
from bookings.models.read_alias import reading_from
from bookings.services.booking_creation import (
    created_events,
    prepare_inserts,
    resource_data,
    skipped_validation_data,
)
from bookings.services.bulk_resources import BulkResources
from bookings.services.duplicates import check_duplicate, guard_window, similar_bookings
from bookings.services.history import save_events
from bookings.services.idempotency import check_keys_are_unique, key_reused_error
from bookings.services.lapsed_holds import expire_lapsed_holds
from bookings.services.limit_check import lock_clients
from bookings.services.loaded_bookings import LoadedBookings
from bookings.services.new_booking import CheckCache, NewBooking, asks_about_each, copy_draft
from bookings.services.resource_choice import ResourceChoice

Refuse = Callable[[NewBooking, BookingError], None]
"""What is called with a booking that cannot be made; it may raise the error."""


class SeatRows(Protocol):
    """What an app stores with new bookings in its sessions, as ``SessionTime`` for one."""

    def check_open(self, new: NewBooking, claims: BulkClaims) -> None:
        """Raise a ``BookingError`` if the session does not take the booking, under the lock."""

    def record(self, news: Sequence[NewBooking]) -> None:
        """Write the sessions' own rows about bookings that have just been stored."""


def check_new_bookings(
    news: Iterable[NewBooking],
    refuse: Refuse,
    *,
    now: datetime,
    using: str,
    allow_past: bool | None = None,
    skip_slot_validation: bool = False,
) -> list[NewBooking]:
    """Return the bookings that the rules allow, as far as can be told without the lock.

    It asks the adapter, the extensions and the slot engine.
    """
    if allow_past is None:
        allow_past = app_settings.ALLOW_PAST_START
    with reading_from(using):
        cache = CheckCache()
        allowed = list(_keep(news, lambda new: new.apply_rules(now, cache.zones), refuse))
        terms.collect_many([new.booking for new in allowed], using=using)
        allowed = list(
            _keep(allowed, lambda new: new.check(now, cache=cache, allow_past=allow_past), refuse)
        )
        return _with_slots(allowed, refuse, now=now, skip_slot_validation=skip_slot_validation)


def check_repeated(
    new: NewBooking,
    starts: Sequence[datetime],
    refuse: Refuse,
    *,
    now: datetime,
    using: str,
    allow_past: bool | None = None,
    skip_slot_validation: bool = False,
) -> list[NewBooking]:
    """Return copies of a draft at these starts, as :func:`check_new_bookings` does.

    Where the copies differ in their times alone, the rules of the first are those of all.
    """
    copies = (new.with_booking(copy_draft(new.booking, start_at=start)) for start in starts)
    if allow_past is None:
        allow_past = app_settings.ALLOW_PAST_START
    if not asks_about_each():
        with reading_from(using):
            repeated = _repeat(new, starts, refuse, now=now, using=using, allow_past=allow_past)
            if repeated is not None:
                return _with_slots(
                    repeated, refuse, now=now, skip_slot_validation=skip_slot_validation
                )
    return check_new_bookings(
        copies,
        refuse,
        now=now,
        using=using,
        allow_past=allow_past,
        skip_slot_validation=skip_slot_validation,
    )


def _repeat(
    new: NewBooking,
    starts: Sequence[datetime],
    refuse: Refuse,
    *,
    now: datetime,
    using: str,
    allow_past: bool,
) -> list[NewBooking] | None:
    """Return copies of a draft; ``None`` if each has to be checked by itself.

    That is so if the first is refused, and if the start decides about more than the end.
    """
    first = new.with_booking(copy_draft(new.booking, start_at=starts[0]))
    cache, known_terms = CheckCache(), terms.KnownTerms()
    try:
        first.apply_rules(now, cache.zones)
        terms.collect_many([first.booking], using=using, known=known_terms)
        first.check(now, cache=cache, allow_past=allow_past)
    except BookingError:
        return None
    if not first.is_repeatable:
        return None
    copies = [first.repeat(start) for start in starts[1:]]
    terms.collect_many([copied.booking for copied in copies], using=using, known=known_terms)

    def check(copied: NewBooking) -> None:
        copied.check_repeated(now, cache=cache, allow_past=allow_past)

    return [first, *_keep(copies, check, refuse)]


def _keep(
    candidates: Iterable[NewBooking], check: Callable[[NewBooking], None], refuse: Refuse
) -> Iterator[NewBooking]:
    """Yield those that pass a check, and refuse the others."""
    for new in candidates:
        try:
            check(new)
        except BookingError as error:
            refuse(new, error)
        else:
            yield new


def _with_slots(
    news: list[NewBooking], refuse: Refuse, *, now: datetime, skip_slot_validation: bool
) -> list[NewBooking]:
    """Return those whose start the slot engine offers, and seats of sessions, and refuse others."""
    timed = [new for new in news if new.session_time is None]
    if skip_slot_validation or not timed:
        return news
    errors = slots.validate_starts(
        [new.booking for new in timed], now_dt=now, override_policy=timed[0].override_policy
    )
    for new, error in zip(timed, errors, strict=True):
        if error is not None:
            refuse(new, error)
    return [new for new, error in zip(timed, errors, strict=True) if error is None]


@dataclass(slots=True)
class BulkCreation:
    """New bookings of one call, which pass :func:`check_new_bookings`."""

    news: Sequence[NewBooking]
    now: datetime
    using: str
    skip_slot_validation: bool = False
    seat_rows: SeatRows | None = None
    _resources: BulkResources = field(init=False)
    _calendars: Mapping[Any, int] = field(default_factory=dict)
    _accepted: list[tuple[NewBooking, Interval]] = field(default_factory=list)
    _claims: BulkClaims = field(init=False)

    def __post_init__(self) -> None:
        self._resources = BulkResources(self.now, self.using, self.skip_slot_validation)

    def choose_resources(self, refuse: Refuse) -> None:
        """Choose the resources of the bookings, before the lock; leave out who gets none."""
        refused: set[Any] = set()

        def note(new: Any, error: BookingError) -> None:
            refused.add(new)
            refuse(new, error)

        with reading_from(self.using):
            choices = {
                new: ResourceChoice(
                    new.booking,
                    new.needs,
                    new.claim,
                    now=self.now,
                    using=self.using,
                    ignores_hours=self.skip_slot_validation,
                    override_policy=new.override_policy,
                )
                for new in self.news
                if new.needs
            }
            self._resources.choose(choices, note)
        self.news = [new for new in self.news if new not in refused]

    @property
    def resource_ids(self) -> set[Any]:
        """The keys of the resources whose calendars to lock besides those of the providers."""
        return self._resources.provider_ids

    def lock_clients(self) -> None:
        """Lock the clients; after the calendars."""
        lock_clients([new.limit_check for new in self.news], now=self.now, using=self.using)

    def check(self, calendars: Mapping[Any, int], refuse: Refuse) -> list[Booking]:
        """Return the bookings that can be stored, in order, under the locks."""
        now, using = self.now, self.using
        self._calendars = calendars
        wanted = [
            (
                calendars[new.booking.provider_id],
                new,
                self._resources.claims_of(new, new.booking, new.claim, calendars),
            )
            for new in self.news
        ]
        claims = self._claims = self._read_claims(wanted)
        if claims.may_be_lapsed(now):
            self._expire_lapsed_holds()
            claims = self._claims = self._read_claims(wanted)
        # Read once: a setting or the adapter takes longer to look up than most checks take.
        adapter, is_guarded = get_adapter(), guard_window() is not None
        is_compared = is_guarded or not all(new.limit_check.is_off for new in self.news)
        loaded = LoadedBookings(self._conditions(is_guarded=is_guarded), using=using)
        self._accepted = []
        for calendar_id, new, resources in wanted:
            booking = new.booking
            try:
                adapter.check_permission(booking.created_by, "create", booking)
                if is_guarded:
                    check_duplicate(booking, now=now, using=using, among=loaded)
                if not new.limit_check.is_off:
                    new.limit_check.check(booking, now=now, using=using, among=loaded)
                if self.seat_rows is not None:
                    self.seat_rows.check_open(new, claims)
                interval = claims.add_with_resources(calendar_id, new.claim, resources)
            except BookingError as error:
                refuse(new, error)
            else:
                if is_compared:
                    loaded.put(booking)
                self._accepted.append((new, interval))
        return [new.booking for new, _interval in self._accepted]

    def _read_claims(
        self, wanted: Sequence[tuple[int, NewBooking, list[ResourceClaim]]]
    ) -> BulkClaims:
        claims = BulkClaims(using=self.using)
        claims.read(
            [
                *((calendar_id, new.claim) for calendar_id, new, _resources in wanted),
                *(
                    (calendar_id, claim)
                    for _calendar_id, _new, resources in wanted
                    for _resource, calendar_id, claim in resources
                ),
            ],
            interval_ids={
                new.claim.interval_id for new in self.news if new.claim.interval_id is not None
            },
        )
        return claims

    def write(self) -> None:
        """Store the bookings that ``check`` has returned."""
        atomic_with_retry(self._write, using=self.using, unique_error=key_reused_error)

    def _write(self) -> None:
        now, using = self.now, self.using
        bookings = [new.booking for new, _interval in self._accepted]
        prepare_inserts(bookings, now)
        for new, _interval in self._accepted:
            new.booking.resource_count = len(self._resources.of(new))
        self._claims.write()
        for new, interval in self._accepted:
            new.booking.busy_interval_id = interval.pk
        insert_bookings(bookings, using=using)
        check_keys_are_unique(bookings, using=using)
        addons = []
        for new, _interval in self._accepted:
            for snapshot in new.snapshots:
                snapshot.pk, snapshot.booking = None, new.booking
                addons.append(snapshot)
        BookingAddon.objects.using(using).bulk_create(addons)
        self._resources.insert(
            [(new, new.booking) for new, _interval in self._accepted], self._calendars
        )
        if self.seat_rows is not None:
            self.seat_rows.record([new for new, _interval in self._accepted])
        data = skipped_validation_data(self.skip_slot_validation)
        data_by_booking = [
            (new.booking, data | new.request | resource_data(self._resources.of(new)))
            for new, _interval in self._accepted
        ]
        save_events(created_events(data_by_booking, now), using=using)

    def _conditions(self, *, is_guarded: bool) -> Iterable[Q]:
        """Yield filters for the stored bookings with which the new ones are compared."""
        for new in self.news:
            if is_guarded and (similar := similar_bookings(new.booking, self.now)) is not None:
                yield similar
            if not new.limit_check.is_off:
                yield from new.limit_check.conditions(new.booking, now=self.now)

    def _expire_lapsed_holds(self) -> None:
        windows: dict[Any, list[tuple[int, int]]] = {}
        for new in self.news:
            windows.setdefault(new.booking.provider_id, []).append(new.claim.window)
        for provider_id, wanted in windows.items():
            expire_lapsed_holds(provider_id, *wanted, now=self.now, using=self.using)


def insert_bookings(bookings: Sequence[Booking], *, using: str) -> None:
    """Insert bookings whose time is claimed, and set their keys."""
    if has_save_receivers(Booking):
        for booking in bookings:
            booking.save_row(using=using)
        return
    # Not ``Booking.objects``, which refuses bookings that hold time.
    stored: QuerySet[Booking] = QuerySet(Booking, using=using)
    insert_rows(stored, bookings)
    if not connections[using].features.can_return_rows_from_bulk_insert:
        # MySQL does not return the keys of the rows that it inserts.
        uuids = [booking.uuid for booking in bookings]
        keys = dict(stored.filter(uuid__in=uuids).values_list("uuid", "pk"))
        for booking in bookings:
            booking.pk = keys[booking.uuid]
