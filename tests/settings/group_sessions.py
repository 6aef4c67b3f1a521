"""The default host with sessions, and payments beside them."""

from tests.settings.payments import *

INSTALLED_APPS = [*INSTALLED_APPS, "bookings.contrib.group_sessions"]
