"""Whatever the address of an admin page says, the answer is a page, a redirect or a 404."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pytest
from django.contrib import admin
from django.test import Client

from bookings.admin.visibility import registered_admin
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import create_session
from bookings.contrib.payments.models import Payment, RefundDue, RefundPolicy
from bookings.contrib.payments.services import record_payment
from bookings.contrib.schedule.models import Schedule, TimeOff
from bookings.contrib.schedule.services import create_schedule
from bookings.contrib.series.models import Series
from bookings.models import Booking
from tests.admin.urls import desk

BAD: Final = [
    "",
    "abc",
    "1,2",
    "1,abc,,",
    "-1",
    str(9**40),
    str(2**63),
    "1.5",
    "a\0b",
    "\0",
    "Ω☃\U0001f600",
    "٣",
    "2026-02-30",
    "0001-01-01",
    "9999-12-31T23:59:59+00:00",
    "x" * 3000,
    "'\"<script>",
    "None",
    "nan",
]
ALLOWED: Final = {200, 301, 302, 400, 403, 404}
MODELS: Final = [Booking, Session, Series, Schedule, TimeOff, Payment, RefundDue, RefundPolicy]
OF_LISTS: Final = [
    *("q", "o", "p", "all", "_to_field", "_changelist_filters", "when", "waiting", "seats"),
    *("provider__id__exact", "provider", "provider__in", "id__in", "status__in", "start_at__gte"),
    *("start_at__year", "start_at__day", "first_date__month", "created_at__day", "currency"),
]


@pytest.fixture(autouse=True)
def _objects(book: Any, provider: Any, service: Any, start: Any) -> None:
    record_payment(book(), amount=80, external_id="p")
    create_schedule(provider=provider)
    create_session(service=service, provider=provider, start_at=start.replace(hour=15))


def failures(client: Client, url: str, queries: Iterable[dict[str, str]]) -> list[str]:
    client.raise_request_exception = False
    return [
        f"{url}: {query}"[:200]
        for query in queries
        if client.get(url, query).status_code not in ALLOWED
    ]


def pages(name: str) -> list[tuple[str, Any]]:
    """Return the address of this page of each model in each site, with its admin."""
    return [
        (f"/{site.name}/{model._meta.app_label}/{model._meta.model_name}/{name}", model_admin)
        for site in (admin.site, desk)
        for model in MODELS
        if (model_admin := registered_admin(site, model)) is not None
    ]


@pytest.mark.parametrize(("url", "model_admin"), pages("add/"), ids=str)
def test_a_form_that_a_link_fills_in(boss: Client, url: str, model_admin: Any) -> None:
    """Each field has the same value: the form reads them one by one."""
    if not model_admin.has_add_permission(boss.get("/admin/").wsgi_request):
        return
    form = model_admin.get_form(boss.get("/admin/").wsgi_request)
    names = {*form.base_fields, *(field.name for field in model_admin.opts.get_fields())}
    names |= {"extras", "tenant", "addons", "_popup"}
    # The second site's forms are the first one's.
    values = BAD if url.startswith("/admin/") else BAD[::5]
    assert failures(boss, url, (dict.fromkeys(names, value) for value in values)) == []


@pytest.mark.parametrize(("url", "model_admin"), pages("")[: len(MODELS)], ids=str)
def test_a_list(boss: Client, url: str, model_admin: Any) -> None:
    values = ["abc", "\0", str(9**40), "2026-02-30"]
    # Two values for each name. The next list gets the other two.
    first = MODELS.index(model_admin.model) % 2
    queries = ({name: value} for name in OF_LISTS for value in values[first::2])
    assert failures(boss, url, queries) == []


@pytest.mark.parametrize("site", ["admin", "desk"])
def test_the_calendar_and_the_searches(boss: Client, site: str) -> None:
    url = f"/{site}/bookings/booking/"
    found = failures(boss, f"{url}calendar/", ({"day": value, "tenant": value} for value in BAD))
    of = {"app_label": "bookings", "model_name": "booking", "field_name": "provider"}
    for name in (*of, "term", "page", "tenant"):
        found += failures(boss, f"{url}search/", (of | {name: value} for value in BAD))
    assert found == []


@pytest.mark.parametrize("key", ["abc", str(9**40), "-1", "%00", "1.5", "Ω"])
def test_an_address_that_names_no_object(boss: Client, key: str) -> None:
    client = boss
    client.raise_request_exception = False
    session = Session.objects.get().pk
    sessions = "/admin/bookings_group_sessions/session/"
    addresses = [
        *(f"{url}{key}/change/" for url, _admin in pages("")),
        f"/admin/bookings/booking/{key}/step/cancel/",
        f"/admin/bookings_series/series/{key}/cancel/",
        *(f"{sessions}{key}/{name}/" for name in ("book", "wait", "attendance", "step/cancel")),
        f"{sessions}{session}/move/{key}/",
        f"{sessions}{session}/waitlist/{key}/promote/",
    ]
    answers = {url: client.get(url).status_code for url in addresses}
    assert {url: status for url, status in answers.items() if status not in {302, 404}} == {}
