"""The optional arguments of the services that create bookings.

Each service that passes its arguments on to another one takes them as ``**options`` with one of
these types. :func:`~bookings.services.create_booking` documents every key.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypedDict

from bookings.pools import AnyOf
from bookings.protocols import ProviderLike


class ClientOptions(TypedDict, total=False):
    """Who the client is besides the name, and what is noted."""

    client_email: str
    client_phone: str
    client_user: Any
    notes_client: str
    notes_internal: str
    answers: dict[str, Any] | None
    client_language: str | None
    client_timezone: str
    metadata: dict[str, Any] | None


class CommonOptions(ClientOptions, total=False):
    """The options of a booking at a time that something else decides, as a seat of a session."""

    created_by: Any
    override_policy: bool


class HoldOptions(CommonOptions, total=False):
    """The options of :func:`~bookings.services.hold_booking`, which sets ``expires_at`` itself."""

    resources: Iterable[ProviderLike | AnyOf] | None
    addon_ids: Iterable[Any] | None
    duration_minutes: int | None
    duration_days: int | None
    location: str
    meeting_link: str
    party_size: int
    tenant: Any
    now_dt: datetime | None
    idempotency_key: str | None
    allow_past: bool | None
    skip_slot_validation: bool


class BookingOptions(HoldOptions, total=False):
    """All optional arguments of :func:`~bookings.services.create_booking`."""

    expires_at: datetime | None
