"""Primary keys that are not integers: UUIDs, and a slug."""

from tests.settings.base import *

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.keys.studio"]
BOOKINGS_SERVICE_MODEL = "studio.Lesson"
BOOKINGS_PROVIDER_MODEL = "studio.Room"
BOOKINGS_ADDON_MODEL = "studio.Rental"
