"""The errors that the services raise.

Each is a :class:`~django.core.exceptions.ValidationError`, so forms, the admin and REST frameworks
show it without further code. ``code`` is stable and for programs; the message is translated and for
people. Catch :class:`BookingError` for all errors, or a subclass to act on its cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError


class BookingError(ValidationError):
    """A booking could not be created or changed. Nothing was written.

    Your adapter and your slot engine may raise each of them with a message alone.

    ``params`` are only for formatting the message. Values for callers are attributes.

    :param message: the message, translatable, or messages by the names of fields.
    :param code: the stable code; ``None`` for the ``default_code`` of the class.
    :param params: the values of the placeholders in the message.
    :param field: the argument or attribute that the error is about; empty for the
        ``default_field`` of the class.
    """

    default_code = "booking_error"
    default_field = ""

    field: str
    """The argument or attribute that the error is about, such as ``start_at`` or
    ``service.capacity``; empty if it is not about a single one."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        field: str = "",
    ) -> None:
        self.field = field or str((params or {}).get("name") or self.default_field)
        self.booking_code = code or self.default_code
        super().__init__(message, self.booking_code, params)
        # Django gives a code to an error of one message only, not to one about several fields.
        self.code = self.booking_code

    @property
    def message_dict(self) -> dict[str, list[str]]:
        """The messages by the names of arguments and fields; of an error about none, by
        ``"__all__"``.
        """
        if hasattr(self, "error_dict"):
            return super().message_dict
        return {self.field or NON_FIELD_ERRORS: self.messages}

    def __reduce__(self) -> tuple[Any, ...]:
        # By default, an exception is copied and unpickled by calling its class with its arguments.
        return _new_error, (type(self), self.args), self.__dict__

    def __repr__(self) -> str:
        # Django's says "ValidationError" for every subclass, and a log should say which it is.
        return f"{type(self).__name__}({str(self)!r}, code={self.booking_code!r})"

    def __str__(self) -> str:
        if hasattr(self, "error_dict"):
            return " ".join(
                f"{name}: {' '.join(messages)}" for name, messages in self.message_dict.items()
            )
        return " ".join(self.messages)


def _new_error(error_type: type[BookingError], args: tuple[Any, ...]) -> BookingError:
    return error_type.__new__(error_type, *args)


class InvalidBooking(BookingError):
    """A value is invalid or cannot be stored. ``message_dict``, if set, has messages by field."""

    default_code = "invalid"


class MissingReference(InvalidBooking):
    """A service, provider, add-on, client or booking does not exist any more. Choose another."""

    default_code = "missing_reference"

    provider_id: Any = None
    """The key of the provider that does not exist; ``None`` for anything else."""


class BookingConflict(BookingError):
    """The time is taken. Offer another slot."""

    default_code = "conflict"
    default_field = "start_at"


class ResourceTaken(BookingConflict):
    """The time of a resource is taken. Offer another slot, or another resource."""

    default_code = "resource_taken"

    resource: Any
    """The resource, an instance of ``BOOKINGS_PROVIDER_MODEL``."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        resource: Any = None,
        field: str = "",
    ) -> None:
        self.resource = resource
        super().__init__(message, code, params, field=field)


class PoolExhausted(BookingConflict):
    """No provider of a pool can take the booking. Offer another slot, or a larger pool."""

    default_code = "pool_exhausted"

    refusals: tuple[tuple[Any, BookingError], ...]
    """Each provider of the pool, in the order in which they were tried, and why it cannot."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        refusals: Iterable[tuple[Any, BookingError]] = (),
        field: str = "",
    ) -> None:
        self.refusals = tuple(refusals)
        super().__init__(message, code, params, field=field)


class CapacityExceeded(BookingError):
    """Fewer seats are free than the party needs. Offer fewer seats, or another slot."""

    default_code = "capacity_exceeded"
    default_field = "party_size"

    remaining: int
    """The number of free seats."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        remaining: int = 0,
        field: str = "",
    ) -> None:
        self.remaining = remaining
        super().__init__(message, code, {"remaining": remaining, **(params or {})}, field=field)


class SlotUnavailable(BookingError):
    """The slot engine does not offer the start. Offer one that it does."""

    default_code = "slot_unavailable"
    default_field = "start_at"

    start_at: datetime | None
    """The requested start."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        start_at: datetime | None = None,
        field: str = "",
    ) -> None:
        self.start_at = start_at
        super().__init__(message, code, params, field=field)


class DuplicateBooking(BookingError):
    """The client has a similar booking. Ask whether a second one is wanted."""

    default_code = "duplicate"
    default_field = "start_at"


class LimitReached(BookingError):
    """The client or the provider has as many bookings as a limit allows."""

    default_code = "limit_reached"

    limit: str
    """The name of the limit: an attribute of :class:`bookings.adapters.Limits`; empty for a limit
    of your own."""
    most: int
    """The number of bookings that the limit allows."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        *,
        limit: str = "",
        most: int = 0,
        field: str = "",
    ) -> None:
        self.limit, self.most = limit, most
        super().__init__(message, code, {"limit": limit, "most": most}, field=field)


class IdempotencyKeyReused(BookingError):
    """The idempotency key belongs to another request. Use a new key for a new booking."""

    default_code = "idempotency_key_reused"


class PastStart(BookingError):
    """The start has passed. Choose a later start; an import may pass ``allow_past=True``."""

    default_code = "past_start"
    default_field = "start_at"


class NoticeWindow(BookingError):
    """Less notice remains than the rules require. Ask staff, who may override."""

    default_code = "notice_window"
    default_field = "start_at"


class TooFarAhead(BookingError):
    """The start is further ahead than ``maximum_advance_days``. Choose an earlier start."""

    default_code = "too_far_ahead"
    default_field = "start_at"


class NotAllowed(BookingError):
    """The booking's rules forbid it, or the actor has no permission. Ask staff."""

    default_code = "not_allowed"


class ProviderNotOffered(NotAllowed):
    """The provider does not offer the service. Choose another; staff may override."""

    default_code = "provider_not_offered"
    default_field = "provider"


class InvalidTransition(BookingError):
    """The status of the booking, or the time, does not permit this. Read the booking again."""

    default_code = "invalid_transition"


class TenantMismatch(BookingError):
    """An object belongs to another tenant, or the tenant is missing. Pass the right tenant."""

    default_code = "tenant_mismatch"
    default_field = "tenant"


class StaleBooking(BookingError):
    """The booking has changed since it was read. Read it again, and decide again."""

    default_code = "stale"


class BookingBusy(BookingError):
    """The database asks for a retry: after a deadlock, serialization failure or lock time-out.

    The services retry by themselves, unless the caller has opened a transaction around the call.
    Roll that transaction back, and run it again as a whole.
    """

    default_code = "busy"
