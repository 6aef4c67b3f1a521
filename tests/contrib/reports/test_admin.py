"""The reports page: who may open it, what it counts, and the files that it offers."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from bookings.contrib.reports.models import ReportsPage
from bookings.contrib.reports.selectors import booking_report
from tests.contrib.reports.conftest import MARCH, Make, Store

PAGE: Final = "/admin/bookings_reports/reportspage/"
DAYS: Final = {"first": "2031-03-01", "last": "2031-03-31", "zone": "UTC"}


def staff(*permissions: str) -> Client:
    user = get_user_model().objects.create_user("-".join(permissions) or "nobody", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def text_of(html: str) -> str:
    return " ".join(strip_tags(html).split())


@pytest.fixture
def manager(db: None) -> Client:
    return staff("view_reports", "view_booking")


def body(client: Client, path: str = PAGE, **query: Any) -> str:
    response = client.get(path, DAYS | query)
    assert response.status_code == 200
    return response.content.decode()


def read(client: Client, name: str, **query: Any) -> list[dict[str, str]]:
    response: Any = client.get(f"{PAGE}{name}.csv", DAYS | query)
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()
    assert text[0] == "\ufeff"
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_it_needs_its_permission_and_that_of_bookings(db: None) -> None:
    for names in ((), ("view_reports",), ("view_booking", "change_booking")):
        client = staff(*names)
        for path in (PAGE, f"{PAGE}bookings.csv", f"{PAGE}report.xlsx"):
            assert client.get(path, DAYS).status_code == 403
        assert "bookings_reports" not in client.get("/admin/").content.decode()
    assert PAGE in staff("view_reports", "view_booking").get("/admin/").content.decode()


def test_nothing_is_added_changed_or_deleted(admin_client: Client) -> None:
    for path in ("add/", "1/change/", "1/delete/"):
        assert admin_client.get(f"{PAGE}{path}").status_code == 404
    assert not ReportsPage.objects.exists()
    assert reverse("admin:bookings_reports_reportspage_changelist") == PAGE


@pytest.mark.parametrize("group_by", ["", "service", "provider", "day", "month", "weekday_hour"])
def test_the_page_shows_what_the_selector_counts(
    group_by: str, manager: Client, store: Store
) -> None:
    for status in ("COMPLETED", "COMPLETED", "NO_SHOW"):
        store(status=status, total_amount=50)
    html = body(manager, group_by=group_by)
    text = text_of(html)
    assert "66.7 % (2 of 3)" in text
    assert "100.00 EUR" in text
    assert ('class="bookings-chart"' in html) == bool(group_by)
    assert "style=" not in html.partition('<div id="content"')[2]
    report = booking_report(MARCH, group_by=group_by)
    rows = read(manager, "bookings", group_by=group_by)
    assert [int(row["bookings"]) for row in rows] == [
        *(group.figures.bookings for group in report.groups),
        report.total.bookings,
    ]
    [*_groups, total] = read(manager, "value", group_by=group_by)
    assert total["realised"] == "100.00"


def test_the_period_before_is_beside_it(manager: Client, store: Store) -> None:
    store(start_at=MARCH.previous().start_at, total_amount=7, status="COMPLETED")
    store(total_amount=50, status="COMPLETED")
    assert "before: 7.00 EUR" in text_of(body(manager))
    first = {"first": "1970-01-02", "last": "1970-01-03"}
    assert "before" not in text_of(body(manager, **first))


@pytest.mark.parametrize(
    "preset", ["month", "last_month", "week", "last_week", "30_days", "year", "last_year"]
)
def test_presets(preset: str, manager: Client) -> None:
    assert "Utilisation" in body(manager, preset=preset, first="", last="")


def test_without_an_address_it_is_this_month(manager: Client) -> None:
    assert "Utilisation" in manager.get(PAGE).content.decode()
    one_day = manager.get(PAGE, {"last": "2031-03-31"}).content.decode()
    assert "03/31/2031 – 03/31/2031" in text_of(one_day)


def test_filters_are_in_the_address(
    admin_client: Client, store: Store, make_service: Make, make_provider: Make
) -> None:
    store()
    store(service=(yoga := make_service(name="Yoga")), provider=make_provider(name="Grace"))
    [row] = read(admin_client, "bookings", service=yoga.pk)
    assert row["bookings"] == "1"
    html = body(admin_client, service=yoga.pk)
    assert f'<option value="{yoga.pk}" selected>Yoga</option>' in html
    assert f"service={yoga.pk}" in html


def test_only_what_the_user_sees_is_counted(
    manager: Client, store: Store, make_provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.admin import BookingAdmin

    kept = store()
    store(provider=(other := make_provider(name="Secret")))
    get_queryset = BookingAdmin.get_queryset
    monkeypatch.setattr(
        BookingAdmin,
        "get_queryset",
        lambda self, request: get_queryset(self, request).filter(provider=kept.provider),
    )
    assert [row["bookings"] for row in read(manager, "bookings", group_by="provider")] == ["1", "1"]
    assert len(read(manager, "list")) == 1
    assert "Secret" not in body(manager, group_by="provider")
    response = manager.get(PAGE, DAYS | {"provider": other.pk})
    assert "Select a valid choice" in response.content.decode()


def test_clients_are_in_a_file_with_its_own_permission(manager: Client, store: Store) -> None:
    store(client_name="Joan Clarke")
    assert "client_name" not in read(manager, "list")[0]
    assert manager.get(f"{PAGE}list.csv", DAYS | {"personal": 1}).status_code == 403
    assert "personal=1" not in body(manager)
    trusted = staff("view_reports", "view_booking", "export_personal_data")
    assert read(trusted, "list", personal=1)[0]["client_name"] == "Joan Clarke"
    assert "personal=1" in body(trusted)


def test_workbooks(manager: Client, store: Store) -> None:
    pytest.importorskip("xlsxwriter")
    store()
    for name in ("report", "list", "sessions"):
        response: Any = manager.get(f"{PAGE}{name}.xlsx", DAYS)
        assert response.status_code == 200
        assert b"".join(response.streaming_content).startswith(b"PK")


def test_without_the_library_a_workbook_says_so(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    response = manager.get(f"{PAGE}report.xlsx", DAYS)
    assert response.status_code == 400
    assert "django-bookings[reports]" in response.content.decode()


INVALID: Final = {
    "reversed": ({"first": "2031-04-01", "last": "2031-03-01"}, "has to end after it begins"),
    "a century": ({"first": "2031-03-01", "last": "2131-03-01"}, "longer than ten years"),
    "zone": ({"zone": "Mars/Olympus"}, "is no time zone"),
    "date": ({"first": "March"}, "Enter a valid date"),
    "year 1": ({"first": "0001-01-01", "last": "0001-01-02"}, "1970"),
    "preset": ({"preset": "century"}, "Select a valid choice"),
    "group": ({"group_by": "status"}, "Select a valid choice"),
    "service": ({"service": "4711"}, "Select a valid choice"),
    "no key": ({"provider": "x' OR 1=1"}, "Select a valid choice"),
}


@pytest.mark.parametrize("name", INVALID)
def test_bad_addresses_are_answered_in_words(name: str, admin_client: Client) -> None:
    values, message = INVALID[name]
    html = body(admin_client, **values)
    assert message in html
    assert "Download" not in html
    response = admin_client.get(f"{PAGE}bookings.csv", DAYS | values)
    assert response.status_code == 400
    assert message in response.content.decode()


def test_there_are_no_other_files(manager: Client) -> None:
    for name in ("other.csv", "other.xlsx"):
        assert manager.get(f"{PAGE}{name}", DAYS).status_code == 404


def test_the_number_of_queries_is_constant(
    manager: Client, store: Store, make_service: Make, make_provider: Make,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    def open_page() -> None:
        with django_assert_max_num_queries(30):
            body(manager, group_by="service")

    open_page()
    for number in range(8):
        store(service=make_service(name=f"{number}"), provider=make_provider(name=f"{number}"))
    open_page()


def test_without_sessions_there_is_no_table_of_them(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'id="report-sessions"' in body(manager)
    is_installed = apps.is_installed
    monkeypatch.setattr(
        apps, "is_installed", lambda name: "group_sessions" not in name and is_installed(name)
    )
    assert 'id="report-sessions"' not in body(manager)
