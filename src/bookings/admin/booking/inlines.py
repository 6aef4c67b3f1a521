"""The add-ons and the history of a booking on its page, read-only."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, Final

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

from bookings.admin.display import user_column
from bookings.admin.question_fields import answer_texts
from bookings.admin.read_only import ReadOnlyInline
from bookings.models import Booking, BookingAddon, BookingEvent, BookingResource
from bookings.models.fields import AmountField
from bookings.rules.durations import format_minutes
from bookings.rules.money import format_amount


class BookingAddonInline(ReadOnlyInline):
    model = BookingAddon
    verbose_name_plural = _("add-ons")
    fields = readonly_fields = (
        "name_snapshot",
        "extra_duration_minutes_snapshot",
        "price",
        "currency_snapshot",
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("booking")

    @admin.display(description=_("price"))
    def price(self, addon: BookingAddon) -> str:
        if addon.price_amount_snapshot is None:
            return "–"
        return format_amount(addon.price_amount_snapshot, addon.currency_snapshot)


class BookingResourceInline(ReadOnlyInline):
    model: Any = BookingResource
    verbose_name_plural = _("resources")
    fields = readonly_fields = ("provider_name", "buffers", "is_from_pool")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related(self.fk_name)

    @admin.display(description=_("buffers"))
    def buffers(self, resource: Any) -> str:
        return _("%(before)s before, %(after)s after") % {
            "before": format_minutes(resource.buffer_before_minutes),
            "after": format_minutes(resource.buffer_after_minutes),
        }

    @admin.display(description=_("chosen from a pool"), boolean=True)
    def is_from_pool(self, resource: Any) -> bool:
        return resource.pool is not None


class BookingEventInline(ReadOnlyInline):
    model = BookingEvent
    verbose_name_plural = _("history")
    classes = ("collapse",)
    fields = readonly_fields = (
        "created_at",
        "event_type",
        user_column(BookingEvent, "actor_user"),
        "message",
        "changes",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django makes an inline for each request, so this cache lives no longer.
        self.names: dict[tuple[str, Any], Any] = {}

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("booking", "actor_user")

    @admin.display(description=_("changes"))
    def changes(self, event: BookingEvent) -> SafeString | str:
        """Return the old and the new values in the event's data, ``old_x`` and ``new_x``.

        Of a note for the client, return that the client may read it.
        """
        if event.data.get("for_client"):
            return str(_("The client may read it"))
        names = [key.removeprefix("new_") for key in event.data if key.startswith("new_")]
        pairs = [
            (field_label(name), *(self.change_text(event, name, value) for value in (old, new)))
            for name in names
            if (old := event.data.get(f"old_{name}")) != (new := event.data[f"new_{name}"])
        ]
        if not pairs:
            return ""
        return format_html(
            '<ul class="bookings-changes">{}</ul>',
            format_html_join("", "<li>{}: <del>{}</del> → <ins>{}</ins></li>", pairs),
        )

    def change_text(self, event: BookingEvent, name: str, value: Any) -> str:
        """Return the text for a value of an event: of an amount, with its currency's decimals."""
        if name in AMOUNTS and isinstance(value, str):
            with suppress(InvalidOperation):
                return format_amount(Decimal(value), event.booking.currency)
        return self.display_text(name, value)

    def display_text(self, name: str, value: Any) -> str:
        """Return the text for a field's value; for a foreign key, the name of its object."""
        if name == "resources":
            return value_text([self.display_text("provider", key) for key in value])
        if not isinstance(value, int | str):
            return value_text(value)
        if (name, value) not in self.names:
            self.names[name, value] = related_name(name, value)
        return value_text(self.names[name, value])


AMOUNTS: Final = frozenset(
    field.name for field in Booking._meta.get_fields() if isinstance(field, AmountField)
)
LABELS: Final = {"addons": _("add-ons"), "resources": _("resources")}


def field_label(name: str) -> str:
    try:
        field: Any = Booking._meta.get_field(name)
    except FieldDoesNotExist:
        return name
    return str(LABELS.get(name) or field.verbose_name)


def related_name(name: str, value: Any) -> Any:
    """Return the name of the object to which a foreign key of the booking refers.

    If the field is no foreign key, or the object no longer exists, return the value itself.
    """
    try:
        related: Any = Booking._meta.get_field(name).related_model
        found = related and related._base_manager.filter(pk=value).first()
    except (FieldDoesNotExist, TypeError, ValueError, ValidationError):
        return value
    return value if found is None else str(found)


def item_text(item: Any) -> str:
    """Return the text for an item of a list: a name, or a stored answer."""
    return ": ".join(answer_texts(item)) if isinstance(item, dict) else str(item)


def value_text(value: Any) -> str:
    """Return the text for a value of an event's data: instants in local time, choices by label."""
    if value is None or value == "":
        return "–"
    if isinstance(value, list):
        return ", ".join(map(item_text, value)) or "–"
    if isinstance(value, str):
        try:
            instant = parse_datetime(value)
        except ValueError:
            instant = None
        if instant is not None and timezone.is_aware(instant):
            return str(localize(timezone.localtime(instant)))
        return str(dict(Booking.Status.choices).get(value, value))
    return str(value)
