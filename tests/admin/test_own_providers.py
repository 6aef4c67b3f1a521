"""A provider who is staff sees their own bookings and calendar, and those of nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions.services import book_seat, create_session
from bookings.contrib.payments.services import record_payment
from bookings.contrib.schedule.services import create_schedule, take_time_off
from bookings.contrib.series.services import create_series
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.admin.conftest import ADD, LIST, Book, _browser, page_of
from tests.admin.page import errors_of, form_values, text_of

SECRET = "Zenobia Quirk"
VERBS = ("view", "add", "change")
MODELS = (
    *("booking", "session", "schedule", "timeoff", "payment", "refunddue", "series", "provider"),
)
PERMISSIONS = [*(f"{verb}_{model}" for verb in VERBS for model in MODELS), "view_reports"]

pytestmark = pytest.mark.usefixtures("_own_providers")


class OwnProvidersAdapter(DefaultBookingAdapter):
    """A user is the providers of the same name."""

    def own_providers(self, user: Any) -> QuerySet[Any]:
        model: Any = apps.get_model(app_settings.PROVIDER_MODEL)
        found: QuerySet[Any] = model._default_manager.filter(name=user.get_username())
        return found


@pytest.fixture
def _own_providers(settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.{OwnProvidersAdapter.__name__}"


@pytest.fixture
def ada(provider: Any) -> Client:
    """The provider Ada, who may do everything with what she sees."""
    return _browser(provider.name, *PERMISSIONS)


@pytest.fixture
def others(other_provider: Any, service: Any, book: Book, start: datetime) -> dict[str, Any]:
    """What is another provider's: one of each kind."""
    values = {"provider": other_provider, "client_name": SECRET}
    booking = book(**values, client_email="zenobia@example.org")
    record_payment(booking, amount=Decimal(80), external_id="p1")
    gone = book(**values, start_at=start + timedelta(hours=1))
    record_payment(gone, amount=Decimal(80), external_id="p2")
    cancel_booking(gone, by="provider")
    session = create_session(
        service=service,
        provider=other_provider,
        start_at=start + timedelta(hours=3),
        capacity=9,
        title=SECRET,
    )
    book_seat(session, client_name=SECRET)
    series = create_series(
        service=service,
        provider=other_provider,
        start_at=start + timedelta(hours=5),
        rrule="FREQ=WEEKLY;COUNT=2",
        timezone="UTC",
        client_name=SECRET,
    ).series
    time_off = take_time_off(
        provider=other_provider,
        start_at=start + timedelta(hours=7),
        end_at=start + timedelta(hours=8),
        reason=SECRET,
    )
    return {
        "bookings/booking": booking,
        "bookings_group_sessions/session": session,
        "bookings_series/series": series,
        "bookings_schedule/timeoff": time_off,
        "bookings_schedule/schedule": create_schedule(provider=other_provider),
        "bookings_payments/payment": booking.payments.get(),
        "bookings_payments/refunddue": gone.refund_due,
    }


def test_lists_and_pages_show_only_their_own(ada: Client, others: dict[str, Any]) -> None:
    for name, other in others.items():
        shown = ada.get(f"/admin/{name}/").context["cl"].result_list
        assert list(shown) == [], name
        page = ada.get(f"/admin/{name}/{other.pk}/change/")
        assert (page.status_code, page["Location"]) == (302, "/admin/"), name
    assert ada.get(f"{LIST}{others['bookings/booking'].pk}/step/cancel/").status_code == 404


def test_their_own_are_shown(ada: Client, booking: Booking, others: dict[str, Any]) -> None:
    assert list(ada.get(LIST).context["cl"].result_list) == [booking]
    assert ada.get(page_of(booking)).status_code == 200


def test_so_is_a_booking_of_which_they_are_a_resource(
    ada: Client, book: Book, provider: Any, other_provider: Any, service: Any, start: datetime
) -> None:
    booking = book(provider=other_provider, resources=[provider])
    session = create_session(
        service=service,
        provider=other_provider,
        resources=[provider],
        start_at=start + timedelta(hours=3),
        capacity=9,
    )
    assert list(ada.get(LIST).context["cl"].result_list) == [booking]
    sessions = ada.get("/admin/bookings_group_sessions/session/")
    assert list(sessions.context["cl"].result_list) == [session]
    grid = ada.get(f"{LIST}calendar/", {"day": f"{start:%Y-%m-%d}"}).context["grid"]
    assert [column.provider for column in grid.columns] == [provider]


def test_the_calendar_has_their_own_column(
    ada: Client, booking: Booking, others: dict[str, Any], start: datetime, provider: Any
) -> None:
    day = {"day": f"{start:%Y-%m-%d}"}
    for asked in (day, day | {"provider": f"{others['bookings/booking'].provider_id}"}):
        page = ada.get(f"{LIST}calendar/", asked)
        assert [column.provider for column in page.context["grid"].columns] == [provider]
        assert SECRET not in text_of(page)
        assert "Grace" not in text_of(page)
    week = ada.get(f"{LIST}calendar/", day | {"view": "week"})
    assert [row.provider for row in week.context["rows"]] == [provider]


