"""Create a booking."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import router
from django.utils.translation import get_language

from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.protocols import ProviderLike, ServiceLike
from bookings.questions import given_answers
from bookings.rules import instants, validation
from bookings.services import references
from bookings.services.addons import parse_addon_ids
from bookings.services.booking_creation import save_new_booking, save_with_any_provider
from bookings.services.resource_needs import parse_resources


def create_booking(
    *,
    service: ServiceLike,
    provider: ProviderLike | AnyOf,
    start_at: datetime,
    client_name: str,
    client_email: str = "",
    client_phone: str = "",
    client_user: Any = None,
    resources: Iterable[ProviderLike | AnyOf] | None = None,
    addon_ids: Iterable[Any] | None = None,
    duration_minutes: int | None = None,
    duration_days: int | None = None,
    party_size: int = 1,
    created_by: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
    notes_client: str = "",
    notes_internal: str = "",
    metadata: dict[str, Any] | None = None,
    answers: dict[str, Any] | None = None,
    location: str = "",
    meeting_link: str = "",
    client_language: str | None = None,
    client_timezone: str = "",
    idempotency_key: str | None = "",
    expires_at: datetime | None = None,
    allow_past: bool | None = None,
    skip_slot_validation: bool = False,
    override_policy: bool = False,
) -> Booking:
    """Create a booking of a service with a provider.

    The new booking is CONFIRMED, or PENDING if it requires approval or is a hold. It ends the
    service's ``duration_minutes`` and the add-ons' ``extra_duration_minutes`` after its start, in
    elapsed time, and keeps the rules and prices of the service as they are now. A service that has
    ``duration_days`` or ``ends_at_time`` ends by the wall clock of the provider instead, and then
    come the add-ons.

    ``override_policy`` lifts the service's booking window (minimum notice and maximum advance), the
    lengths that it offers, the limits, that required questions must be answered, that the service
    and the provider must be active, and that the provider must offer the service. Nothing lifts the
    guarantee that the time is free.

    :param service: the service, a saved instance of ``BOOKINGS_SERVICE_MODEL``.
    :param provider: the provider, a saved instance of ``BOOKINGS_PROVIDER_MODEL``, or
        :class:`~bookings.pools.AnyOf` several.
    :param start_at: the start, an aware datetime.
    :param client_name: the client's name; it may be empty for a hold only.
    :param client_email: the client's e-mail address.
    :param client_phone: the client's phone number.
    :param client_user: the client's user account, or ``None``.
    :param resources: further providers whose time the booking takes, each a saved instance or
        :class:`~bookings.pools.AnyOf` several; what the adapter's ``resources()`` names is taken in
        any case.
    :param addon_ids: the keys of the add-ons, each once; ``None`` for none.
    :param duration_minutes: how long it lasts without its add-ons, where the service lets the
        client choose; ``None`` for the service's ``duration_minutes``.
    :param duration_days: how many days it lasts by the wall clock, where the service is booked by
        the day and lets the client choose; ``None`` for the service's ``duration_days``.
    :param party_size: the number of seats to take; more than 1 for a shared service only.
    :param created_by: the user who makes the booking, or ``None``; the history records it.
    :param tenant: the tenant; required if and only if ``BOOKINGS_TENANT_MODEL`` is set.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param notes_client: notes of the client, which the client may read.
    :param notes_internal: notes for staff.
    :param metadata: data of yours, a ``dict`` that JSON can hold; ``None`` for an empty one.
    :param answers: the answers to the questions of the service, by name; see
        :mod:`bookings.questions`. A hold may leave out required ones until it is completed.
    :param location: where the booking takes place, as text.
    :param meeting_link: the ``http`` or ``https`` address of an online meeting.
    :param client_language: the code of the client's language, for messages; ``None`` for the active
        language.
    :param client_timezone: the IANA name of the client's time zone; empty if it is not known.
    :param idempotency_key: a key of your choice, unique per tenant; a second call with the same
        key and the same values returns the first booking, unless that is a hold or request that has
        expired. Empty or ``None`` for no key.
    :param expires_at: make a hold, which lapses at this instant, and at its start at the latest,
        unless it is submitted or confirmed; ``None`` for an ordinary booking.
    :param allow_past: staff only; accept a start that has passed. ``None`` for
        ``BOOKINGS_ALLOW_PAST_START``.
    :param skip_slot_validation: staff only; do not ask the slot engine whether it offers the start.
    :param override_policy: staff only; lift the rules that the description names.
    :returns: the new booking, or the booking that the same ``idempotency_key`` made before; its
        start and its end are in the time zone of ``start_at``.
    :raises InvalidBooking: an argument, or an attribute of the service, the provider or an add-on,
        is invalid or cannot be stored; with the code ``invalid_answers`` by question, and with
        ``invalid_duration`` for a length that the service does not offer.
    :raises MissingReference: an add-on does not exist, or a referenced object has been deleted.
    :raises TenantMismatch: the tenant is missing, or a referenced object belongs to another one.
    :raises NotAllowed: the service or the provider is not active, the service is not booked one to
        one, or the adapter does not permit ``created_by`` to do this.
    :raises ProviderNotOffered: the provider does not offer the service.
    :raises PastStart: the start has passed.
    :raises NoticeWindow: the start is nearer than the service's minimum notice.
    :raises TooFarAhead: the start is further ahead than the service's ``maximum_advance_days``.
    :raises SlotUnavailable: the slot engine does not offer the start.
    :raises DuplicateBooking: the client has a similar booking.
    :raises LimitReached: the client or the provider has as many bookings as a limit allows.
    :raises CapacityExceeded: too few seats of the shared slot are free.
    :raises BookingConflict: the time is taken.
    :raises ResourceTaken: the time of a resource is taken.
    :raises PoolExhausted: no provider of a pool can take the booking.
    :raises IdempotencyKeyReused: the key belongs to another request: another value differs.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    now = references.resolve_now(now_dt)
    using = router.db_for_write(Booking)
    draft = new_draft(
        service=service,
        provider=provider,
        resources=resources,
        start_at=start_at,
        duration_minutes=duration_minutes,
        duration_days=duration_days,
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        client_user=client_user,
        party_size=party_size,
        created_by=created_by,
        tenant=tenant,
        now=now,
        notes_client=notes_client,
        notes_internal=notes_internal,
        metadata=metadata,
        answers=answers,
        location=location,
        meeting_link=meeting_link,
        client_language=client_language,
        client_timezone=client_timezone,
        idempotency_key=idempotency_key,
        expires_at=expires_at,
    )
    # An iterator can be read once.
    addon_keys = parse_addon_ids(addon_ids)
    save = partial(
        save_new_booking,
        addon_ids=addon_keys,
        now=now,
        using=using,
        allow_past=allow_past,
        skip_slot_validation=skip_slot_validation,
        override_policy=override_policy,
    )
    if isinstance(provider, AnyOf):
        booking = save_with_any_provider(
            provider,
            draft,
            save,
            addon_keys,
            now=now,
            using=using,
            override_policy=override_policy,
        )
    else:
        booking = save(draft)
    booking.convert_to_zone(start_at.tzinfo)
    return booking


