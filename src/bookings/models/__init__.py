"""The tables: bookings, their add-ons and history, and the ledger of busy time."""

from typing import Final

from bookings.conf import app_settings
from bookings.models.addon import BookingAddon
from bookings.models.booking import Booking
from bookings.models.calendar import BusyInterval, Calendar
from bookings.models.client_lock import ClientLock
from bookings.models.event import BookingEvent
from bookings.models.menu_pages import AttentionPage, CalendarPage, TodayPage
from bookings.models.resource import BookingResource
from bookings.models.tenant import Tenant

TENANCY_ENABLED: Final = app_settings.tenancy_enabled

__all__ = [
    "TENANCY_ENABLED",
    "AttentionPage",
    "Booking",
    "BookingAddon",
    "BookingEvent",
    "BookingResource",
    "BusyInterval",
    "Calendar",
    "CalendarPage",
    "ClientLock",
    "Tenant",
    "TodayPage",
]
