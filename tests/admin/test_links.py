"""No page of the admin has a link that the user may not follow."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from bookings.admin.booking import BookingResourceInline
from bookings.contrib.schedule.services import create_schedule, take_time_off
from bookings.models import Booking
from tests.admin.access import PAGES, Objects, make_objects
from tests.admin.conftest import ADD, Book, _browser, page_of
from tests.admin.page import text_of
from tests.hosts.samples import make_host

MODELS = (
    *("booking", "session", "schedule", "timeoff", "series"),
    *("payment", "refunddue", "refundpolicy"),
)


def at_the_desk(url: str) -> str:
    """Where the host has registered its own models too."""
    return url.replace("/admin/", "/desk/", 1)


def test_a_viewer_reads_names_without_links(viewer: Client, booking: Booking) -> None:
    page = text_of(viewer.get(at_the_desk(page_of(booking))))
    for related in (booking.service, booking.provider):
        assert f'<div class="readonly">{related}</div>' in page
    assert not re.search(r'href="/desk/(services|providers|auth)/', page)


def test_who_may_open_a_related_object_has_a_link(boss: Client, booking: Booking) -> None:
    sees_providers = _browser("clerk", "view_booking", "view_provider")
    link = f'<a href="/desk/providers/provider/{booking.provider.pk}/change/">'
    page = text_of(sees_providers.get(at_the_desk(page_of(booking))))
    assert link in page
    assert 'href="/desk/services/' not in page
    # The bundled site has no providers.
    assert link not in text_of(sees_providers.get(page_of(booking)))


@pytest.mark.parametrize("permissions", [(), ("view_provider",)])
def test_the_rows_of_a_page_follow_the_same_rule(
    book: Book, other_provider: Any, monkeypatch: pytest.MonkeyPatch, permissions: tuple[str, ...]
) -> None:
    for name in ("fields", "readonly_fields"):
        monkeypatch.setattr(BookingResourceInline, name, ("provider",))
    booking = book(resources=[other_provider])
    browser = _browser("clerk", "view_booking", *permissions)
    page = text_of(browser.get(at_the_desk(page_of(booking))))
    link = f'<a href="/desk/providers/provider/{other_provider.pk}/change/">Grace</a>'
    assert (link in page) == bool(permissions)
    assert "Grace" in page


def test_a_key_has_no_link_for_who_may_not_open_the_list(
    receptionist: Client, boss: Client, book: Book
) -> None:
    client_user = get_user_model().objects.create_user("mary")
    booking = book(client_user=client_user)
    links = [f"/desk/auth/user/{client_user.pk}/change/", "/desk/auth/user/?"]
    for browser, is_linked in ((receptionist, False), (boss, True)):
        page = text_of(browser.get(at_the_desk(page_of(booking))))
        assert [f'href="{link}' in page for link in links] == [is_linked, is_linked]
        assert "<strong>" in page
    assert 'href="/desk/auth/user/?' not in text_of(receptionist.get(at_the_desk(ADD)))


@pytest.fixture
def objects() -> Objects:
    host = make_host()
    found = make_objects(host)
    found["schedule"] = create_schedule(provider=host.provider)
    start = found["booking"].start_at.replace(hour=22)
    found["time_off"] = take_time_off(
        provider=host.provider, start_at=start, end_at=start.replace(hour=23)
    )
    return found


def pages(objects: Objects) -> list[str]:
    """The pages of the objects, and those that change them."""
    changed = [
        reverse(f"admin:{one._meta.app_label}_{one._meta.model_name}_change", args=[one.pk])
        for name, one in objects.items()
        if name not in {"seat", "entry"}
    ]
    opened = [name for name, page in PAGES.items() if page.sent is None and page.site == "admin"]
    return [
        *changed,
        *(reverse(f"admin:{name}", args=PAGES[name].args(objects)) for name in opened),
        "/admin/bookings/",
    ]


@pytest.mark.parametrize("verbs", [["view"], ["view", "change"], ["add"]], ids=str)
def test_no_link_of_any_page_is_forbidden(objects: Objects, verbs: list[str]) -> None:
    names = [f"{verb}_{model}" for verb in verbs for model in MODELS]
    browser = _browser("clerk", *names)
    followed: dict[str, int] = {}
    for site in ("admin", "desk"):
        for page in pages(objects):
            response = browser.get(page.replace("admin", site, 1))
            if response.status_code != 200 or "text/html" not in response["Content-Type"]:
                continue
            found = re.findall(r'href="(/(?:admin|desk)/[^"#?]*)', text_of(response))
            for link in {*found} - followed.keys():
                followed[link] = browser.get(link).status_code
    assert len(followed) > 5
    assert {link for link, status in followed.items() if status in {403, 404}} == set()
