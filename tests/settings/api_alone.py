"""The default host with no bundled app but the API."""

from tests.settings.core_alone import *

INSTALLED_APPS = [*INSTALLED_APPS, "bookings.contrib.api"]
ROOT_URLCONF = "tests.contrib.api.urls"
