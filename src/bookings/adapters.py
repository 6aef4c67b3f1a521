"""The host's override points: subclass, override, and name the class in ``BOOKINGS_ADAPTER``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from bookings.conf import PREFIX, app_settings
from bookings.exceptions import InvalidBooking, NotAllowed
from bookings.limits import Limits, named_zone
from bookings.policies import MAX_HOURS, elapsed_end, whole_number
from bookings.protocols import AddonLike, BookingType, ProviderLike, ServiceLike

if TYPE_CHECKING:
    from bookings.models import Booking

INACTIVE: Final = {
    "service": _("The service is not active. Choose another."),
    "provider": _("The provider is not active. Choose another."),
}


class DefaultBookingAdapter:
    """What a host may decide differently. Adapters keep no state: one instance serves all threads.

    A method refuses by raising a :class:`~bookings.exceptions.BookingError`. Under the lock of time
    run :meth:`check_permission` and :meth:`generate_reference`; :meth:`limits` and
    :meth:`time_zone` where there are limits; when a booking is confirmed or submitted,
    :meth:`check_bookable`, :meth:`requires_approval` and :meth:`approval_deadline`; and when it is
    moved, :meth:`check_bookable`, :meth:`check_addon` and, where the old start has cut a request
    short, :meth:`approval_deadline`, after they have been asked without it.
    They may be called more than once, and should not query for long.
    """

    def generate_reference(self, booking: Booking, now_dt: datetime) -> str:
        """A new booking's reference, at most 32 characters. A collision asks for another one."""
        return booking.generate_reference(now_dt)

    def requires_approval(self, booking: Booking) -> bool:
        """Whether a booking waits as PENDING for its provider's answer. Default: what its service
        says.

        Look at its provider and its client to decide otherwise. A hold may have no client yet: it
        is asked again when the hold is submitted, with the answer of before in
        ``booking.requires_approval``.
        """
        return booking.requires_approval

    def approval_deadline(self, booking: Booking, now_dt: datetime) -> datetime | None:
        """When a request that is made now lapses unanswered, at its start at the latest.

        ``None`` for never. Default: ``BOOKINGS_APPROVAL_DEADLINE_HOURS`` from now.
        """
        hours = app_settings.APPROVAL_DEADLINE_HOURS
        if hours is None:
            return None
        whole_number(hours, f"{PREFIX}APPROVAL_DEADLINE_HOURS", at_least=1, at_most=MAX_HOURS)
        return elapsed_end(now_dt, timedelta(hours=hours))

    def price(self, booking: Booking, addons: Sequence[Any]) -> Decimal | None:
        """What the service costs without add-ons. Default: what its ``pricing_type`` makes of its
        ``price_amount``, in a session for each of the ``party_size`` seats; that is the booking's
        ``price_amount`` by now.

        It must have no more decimals than ``booking.currency`` has:
        :func:`bookings.money.rounded` sees to that.
        """
        price: Decimal | None = booking.price_amount
        return price

    def booking_types(self, service: ServiceLike, provider: ProviderLike) -> Collection[str]:
        """Which :class:`~bookings.protocols.BookingType` the service takes with this provider.

        Default: all. None at all for what is only shown.
        """
        return tuple(BookingType)

    def limits(self, booking: Booking) -> Limits:
        """How many bookings there may be besides. Default: what service, provider and settings say.

        Asked of every booking that is made or moved, and again under the lock where there are any.
        """
        return Limits.of(booking.service, booking.provider)

    def time_zone(self, booking: Booking) -> tzinfo:
        """By whose clocks the limits count days and weeks.

        Default: the provider's ``timezone``, an IANA name or a ``tzinfo``, else ``TIME_ZONE``.
        """
        return named_zone(getattr(booking.provider, "timezone", None))

    def check_addon(self, service: ServiceLike, addon: AddonLike) -> None:
        """Whether the add-on goes with the service. Default: its ``service_id``, if it has one."""
        if getattr(addon, "service_id", None) not in (None, service.pk):
            raise InvalidBooking(
                _("The add-on %(addon)s belongs to another service."),
                "wrong_addon",
                params={"addon": str(addon)},
            )

    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        """Whether this (unsaved) booking may be made, confirmed, or moved to where it now is.

        Default: :meth:`check_active`.
        """
        self.check_active(booking.service, booking.provider, override_policy=override_policy)

    def check_active(
        self, service: ServiceLike, provider: ProviderLike, *, override_policy: bool
    ) -> None:
        """Whether the service is sold with this provider: asked of every booking, and of a session
        that is published or given to another provider.

        Default: neither must have ``is_active = False``, unless staff override.
        """
        for name, one in (("service", service), ("provider", provider)):
            if not override_policy and not getattr(one, "is_active", True):
                raise NotAllowed(INACTIVE[name], params={"what": name})

    def auto_cancel_grace_hours(self, service: ServiceLike, provider: ProviderLike) -> int | None:
        """How long after its end a booking waits for somebody to say what became of it.

        After so many hours the sweep cancels it. ``None``: ``BOOKINGS_AUTO_CANCEL_GRACE_HOURS``.
        Default: the service's ``auto_cancel_grace_hours``. It is asked once in a sweep for each
        service and provider that have bookings which are over.
        """
        hours: int | None = getattr(service, "auto_cancel_grace_hours", None)
        return hours

    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        """Whether ``actor`` may do ``verb`` (``"create"``, ``"cancel"`` …) to this booking.

        Default: anybody may. The services are called by your own code; a view decides who gets
        there.
        """


def get_adapter() -> DefaultBookingAdapter:
    """The adapter that ``BOOKINGS_ADAPTER`` names."""
    return _adapter(app_settings.ADAPTER)


@lru_cache(maxsize=8)
def _adapter(path: str) -> DefaultBookingAdapter:
    adapter: DefaultBookingAdapter = import_string(path)()
    return adapter
