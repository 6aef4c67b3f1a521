"""The default host with payments."""

from tests.settings.default import *

INSTALLED_APPS = [*INSTALLED_APPS, "bookings.contrib.payments"]
