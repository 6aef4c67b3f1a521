"""The default host with two bundled apps, of which series can use a third, which is not here."""

from tests.settings.default import *

INSTALLED_APPS = [
    app
    for app in INSTALLED_APPS
    if not app.startswith("bookings.contrib.")
    or app in {"bookings.contrib.schedule", "bookings.contrib.series"}
]
