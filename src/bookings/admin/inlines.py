"""A booking's add-ons and its history: to be read, never to be written."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bookings.admin.generic import Inline, InlineFormSet
from bookings.models import Booking, BookingAddon, BookingEvent
from bookings.money import shown


class UnreadFormSet(InlineFormSet):
    """Shows rows, and looks at nothing that is sent.

    Django binds even a read-only formset to the request, and fails when there are fewer rows by
    then than there were on the page.
    """

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def is_valid(self) -> bool:
        return True

    def save(self, commit: bool = True) -> list[Any]:
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []
        return []


class ReadOnlyInline(Inline):
    # Named, because looking for it fails on a setting that names no model, before a check says so.
    fk_name = "booking"
    formset = UnreadFormSet
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see the booking: these rows are part of it."""
        return True


class AddonInline(ReadOnlyInline):
    model = BookingAddon
    verbose_name_plural = _("add-ons")
    fields = readonly_fields = (
        "name_snapshot",
        "extra_duration_minutes_snapshot",
        "price",
        "currency_snapshot",
    )

    @admin.display(description=_("price"))
    def price(self, addon: BookingAddon) -> str:
        if addon.price_amount_snapshot is None:
            return "–"
        return shown(addon.price_amount_snapshot, addon.currency_snapshot)


class EventInline(ReadOnlyInline):
    model = BookingEvent
    verbose_name_plural = _("history")
    fields = readonly_fields = ("created_at", "event_type", "actor_user", "message", "changes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A page makes inlines of its own, so nothing is remembered for longer than that.
        self.names: dict[tuple[str, Any], Any] = {}

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("booking", "actor_user")

    @admin.display(description=_("changes"))
    def changes(self, event: BookingEvent) -> SafeString | str:
        """``old_x`` and ``new_x`` of the event's data, side by side; of a note, who may read it."""
        if event.data.get("for_client"):
            return str(_("The client may read it"))
        names = [key.removeprefix("new_") for key in event.data if key.startswith("new_")]
        pairs = [
            (label(name), self.shown(name, old), self.shown(name, new))
            for name in names
            if (old := event.data.get(f"old_{name}")) != (new := event.data[f"new_{name}"])
        ]
        if not pairs:
            return ""
        return format_html(
            '<ul class="bookings-changes">{}</ul>',
            format_html_join("", "<li>{}: <del>{}</del> → <ins>{}</ins></li>", pairs),
        )

    def shown(self, name: str, stored: Any) -> str:
        if not isinstance(stored, int | str):
            return value(stored)
        if (name, stored) not in self.names:
            self.names[name, stored] = name_of(name, stored)
        return value(self.names[name, stored])


LABELS = {"addons": _("add-ons")}


def label(name: str) -> str:
    try:
        field: Any = Booking._meta.get_field(name)
    except FieldDoesNotExist:
        return name
    return str(LABELS.get(name) or field.verbose_name)


def name_of(name: str, stored: Any) -> Any:
    """What a foreign key of the booking points at, if it is one and what it names still exists."""
    try:
        related: Any = Booking._meta.get_field(name).related_model
        found = related and related._base_manager.filter(pk=stored).first()
    except (FieldDoesNotExist, TypeError, ValueError, ValidationError):
        return stored
    return stored if found is None else str(found)


def value(stored: Any) -> str:
    """A value of an event's data for people: instants on the wall, choices by name."""
    if stored is None or stored == "":
        return "–"
    if isinstance(stored, list):
        return ", ".join(str(item) for item in stored) or "–"
    if isinstance(stored, str):
        try:
            instant = parse_datetime(stored)
        except ValueError:
            instant = None
        if instant is not None and timezone.is_aware(instant):
            return str(localize(timezone.localtime(instant)))
        return str(dict(Booking.Status.choices).get(stored, stored))
    return str(stored)
