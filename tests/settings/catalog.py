"""A host without models of its own: the bundled catalogue."""

from tests.settings.base import *

INSTALLED_APPS = [*INSTALLED_APPS, "bookings.contrib.catalog"]
BOOKINGS_SERVICE_MODEL = "bookings_catalog.Service"
BOOKINGS_PROVIDER_MODEL = "bookings_catalog.Provider"
BOOKINGS_ADDON_MODEL = "bookings_catalog.ServiceAddon"
