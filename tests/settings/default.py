"""Every ``BOOKINGS_*_MODEL`` at its default: apps labelled ``services`` and ``providers``."""

from tests.settings.base import *

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "tests.hosts.default.services",
    "tests.hosts.default.providers",
]
