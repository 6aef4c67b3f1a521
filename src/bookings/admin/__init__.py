"""The bundled admin of bookings, and the base of the bundled apps' admin classes.

Everything is written by :mod:`bookings.services`. To change the admin of bookings, subclass
:class:`BookingAdmin`, unregister ours and register yours.
"""

from bookings.admin.amounts import amount_column
from bookings.admin.booking import BookingAddonInline, BookingAdmin, BookingEventInline
from bookings.admin.menu import AttentionPageAdmin, CalendarPageAdmin, TodayPageAdmin

__all__ = [
    "AttentionPageAdmin",
    "BookingAddonInline",
    "BookingAdmin",
    "BookingEventInline",
    "CalendarPageAdmin",
    "TodayPageAdmin",
    "amount_column",
]
