"""A host that has subclassed the bookings' admin gets what it has written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory
from django.urls import path

from bookings.admin import BookingAddonInline, BookingAdmin, BookingEventInline
from bookings.admin.booking import BookingResourceInline
from bookings.models import Booking
from tests.admin.conftest import ADD, LIST, page_of
from tests.admin.page import FormData, errors_of, form_values

Form = Callable[..., FormData]


class HostForm(forms.ModelForm):  # type: ignore[type-arg]
    """As Django's documentation shows one, also without a call of ``super().clean()``."""

    class Meta:
        model = Booking
        fields = "__all__"  # noqa: DJ007 - as hosts write it

    client_name = forms.CharField(label="Who", max_length=20)

    def clean_client_name(self) -> str:
        name: str = self.cleaned_data["client_name"]
        if name == "Nobody":
            raise ValidationError("Not her.")
        return name.upper()

    def clean(self) -> dict[str, Any]:
        return self.cleaned_data


class HostAdmin(BookingAdmin):
    form = HostForm
    list_display = ("reference", "client_phone")
    list_filter = ("status",)
    list_select_related = ("service",)
    readonly_fields = ("notes_internal", "form_key", "service")
    ordering = ("client_name",)
    inlines = [BookingEventInline, BookingAddonInline]


class FixedTimes(BookingAdmin):
    readonly_fields = (
        "start_at",
        "addons",
        "override_policy",
        "skip_slot_validation",
        "client_name",
    )

    # What is read-only and no attribute of the model is one of the admin's, as Django demands.
    override_policy = skip_slot_validation = addons = lambda self, booking: "-"


host, fixed = admin.AdminSite(name="host"), admin.AdminSite(name="fixed")
host.register(Booking, HostAdmin)
fixed.register(Booking, FixedTimes)
urlpatterns = [
    path("admin/", admin.site.urls),
    path("host/", host.urls),
    path("fixed/", fixed.urls),
]


@pytest.fixture(autouse=True)
def _sites(_database: None, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


def at_host(url: str) -> str:
    return url.replace("/admin/", "/host/")


def at_fixed(url: str) -> str:
    return url.replace("/admin/", "/fixed/")


def test_its_form_adds_a_booking_by_the_service(boss: Client, form: Form, start: datetime) -> None:
    boss.post(at_host(ADD), form(boss, client_name="Mary"))
    made = Booking.objects.get()
    assert (made.client_name, made.start_at) == ("MARY", start)
    assert made.busy_interval is not None
    assert made.notes_internal == ""


def test_its_form_refuses(boss: Client, form: Form) -> None:
    response = boss.post(at_host(ADD), form(boss, client_name="Nobody"))
    assert errors_of(response) == {"client_name": ["Not her."]}
    assert "Who:" in response.content.decode()


def test_what_the_service_refuses_is_shown_on_its_form(
    boss: Client, form: Form, booking: Booking
) -> None:
    response = boss.post(at_host(ADD), form(boss, client_name="Zoe"))
    [refusal] = errors_of(response)["start_at"]
    assert at_host(page_of(booking)) in refusal
    assert Booking.objects.get() == booking


def test_its_form_changes_and_moves_a_booking(
    boss: Client, booking: Booking, start: datetime
) -> None:
    page = form_values(boss.get(at_host(page_of(booking))))
    assert "notes_internal" not in page
    boss.post(at_host(page_of(booking)), page | {"start_at_1": "14:00", "client_name": "Zoe"})
    booking.refresh_from_db()
    assert (booking.client_name, booking.start_at) == ("ZOE", start + timedelta(hours=4))
    assert booking.version == 3


def test_its_lists(boss: Client, booking: Booking) -> None:
    changelist = boss.get(at_host(LIST)).context["cl"]
    assert changelist.list_display[1:] == ["reference", "client_phone"]
    assert changelist.list_filter == ("status",)
    assert changelist.list_select_related == ("service",)
    assert changelist.queryset.query.order_by[0] == "client_name"


def test_its_pages_for_who_may_only_look(viewer: Client, booking: Booking) -> None:
    response = viewer.get(at_host(page_of(booking)))
    assert response.status_code == 200
    assert not form_values(response).keys() & {"client_name", "start_at_0", "notes_client"}


def test_times_that_are_read_only_are_not_moved(
    boss: Client, booking: Booking, start: datetime
) -> None:
    url = at_fixed(page_of(booking))
    page = form_values(boss.get(url))
    assert "start_at_0" not in page
    assert "client_name" not in page
    moved = page | {"start_at_0": "2131-01-01", "start_at_1": "10:00", "client_phone": "123"}
    response = boss.post(url, moved)
    assert response.status_code == 302
    booking.refresh_from_db()
    assert (booking.start_at, booking.client_phone, booking.client_name) == (start, "123", "Mary")


def test_the_add_page_keeps_what_a_booking_needs(boss: Client, form: Form) -> None:
    response = boss.post(at_fixed(ADD), form(boss))
    assert response.status_code == 302
    assert Booking.objects.get().client_name == "Mary"


def test_a_host_may_add_to_the_lists_of_ours() -> None:
    assert (*BookingAdmin.list_display, "client_phone")[:3] == ("reference", "start_at", "state")
    assert (*BookingAdmin.list_filter, "client_user")[2] == "status"
    assert (*BookingAdmin.readonly_fields, "metadata") == ("metadata",)
    assert BookingAdmin.inlines == [
        BookingResourceInline,
        BookingAddonInline,
        BookingEventInline,
    ]


def test_a_model_can_be_saved_without_a_form(booking: Booking) -> None:
    model_admin, request = BookingAdmin(Booking, admin.site), RequestFactory().get("/")
    booking.notes_internal = "Late"
    model_admin.save_model(request, booking)
    assert Booking.objects.get().notes_internal == "Late"
    booking.party_size = 3
    with pytest.raises(ValidationError) as refused:
        model_admin.save_model(request, booking, form=None, change=True)
    assert "party_size" in refused.value.message_dict
