"""The default host, after it has turned tenancy on."""

from tests.settings.turning_on import *

BOOKINGS_TENANT_MODEL = "orgs.Organisation"
