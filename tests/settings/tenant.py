"""Tenancy on: everything belongs to a clinic."""

from tests.settings.base import *

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "tests.hosts.tenant.clinics",
    "tests.hosts.tenant.treatments",
    "tests.hosts.tenant.staff",
]
BOOKINGS_TENANT_MODEL = "clinics.Clinic"
BOOKINGS_SERVICE_MODEL = "treatments.Treatment"
BOOKINGS_PROVIDER_MODEL = "staff.Practitioner"
BOOKINGS_ADDON_MODEL = "treatments.Extra"
