"""Everything in one host app, one of whose later migrations points back at a booking."""

from tests.settings.base import *

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.single_app.club"]
BOOKINGS_TENANT_MODEL = "club.Club"
BOOKINGS_SERVICE_MODEL = "club.Activity"
BOOKINGS_PROVIDER_MODEL = "club.Court"
BOOKINGS_ADDON_MODEL = "club.Equipment"
