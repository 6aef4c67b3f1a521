"""Change a session: another time, another provider, other seats; its bookings follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db.models import F
from django.utils import timezone

from bookings.conf import app_settings
from bookings.contrib.group_sessions import session_resources, signals
from bookings.contrib.group_sessions.locked_session import (
    LockedSession,
    unguarded_sessions,
    with_locked_session,
    write_alias,
)
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_bookings import read_if_permitted
from bookings.contrib.group_sessions.session_reconciliation import reconcile_sessions
from bookings.contrib.group_sessions.session_rules import (
    check_active_session,
    check_not_past,
    check_offer_has_waitlist,
    check_publishable,
    session_claim,
    validate_session,
)
from bookings.ledger import entries
from bookings.ledger.transactions import busy_error, send_on_commit
from bookings.models import Booking, BookingEvent, BookingResource, name_snapshots
from bookings.models.read_alias import reading_from
from bookings.rules import instants, prices, service_rules
from bookings.rules.buffers import BUFFER_FIELDS, set_buffers_of_move
from bookings.services import references
from bookings.services.booking_move import resource_changes
from bookings.services.history import old_and_new, on_behalf_data, record_events
from bookings.services.lapsed_holds import retry_without_lapsed_holds
from bookings.services.reschedule import ATTEMPTS, ResourcesChanged
from bookings.services.resource_choice import ResourceChoice, with_resources
from bookings.services.resource_needs import parse_resources

CHANGEABLE_FIELDS: Final = (
    "title",
    "provider",
    "start_at",
    "end_at",
    "capacity",
    "price_amount",
    "location",
    "meeting_link",
    "enable_waitlist",
    "waitlist_offer_minutes",
)
PLACE_FIELDS: Final = ("location", "meeting_link")
MOVED_FIELDS: Final = ("provider_id", "start_at", "end_at")


def update_session(
    session: Session,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    allow_past: bool | None = None,
    override_policy: bool = False,
    **changes: Any,
) -> Session:
    """Change a session.

    Another time or provider moves the session's time and every booking that is active, or delivered
    and not completed, with one RESCHEDULED event each. The bookings keep their price. Seats that a
    larger ``capacity`` adds go to the waitlist. Without ``enable_waitlist``, nobody can join the
    waitlist any more, but those who wait are still promoted.

    :param session: the session.
    :param actor: the user who changes it, recorded in the events; ``None`` for nobody.
    :param now_dt: the current time; ``None`` for the clock's.
    :param allow_past: whether a new start may lie in the past; ``None`` for the setting
        ``BOOKINGS_ALLOW_PAST_START``.
    :param override_policy: staff only: lifts that the service and a new provider have to be active,
        and that a new provider has to offer the service.
    :param changes: the new values of ``title``, ``provider``, ``start_at``, ``end_at``,
        ``capacity``, ``price_amount``, ``location``, ``meeting_link``, ``enable_waitlist``,
        ``waitlist_offer_minutes`` or ``resources``, each optional. A new start without an end keeps
        the length. ``resources`` are as those of :func:`create_session`; without them, the session
        keeps each that is free at a new time, and takes another one of the same pool for one that
        is not. A new location or meeting link is that of every booking that had the old one, too,
        with one UPDATED event each.
    :returns: the same object, refreshed.
    :raises TypeError: ``changes`` has a name that cannot be changed.
    :raises SessionNotOpen: the session is cancelled or finished.
    :raises CapacityExceeded: more seats are taken than the new capacity has (code
        ``seats_taken``).
    :raises BookingConflict: the provider's time is taken.
    :raises ResourceTaken: the time of a resource is taken.
    :raises NotAllowed: the adapter does not permit ``actor`` to reschedule one of the bookings.
    :raises MissingReference: the session is not saved, or has been deleted.
    :raises BookingError: whatever else :func:`create_session` raises for these values.
    """
    requested = parse_resources(changes.pop("resources", None))
    update = _SessionUpdate(
        session=session,
        changes=parse_changes(changes),
        requested=requested,
        now=references.resolve_now(now_dt),
        using=write_alias(session),
        actor=references.saved_user(actor, "actor"),
        allow_past=allow_past,
        override_policy=override_policy,
    )
    for _attempt in range(ATTEMPTS):
        try:
            session.copy_from(update.attempt())
        except ResourcesChanged:
            continue
        return session
    raise busy_error()


@dataclass(frozen=True, slots=True, kw_only=True)
class _SessionUpdate:
    """One call of :func:`update_session`."""

    session: Session
    changes: dict[str, Any]
    requested: Sequence[Any] | None
    """The resources that the caller asks for."""
    now: datetime
    using: str
    actor: Any
    allow_past: bool | None
    override_policy: bool

    def attempt(self) -> Session:
        """Change the session and return it as it is stored then.

        Raises ``ResourcesChanged`` if another call has changed its time or resources meanwhile.
        """
        session, using = self.session, self.using
        # A draft that is not stored tells what is wrong, and which time is needed, before the lock.
        draft = unguarded_sessions(using).filter(pk=session.pk).first() or session
        before = copy(draft)
        self._apply(draft)
        if self.new_provider is not None and draft.provider_id != before.provider_id:
            # The adapter is only asked here, without the lock.
            service = _related(draft, "service", using)
            with reading_from(using):
                check_publishable(service, self.new_provider, override_policy=self.override_policy)
        stored = session_resources.read([draft], using=using, lock=False)
        choice = None
        if self.requested is not None or (stored and _has_moved(draft, before)):
            choice = session_resources.choice_of_moved(
                draft,
                stored,
                self.requested,
                now=self.now,
                using=using,
                override_policy=self.override_policy,
            )
        return retry_without_lapsed_holds(
            partial(self._write, choice, {row.pk for row in stored}),
            draft.provider_id,
            session_claim(draft).window if choice is None else choice.bounds(),
            now=self.now,
            using=using,
            own=session.busy_interval_id,
            resource_ids=() if choice is None else choice.candidates,
        )

    @property
    def new_provider(self) -> Any:
        return self.changes.get("provider")

    def _apply(self, row: Session) -> None:
        apply_changes(row, self.changes, self.now, self.allow_past, self.using)

    def _write(self, choice: ResourceChoice | None, expected: set[Any]) -> Session:
        provider = self.new_provider

        def write_with(chosen: Sequence[BookingResource]) -> Session:
            return with_locked_session(
                self.session,
                partial(self._act, choice, expected, chosen),
                now=self.now,
                also_lock=[
                    *([] if provider is None else [provider.pk]),
                    *(resource.provider_id for resource in chosen),
                ],
            )

        return write_with([]) if choice is None else with_resources(choice, write_with)

    def _act(
        self,
        choice: ResourceChoice | None,
        expected: set[Any],
        chosen: Sequence[BookingResource],
        locked: LockedSession,
    ) -> Session:
        row, now, using, actor = locked.row, self.now, self.using, self.actor
        check_active_session(row)
        before = copy(row)
        old = {name: getattr(row, name) for name in (*CHANGEABLE_FIELDS, "provider_id")}
        self._apply(row)
        changed = {name for name in old if getattr(row, name) != old[name]}
        is_moved = _has_moved(row, before)
        stored = session_resources.read([row], using=using)
        if {each.pk for each in stored} != expected or (is_moved and stored and choice is None):
            raise ResourcesChanged
        resource_data = {} if choice is None else resource_changes(stored, chosen)
        if resource_data:
            changed.add("resources")
        if not changed:
            return row
        following = (
            read_if_permitted(row, "reschedule", actor=actor, using=using) if is_moved else []
        )
        is_placed = bool(changed & set(PLACE_FIELDS))
        to_place = read_if_permitted(row, "update", actor=actor, using=using) if is_placed else []
        if choice is not None:
            # The new provider may be one of the resources that it gives up.
            session_resources.release(stored, using=using)
            row.resource_count = len(chosen)
        if is_moved or "capacity" in changed:
            interval_id: Any = row.busy_interval_id
            calendar_id = locked.calendars[row.provider_id]
            entries.resize(interval_id, calendar_id, session_claim(row), using=using)
        row.save_row(using=using)
        if choice is not None:
            session_resources.replace(row, stored, chosen, locked.calendars, now=now, using=using)
        if following:
            _move_bookings(row, following, old, resource_data, using=using, now=now, actor=actor)
        write_places(row, to_place, old, using=using, now=now, actor=actor)
        reconcile_sessions([row.pk], using=using, now=now)
        row.refresh_from_db(using=using)
        send_on_commit(
            signals.session_updated,
            Session,
            using=using,
            session=row,
            changed=sorted(changed - {"provider_id"}),
        )
        return row


def _has_moved(row: Session, before: Session) -> bool:
    return any(getattr(row, name) != getattr(before, name) for name in MOVED_FIELDS)


def parse_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes with values that can be set.

    Raises ``TypeError`` for a name that cannot be changed, and ``InvalidBooking`` for a value of a
    wrong type.
    """
    if unknown := changes.keys() - set(CHANGEABLE_FIELDS):
        raise TypeError(f"update_session() cannot set {', '.join(sorted(unknown))}.")
    changes = dict(changes)
    for name in {"start_at", "end_at"} & changes.keys():
        changes[name] = instants.aware_utc(changes[name], name)
    if "enable_waitlist" in changes:
        changes["enable_waitlist"] = bool(changes["enable_waitlist"])
    if "provider" in changes:
        references.saved_instance(changes["provider"], "PROVIDER_MODEL", "provider")
    return changes


