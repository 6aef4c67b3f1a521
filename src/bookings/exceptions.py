"""What a service can refuse, each with a stable ``code`` and a sentence that says what to do.

All are :class:`~django.core.exceptions.ValidationError`, so that forms, the admin and a REST API
show them without knowing them. Catch :class:`BookingError` for all, or the one you can act on.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError


class BookingError(ValidationError):
    """A booking could not be made or changed. Nothing was written."""

    default_code = "booking_error"

    def __init__(self, message: Any, code: str | None = None, params: Any = None) -> None:
        self.booking_code = code or self.default_code
        super().__init__(message, self.booking_code, params)
        # Django gives a code to an error of one message only, not to one about several fields.
        self.code = self.booking_code

    def __str__(self) -> str:
        if hasattr(self, "error_dict"):
            return " ".join(f"{name}: {' '.join(said)}" for name, said in self.message_dict.items())
        return " ".join(self.messages)


class InvalidBooking(BookingError):
    """A value makes no sense or cannot be stored; ``message_dict``, if any, names the fields."""

    default_code = "invalid"


class MissingReference(InvalidBooking):
    """A service, provider, add-on, client or tenant does not exist, or no longer exists."""

    default_code = "missing_reference"


class BookingConflict(BookingError):
    """The time is taken. Offer another slot."""

    default_code = "conflict"


class CapacityExceeded(BookingError):
    """Fewer seats are free than asked for; ``params["remaining"]`` says how many there are."""

    default_code = "capacity_exceeded"


class SlotUnavailable(BookingError):
    """The slot engine does not offer this start. Offer one that it does."""

    default_code = "slot_unavailable"


class DuplicateBooking(BookingError):
    """The client has a booking like this one already; ask whether a second is meant."""

    default_code = "duplicate"


class LimitReached(BookingError):
    """There are as many bookings as there may be; ``params["limit"]`` says by which limit."""

    default_code = "limit_reached"


class IdempotencyKeyReused(BookingError):
    """The key belongs to another request. Make a new key for a new booking."""

    default_code = "idempotency_key_reused"


class PastStart(BookingError):
    """The start has passed. Choose a later one, or allow past starts for imports."""

    default_code = "past_start"


class NoticeWindow(BookingError):
    """Too late for the client to do this alone; staff may override."""

    default_code = "notice_window"


class TooFarAhead(BookingError):
    """The start lies beyond the service's ``maximum_advance_days``."""

    default_code = "too_far_ahead"


class NotAllowed(BookingError):
    """The booking's rules forbid it, or the actor may not do it."""

    default_code = "not_allowed"


class InvalidTransition(BookingError):
    """The booking's status (or the clock) does not permit this step."""

    default_code = "invalid_transition"


class TenantMismatch(BookingError):
    """Something belongs to another tenant, or the tenant is missing."""

    default_code = "tenant_mismatch"


class StaleBooking(BookingError):
    """The booking changed since it was read. Read it again and decide anew."""

    default_code = "stale"


class BookingBusy(BookingError):
    """The database asks to try again (a deadlock, a serialization failure, a lock time-out).

    The services do so by themselves. It reaches a caller who has opened a transaction around the
    call: roll that transaction back and run it again as a whole.
    """

    default_code = "busy"
