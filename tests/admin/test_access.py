"""Who gets to which page of the admin: every page has a row in the table, every kind of staff a
column.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.admin.access import PAGES, browser_of, custom_pages, expected, make_objects, statuses
from tests.admin.test_own_providers import OwnProvidersAdapter
from tests.hosts.samples import make, make_host


@pytest.fixture
def objects(settings: Any) -> dict[str, Any]:
    settings.BOOKINGS_ADAPTER = f"{OwnProvidersAdapter.__module__}.{OwnProvidersAdapter.__name__}"
    return make_objects(make_host())


def test_every_page_has_a_row() -> None:
    assert sorted(custom_pages()) == sorted(PAGES)


@pytest.mark.parametrize(
    ("column", "verbs"),
    [("editor", ["view", "add", "change"]), ("viewer", ["view"]), ("stranger", [])],
)
def test_staff_by_their_permissions(objects: dict[str, Any], column: str, verbs: list[str]) -> None:
    assert statuses(browser_of("Staff", *verbs), objects) == expected(column)


def test_a_superuser_is_an_editor(objects: dict[str, Any]) -> None:
    assert statuses(browser_of("Boss", is_superuser=True), objects) == expected("editor")


def test_a_provider_is_an_editor_of_their_own(objects: dict[str, Any]) -> None:
    browser = browser_of(objects["booking"].provider.name, "view", "add", "change")
    assert statuses(browser, objects) == expected("editor")


def test_another_provider_is_an_outsider(objects: dict[str, Any]) -> None:
    colleague: Any = make("PROVIDER_MODEL")
    colleague.name = "Colleague"
    colleague.save()
    browser = browser_of(colleague.name, "view", "add", "change")
    assert statuses(browser, objects) == expected("outsider")


def test_whoever_has_not_logged_in_is_asked_to(objects: dict[str, Any]) -> None:
    assert {*statuses(Client(), objects).values()} == {302}