def apply_changes(
    row: Session,
    changes: dict[str, Any],
    now: datetime,
    allow_past: bool | None,
    using: str,
    *,
    service: Any = None,
) -> None:
    """Set the new values, and raise a ``BookingError`` for what is wrong; nothing is stored.

    The ``service`` is read unless it is given.
    """
    old_start_at = row.start_at
    old_offer_minutes = row.waitlist_offer_minutes
    if "provider" in changes and changes["provider"].pk != row.provider_id:
        set_buffers_of_move(
            row,
            service=service or _related(row, "service", using),
            old_provider=_related(row, "provider", using),
            new_provider=changes["provider"],
        )
    length = row.end_at - row.start_at
    for name, value in changes.items():
        setattr(row, name, value)
    if "start_at" in changes and "end_at" not in changes:
        row.end_at = instants.add_elapsed(row.start_at, length)
    validate_session(row)
    # An unchanged offer is valid without a waitlist: it still applies to those who wait.
    if row.waitlist_offer_minutes != old_offer_minutes:
        check_offer_has_waitlist(row)
    if row.start_at != old_start_at:
        check_not_past(row, now, allow_past)
    if provider := changes.get("provider"):
        references.check_same_tenant(row.tenant_id, provider=provider)
    if "price_amount" in changes:
        rules = service_rules.ServiceRules.of(
            service or _related(row, "service", using),
            default_currency=app_settings.DEFAULT_CURRENCY,
        )
        prices.check_payable(row.price_amount, rules.currency, "price_amount")


