"""What a booking's page shows, and which of its fields can be edited when."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.amounts import length_column
from bookings.admin.booking.forms import (
    CLIENT_FIELDS,
    DETAIL_FIELDS,
    LENGTH_FIELDS,
    NOTE_FIELDS,
    PLACE_FIELDS,
    RULE_FIELDS,
)
from bookings.admin.display import user_column
from bookings.admin.tenants import tenant_fields
from bookings.models import Booking

Fieldsets = list[tuple[Any, dict[str, Any]]]

EDITABLE_WHEN_NEW: Final = frozenset(
    {"tenant", "service", "provider", "start_at", "party_size", "resources", "addons"}
    | {"allow_past", "form_key", *LENGTH_FIELDS, *RULE_FIELDS, *DETAIL_FIELDS}
)
NEEDED_WHEN_NEW: Final = frozenset(
    {"service", "provider", "start_at", "party_size", "client_name", "form_key"}
)
"""Without these there is no booking, so a subclass cannot make them read-only on the add page."""

EDITABLE_WHILE_ACTIVE: Final = frozenset(
    {"start_at", "provider", "resources", "addons", "by", "expected_version"}
    | {*LENGTH_FIELDS, *RULE_FIELDS, *DETAIL_FIELDS}
)
EDITABLE_ONCE_OVER: Final = frozenset({"expected_version", *DETAIL_FIELDS})

SNAPSHOT_FIELDS: Final[tuple[Any, ...]] = (
    "ends_at_time",
    (
        length_column(Booking, "buffer_before_minutes"),
        length_column(Booking, "buffer_after_minutes"),
    ),
    "requires_approval",
    ("cancellation_allowed", length_column(Booking, "cancellation_notice_minutes")),
    (
        "reschedule_allowed",
        length_column(Booking, "reschedule_notice_minutes"),
        "max_reschedules",
    ),
    "two_sided_completion",
    "pricing_type",
)
EXCEPTIONS: Final = _("Staff exceptions")
"""The name of the fieldset in which staff override rules."""

CREATED_BY: Final = user_column(Booking, "created_by")
CANCELLED_BY: Final = user_column(Booking, "cancelled_by")
RECORD_FIELDS: Final = (
    "uuid",
    "version",
    ("service_name", "provider_name"),
    ("created_at", CREATED_BY),
    "updated_at",
    ("requested_at", "expires_at"),
    "confirmed_at",
    "delivered_at",
    "completed_at",
    ("cancelled_at", CANCELLED_BY, "auto_cancelled"),
    "cancellation_reason",
    "metadata",
)


def add_fieldsets(questions: list[str]) -> Fieldsets:
    plan = (
        *("service", "provider", "start_at", LENGTH_FIELDS),
        *("resources", "party_size", "addons", "form_key"),
    )
    exceptions = {"fields": (*RULE_FIELDS, "allow_past"), "classes": ("collapse",)}
    return [
        (None, {"fields": (*tenant_fields(), *plan)}),
        *_client_and_notes(questions),
        (EXCEPTIONS, exceptions),
    ]


def change_fieldsets(questions: list[str], booking: Booking, *, is_movable: bool) -> Fieldsets:
    movable = (LENGTH_FIELDS, "resources", "addons") if is_movable else _days_of(booking)
    plan = ("start_at", "end_at", "provider", *movable)
    rest = ("party_size", "total", "expected_version")
    exceptions = {"fields": (*RULE_FIELDS, "by"), "classes": ("collapse",)}
    return [
        (None, {"fields": ("state", *tenant_fields(), "service", *plan, *rest)}),
        *_client_and_notes(questions),
        *([(EXCEPTIONS, exceptions)] if is_movable else []),
        *_record(),
    ]


def view_fieldsets(questions: list[str], booking: Booking) -> Fieldsets:
    plan = (
        *("service", "start_at", "end_at", *_days_of(booking)),
        *("provider", "party_size", "total"),
    )
    return [
        (None, {"fields": ("state", *tenant_fields(), *plan)}),
        *_client_and_notes(questions),
        *_record(),
    ]


def _days_of(booking: Booking) -> tuple[str, ...]:
    return () if booking.duration_days is None else ("duration_days",)


def _client_and_notes(questions: list[str]) -> Fieldsets:
    return [
        (_("Client"), {"fields": CLIENT_FIELDS}),
        *([(_("Questions"), {"fields": questions})] if questions else []),
        (_("Place"), {"fields": PLACE_FIELDS}),
        (_("Notes"), {"fields": NOTE_FIELDS}),
    ]


def _record() -> Fieldsets:
    return [
        (_("The rules when it was booked"), {"fields": SNAPSHOT_FIELDS, "classes": ("collapse",)}),
        (
            pgettext_lazy("what is on record", "Record"),
            {"fields": RECORD_FIELDS, "classes": ("collapse",)},
        ),
    ]