def new_draft(
    *,
    service: Any,
    provider: Any,
    tenant: Any,
    start_at: datetime,
    resources: Iterable[Any] | None = None,
    duration_minutes: int | None = None,
    duration_days: int | None = None,
    now: datetime,
    expires_at: datetime | None = None,
    party_size: int = 1,
    client_user: Any = None,
    created_by: Any = None,
    metadata: dict[str, Any] | None = None,
    answers: dict[str, Any] | None = None,
    location: str = "",
    meeting_link: str = "",
    client_language: str | None = None,
    client_timezone: str = "",
    idempotency_key: str | None = "",
    client_name: str,
    client_email: str = "",
    client_phone: str = "",
    notes_client: str = "",
    notes_internal: str = "",
) -> Booking:
    """Return an unsaved booking with these arguments of :func:`create_booking`.

    Of a pool, it has the first provider. Raises ``InvalidBooking`` or ``TenantMismatch`` for an
    argument of a wrong type or tenant. The fields of the booking are checked later, and so are the
    answers, which the draft has by name until then.
    """
    if idempotency_key is not None:
        validation.validate_text("idempotency_key", idempotency_key)
    references.saved_instance(service, "SERVICE_MODEL", "service")
    providers = references.saved_providers(provider)
    tenant_id = references.resolve_tenant_id_of_pool(tenant, service=service, providers=providers)
    requested_resources = parse_resources(resources)
    draft = Booking(
        service=service,
        provider=providers[0],
        tenant_id=tenant_id,
        start_at=instants.aware_utc(start_at, "start_at"),
        expires_at=None if expires_at is None else instants.aware_utc(expires_at, "expires_at"),
        party_size=party_size,
        capacity_consumed=party_size,
        client_user=references.saved_user(client_user, "client_user"),
        created_by=references.saved_user(created_by, "created_by"),
        metadata={} if metadata is None else metadata,
        answers=given_answers(answers),
        location=location,
        meeting_link=meeting_link,
        client_language=language_of(client_language),
        client_timezone=client_timezone,
        idempotency_key=idempotency_key or None,
        created_at=now,
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        notes_client=notes_client,
        notes_internal=notes_internal,
    )
    draft.requested_resources = requested_resources
    if duration_minutes is not None:
        draft.requested_minutes = duration_minutes
    if duration_days is not None:
        draft.requested_days = duration_days
    return draft


def language_of(code: str | None) -> str:
    """Return the argument ``client_language``; the active language for ``None``."""
    return get_language() or "" if code is None else code
