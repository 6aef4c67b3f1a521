"""The default host on its way to tenancy: the tenants' table comes before the setting."""

from tests.settings.default import *

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.turned_on.orgs"]
