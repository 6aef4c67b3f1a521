"""The admin of bookings: the list, the page of a booking, its steps, and the day's calendar."""

from bookings.admin.booking.booking_admin import BookingAdmin
from bookings.admin.booking.inlines import (
    BookingAddonInline,
    BookingEventInline,
    BookingResourceInline,
)

__all__ = ["BookingAddonInline", "BookingAdmin", "BookingEventInline", "BookingResourceInline"]
