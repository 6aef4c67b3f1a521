"""Staff of one tenant get to no page about an object of another one's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admin.access import browser_of, expected, make_objects, statuses
from tests.hosts.samples import make_host


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "column"), [("Ours", "editor"), ("Theirs", "outsider")])
def test_staff_by_their_tenant(settings: Any, name: str, column: str) -> None:
    """They are superusers: only the scopes keep them apart."""
    settings.ROOT_URLCONF = "tests.tenancy.scoped_urls"
    hosts = [make_host() for _ in range(2)]
    for host, tenant in zip(hosts, ("Ours", "Theirs"), strict=True):
        host.tenant.name = tenant
        host.tenant.save()
    browser = browser_of(name, is_superuser=True)
    objects = make_objects(hosts[0])
    assert statuses(browser, objects, site="branch") == expected(column)
