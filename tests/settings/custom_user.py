"""A user model of the host's own, with a UUID primary key."""

from tests.settings.base import *

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "tests.hosts.custom_user.accounts",
    "tests.hosts.custom_user.salon",
]
AUTH_USER_MODEL = "accounts.Person"
BOOKINGS_SERVICE_MODEL = "salon.Treatment"
BOOKINGS_PROVIDER_MODEL = "salon.Stylist"
BOOKINGS_ADDON_MODEL = "salon.Extra"
