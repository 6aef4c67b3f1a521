"""What the core reads from a host's models.

Only the members of these protocols are required, for a type checker to hold a host's models to.
Everything else is optional: :class:`bookings.rules.service_rules.ServiceRules` reads it and has
the defaults.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class BookingType(StrEnum):
    """The types of booking that a service may take; see the adapter's ``booking_types()``."""

    ONE_TO_ONE = "one_to_one"
    GROUP_SESSION = "group_session"


@runtime_checkable
class ServiceLike(Protocol):
    """What is sold. ``duration_minutes`` is a positive whole number of elapsed minutes."""

    pk: Any
    duration_minutes: int


@runtime_checkable
class ProviderLike(Protocol):
    """Who or what is booked: a person, a room, a chair."""

    pk: Any


@runtime_checkable
class AddonLike(Protocol):
    """An extra on a booking, which may make it longer and dearer."""

    pk: Any
    name: str
