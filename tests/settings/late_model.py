"""Host models that are created after their app's first migration."""

from tests.settings.base import *

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.late_model.workshop"]
BOOKINGS_SERVICE_MODEL = "workshop.Repair"
BOOKINGS_PROVIDER_MODEL = "workshop.Mechanic"
BOOKINGS_ADDON_MODEL = "workshop.Part"
BOOKINGS_MIGRATION_DEPENDENCIES = {
    "SERVICE_MODEL": "0002_repair",
    "ADDON_MODEL": "0003_part",
}
