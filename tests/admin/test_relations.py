"""How the objects of the host's own models are chosen in a form."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client

from bookings.admin import BookingAdmin
from bookings.models import Booking
from tests.admin.conftest import ADD, page_of
from tests.admin.page import errors_of, form_values, text_of
from tests.admin.urls import SearchableAdmin, desk

DESK = "/desk/bookings/booking/add/"


def widget_of(page: Any, name: str) -> str:
    widget = page.context["adminform"].form.fields[name].widget
    return type(getattr(widget, "widget", widget)).__name__


def test_a_model_that_is_not_registered_is_named_by_its_key(boss: Client) -> None:
    page = boss.get(ADD)
    for name in ("service", "provider"):
        assert widget_of(page, name) == "ForeignKeyRawIdWidget"
    assert widget_of(page, "addons") == "FilteredSelectMultiple"


def test_a_model_whose_admin_has_a_search_is_searched(boss: Client) -> None:
    page = boss.get(DESK)
    assert widget_of(page, "service") == widget_of(page, "provider") == "AutocompleteSelect"
    assert widget_of(page, "addons") == "AutocompleteSelectMultiple"
    assert widget_of(page, "client_user") == "ForeignKeyRawIdWidget"


def test_a_model_that_the_user_may_not_see_is_named_by_its_key(receptionist: Client) -> None:
    """The search would answer 403."""
    page = receptionist.get(DESK)
    assert widget_of(page, "service") == "ForeignKeyRawIdWidget"
    assert widget_of(page, "addons") == "FilteredSelectMultiple"


@pytest.mark.parametrize("key", ["9" * 30, "a"])
def test_what_is_no_key_is_refused_by_a_search_box(boss: Client, provider: Any, key: str) -> None:
    sent = {"service": key, "provider": key, "addons": [provider.pk, key], "resources": key}
    errors = errors_of(boss.post(DESK, form_values(boss.get(DESK)) | sent))
    for name in sent:
        assert errors[name]
    for page in ("bookings_series/series/publish/", "bookings_schedule/timeoff/add/"):
        response = boss.post(f"/desk/{page}", {"service": key, "provider": key})
        assert response.status_code == 200
        assert "Select a valid choice." in text_of(response)


@pytest.mark.parametrize(
    ("model", "field"),
    [("booking", "service"), ("booking", "provider"), ("bookingaddon", "addon")],
)
def test_the_search_answers(
    boss: Client, service: Any, provider: Any, addon: Any, model: str, field: str
) -> None:
    asked = {"app_label": "bookings", "model_name": model, "field_name": field, "term": "a"}
    answer = boss.get("/desk/autocomplete/", asked)
    names = [result["text"] for result in answer.json()["results"]]
    assert names == {"service": ["Massage"], "provider": ["Ada"], "addon": []}[field]


def test_a_booking_is_made_and_changed_at_the_desk(
    boss: Client, service: Any, provider: Any, addon: Any, start: Any
) -> None:
    page = form_values(boss.get(DESK))
    day = {"start_at_0": f"{start:%Y-%m-%d}", "start_at_1": "10:00"}
    given = {"service": service.pk, "provider": provider.pk, "addons": [addon.pk]}
    boss.post(DESK, page | given | day | {"client_name": "Mary"})
    booking = Booking.objects.get()
    assert booking.addons.get().addon == addon
    url = page_of(booking).replace("/admin/", "/desk/")
    page = form_values(boss.get(url))
    assert page["addons"] == [str(addon.pk)]
    assert boss.post(url, page | {"addons": []}).status_code == 302
    assert not booking.addons.exists()


def test_the_addons_to_choose_from_are_those_that_staff_see(
    boss: Client, addon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        SearchableAdmin, "get_queryset", lambda self, request: self.model.objects.none()
    )
    offered = boss.get(DESK).context["adminform"].form.fields["addons"].queryset
    assert list(offered) == []
    offered = boss.get(ADD).context["adminform"].form.fields["addons"].queryset
    assert list(offered) == [addon]


def test_nobody_deletes_a_service_while_booking_it(boss: Client, service: Any) -> None:
    page = text_of(boss.get(DESK))
    assert "add_id_service" in page
    assert "delete_id_service" not in page


def test_the_desk_links_to_itself(boss: Client, booking: Booking) -> None:
    for path in ("", "calendar/", f"{booking.pk}/change/", f"{booking.pk}/step/cancel/"):
        page = text_of(boss.get(f"/desk/bookings/booking/{path}"))
        assert "/desk/bookings/booking/" in page
        assert "/admin/bookings/" not in page


def test_system_checks_find_no_problems() -> None:
    for site in (admin.site, desk, admin.AdminSite(name="empty")):
        assert BookingAdmin(Booking, site).check() == []


def test_a_user_of_another_model_is_no_actor(rf: Any, provider: Any) -> None:
    """Where BOOKINGS_USER_MODEL is not the model that staff log in with."""
    request = rf.get("/")
    staff = BookingAdmin(Booking, admin.site)
    request.user = get_user_model()(username="staff")
    assert staff.get_actor(request) is request.user
    request.user = provider
    assert staff.get_actor(request) is None


def test_a_field_that_a_host_adds_is_read_only(rf: Any) -> None:
    class HostAdmin(BookingAdmin):
        def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
            return [*super().get_fieldsets(request, obj), (None, {"fields": ["metadata"]})]

    staff = HostAdmin(Booking, admin.site)
    assert "metadata" in staff.get_readonly_fields(rf.get("/"), None)


@pytest.mark.parametrize("key", ["abc", "-1", str(9**40), "\0"])
def test_a_key_that_is_sent_and_is_none_is_an_error_of_its_field(boss: Client, key: str) -> None:
    page = form_values(boss.get(ADD)) | {"provider": key, "service": key}
    assert {"provider", "service"} <= errors_of(boss.post(ADD, page)).keys()
