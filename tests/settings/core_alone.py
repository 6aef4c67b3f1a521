"""The default host with nothing of ours but the core."""

from tests.settings.default import *

INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith("bookings.contrib.")]
