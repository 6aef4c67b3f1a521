"""What a booking's page shows, and which of it can be edited when."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.forms import CLIENT, DETAILS, NOTES
from bookings.conf import app_settings

Fieldsets = list[tuple[Any, dict[str, Any]]]

RULES: Final = ("override_policy", "skip_slot_validation")

ADDING: Final = frozenset(
    {"tenant", "service", "provider", "start_at", "party_size", "extras", *DETAILS}
    | {"allow_past", "form_key", *RULES}
)
MOVING: Final = frozenset({"start_at", "provider", "extras", "expected_version", *RULES, *DETAILS})
OVER: Final = frozenset({"expected_version", *DETAILS})

SNAPSHOT: Final = (
    ("buffer_before_minutes", "buffer_after_minutes"),
    "requires_approval",
    ("cancellation_allowed", "cancellation_notice_minutes"),
    ("reschedule_allowed", "reschedule_notice_minutes"),
    "two_sided_completion",
    "pricing_type",
)
RECORD: Final = (
    "uuid",
    "version",
    ("created_at", "created_by"),
    "updated_at",
    ("requested_at", "expires_at"),
    "confirmed_at",
    "delivered_at",
    "completed_at",
    ("cancelled_at", "cancelled_by", "auto_cancelled"),
    "cancellation_reason",
    "metadata",
)


def _tenant() -> tuple[str, ...]:
    return ("tenant",) if app_settings.tenancy_enabled else ()


def adding() -> Fieldsets:
    return [
        (
            None,
            {
                "fields": (
                    *_tenant(),
                    "service",
                    "provider",
                    "start_at",
                    "party_size",
                    "extras",
                    "form_key",
                )
            },
        ),
        (_("Client"), {"fields": CLIENT}),
        (_("Notes"), {"fields": NOTES}),
        (_("Staff exceptions"), {"fields": (*RULES, "allow_past"), "classes": ("collapse",)}),
    ]


def changing(*, movable: bool) -> Fieldsets:
    plan = (
        ("start_at", "end_at", "provider", "extras")
        if movable
        else ("start_at", "end_at", "provider")
    )
    exceptions: Fieldsets = [(_("Staff exceptions"), {"fields": RULES, "classes": ("collapse",)})]
    return [
        (
            None,
            {
                "fields": (
                    "state",
                    *_tenant(),
                    "service",
                    *plan,
                    "party_size",
                    "total",
                    "expected_version",
                )
            },
        ),
        *(exceptions if movable else []),
        (_("Client"), {"fields": CLIENT}),
        (_("Notes"), {"fields": NOTES}),
        *_record(),
    ]


def viewing() -> Fieldsets:
    what = ("state", *_tenant(), "service", "start_at", "end_at", "provider", "party_size", "total")
    return [
        (None, {"fields": what}),
        (_("Client"), {"fields": CLIENT}),
        (_("Notes"), {"fields": NOTES}),
        *_record(),
    ]


def _record() -> Fieldsets:
    return [
        (_("The rules when it was booked"), {"fields": SNAPSHOT, "classes": ("collapse",)}),
        (
            pgettext_lazy("what is on record", "Record"),
            {"fields": RECORD, "classes": ("collapse",)},
        ),
    ]