def test_the_calendar_needs_no_permission_for_providers(
    provider: Any, other_provider: Any, start: datetime
) -> None:
    browser = _browser(provider.name, "view_booking")
    grid = browser.get(f"{LIST}calendar/", {"day": f"{start:%Y-%m-%d}"}).context["grid"]
    assert [column.provider for column in grid.columns] == [provider]


def test_the_board_counts_their_own(ada: Client, others: dict[str, Any], book: Book) -> None:
    page = ada.get(f"{LIST}attention/")
    assert page.context["sections"] == []
    assert SECRET not in text_of(page)


def test_quick_entry_knows_their_own_clients_and_starts(
    ada: Client, others: dict[str, Any], service: Any, start: datetime, provider: Any
) -> None:
    assert ada.get(f"{LIST}clients/", {"q": "zenobia"}).json() == {"clients": []}
    create_schedule(provider=provider, hours={day: [("09:00", "10:00")] for day in range(7)})
    asked = {"service": service.pk, "day": f"{start:%Y-%m-%d}"}
    mine = ada.get(f"{LIST}starts/", asked | {"provider": provider.pk})
    assert mine.json() == {"starts": [["09:00", "9 a.m."]]}
    theirs = {"provider": others["bookings/booking"].provider_id}
    assert ada.get(f"{LIST}starts/", asked | theirs).json() == {"starts": []}


def test_a_form_begins_with_them_and_takes_nobody_else(
    ada: Client, others: dict[str, Any], service: Any, start: datetime, provider: Any
) -> None:
    form = form_values(ada.get(ADD))
    assert form["provider"] == [f"{provider.pk}"]
    given = {
        "service": service.pk,
        "start_at_0": f"{start + timedelta(days=1):%Y-%m-%d}",
        "start_at_1": "10:00",
        "client_name": "Mary",
    }
    theirs = {"provider": others["bookings/booking"].provider_id}
    refused = errors_of(ada.post(ADD, form | given | theirs))
    assert "Select a valid choice." in refused["provider"][0]
    assert ada.post(ADD, form | given).status_code == 302


def test_a_booking_is_not_dragged_to_another_provider(
    ada: Client, booking: Booking, other_provider: Any
) -> None:
    sent = {"booking": booking.pk, "version": 1, "provider": other_provider.pk}
    answer = ada.post(f"{LIST}calendar/move/", sent)
    assert answer.status_code == 409
    assert answer.json()["error"] == "You may not book this provider. Choose another one."


def test_the_desk_searches_only_their_own_providers(
    ada: Client, provider: Any, other_provider: Any
) -> None:
    """Where the host's own admin would find every provider."""
    page = text_of(ada.get(ADD.replace("admin", "desk", 1)))
    assert "/desk/bookings/booking/search/" in page
    asked = {"app_label": "bookings", "model_name": "booking", "field_name": "provider", "term": ""}
    found = ada.get("/desk/bookings/booking/search/", asked).json()["results"]
    assert [one["text"] for one in found] == [str(provider)]


def test_reports_count_their_own(
    ada: Client, booking: Booking, others: dict[str, Any], start: datetime
) -> None:
    asked = {"first": f"{start:%Y-%m-%d}", "last": f"{start + timedelta(days=30):%Y-%m-%d}"}
    page = ada.get("/admin/bookings_reports/reportspage/", asked | {"group_by": "provider"})
    assert "Ada" in text_of(page)
    assert "Grace" not in text_of(page)
    listed = ada.get("/admin/bookings_reports/reportspage/list.csv", asked)
    assert listed.getvalue().decode().count("\n") == 2


def test_what_others_have_is_only_busy(
    ada: Client, book: Book, provider: Any, other_provider: Any, start: datetime
) -> None:
    """As if the booking took the time of Ada, and were another's."""
    booking = book(client_name=SECRET)
    Booking._base_manager.filter(pk=booking.pk).update(provider=other_provider)
    url = "/admin/bookings_schedule/timeoff/add/"
    day = f"{start:%Y-%m-%d}"
    sent = {"provider": provider.pk, "start_at_0": day, "start_at_1": "09:00"}
    sent |= {"end_at_0": day, "end_at_1": "12:00", "reason": ""}
    page = text_of(ada.post(url, sent))
    assert "Busy ·" in page
    assert SECRET not in page


@pytest.mark.parametrize(
    ("name", "permissions"), [("Ada", ["view_all_bookings"]), ("Reception", [])]
)
def test_who_may_see_all_or_is_no_provider_sees_all(
    name: str, permissions: list[str], booking: Booking, others: dict[str, Any]
) -> None:
    browser = _browser(name, *PERMISSIONS, *permissions)
    assert others["bookings/booking"] in browser.get(LIST).context["cl"].result_list


def test_it_takes_one_query_for_a_page(ada: Client, booking: Booking, settings: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            ada.get(LIST)
        return len(captured)

    limited = queries()
    settings.BOOKINGS_ADAPTER = "bookings.adapters.DefaultBookingAdapter"
    assert limited == queries() + 1