def _related(row: Session, name: str, using: str) -> Any:
    """Return the session's service or provider, from where the session is written to."""
    field: Any = Session._meta.get_field(name)
    if field.is_cached(row):
        return getattr(row, name)
    return field.remote_field.model._base_manager.using(using).get(pk=getattr(row, field.attname))


def write_places(
    row: Session,
    bookings: Iterable[Booking],
    old: dict[str, Any],
    *,
    using: str,
    now: datetime,
    actor: Any,
) -> None:
    """Give the bookings the session's new place, apart from those with a place of their own."""
    by_names: dict[tuple[str, ...], list[Any]] = defaultdict(list)
    for booking in bookings:
        by_names[_changed_places(booking, old, row)].append(booking.pk)
    by_names.pop((), None)
    for names, keys in by_names.items():
        new = {name: getattr(row, name) for name in names}
        Booking._base_manager.using(using).filter(pk__in=keys).update(
            **new, version=F("version") + 1, updated_at=timezone.now()
        )
        record_events(
            keys,
            BookingEvent.EventType.UPDATED,
            old_and_new({name: old[name] for name in names}, new),
            using=using,
            now=now,
            actor=actor,
        )


def _changed_places(booking: Booking, old: dict[str, Any], row: Session) -> tuple[str, ...]:
    """Return the names of the fields in which the booking had the session's old place."""
    return tuple(
        name for name in PLACE_FIELDS if getattr(booking, name) == old[name] != getattr(row, name)
    )


def _move_bookings(
    row: Session,
    bookings: Iterable[Booking],
    old: dict[str, Any],
    resource_data: dict[str, Any],
    *,
    using: str,
    now: datetime,
    actor: Any,
) -> None:
    keys = [booking.pk for booking in bookings]
    names = {}
    if row.provider_id != old["provider_id"]:
        names["provider_name"] = name_snapshots.name_of(row.provider)
    Booking._base_manager.using(using).filter(pk__in=keys).update(
        provider_id=row.provider_id,
        **names,
        start_at=row.start_at,
        end_at=row.end_at,
        **{name: getattr(row, name) for name in BUFFER_FIELDS},
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    # A pending booking expires at the start, at the latest.
    expiring_later = Booking._base_manager.using(using).filter(
        pk__in=keys, expires_at__gt=row.start_at
    )
    expiring_later.filter(status=Booking.Status.PENDING).update(expires_at=row.start_at)
    before = {"start_at": old["start_at"], "end_at": old["end_at"], "provider": old["provider_id"]}
    after = {"start_at": row.start_at, "end_at": row.end_at, "provider": row.provider_id}
    record_events(
        keys,
        BookingEvent.EventType.RESCHEDULED,
        old_and_new(before, after) | resource_data | on_behalf_data("provider"),
        using=using,
        now=now,
        actor=actor,
    )
