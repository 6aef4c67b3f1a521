"""The filters of lists, and the refusal of query parameters that a list does not have."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request

from bookings.contrib.api.exceptions import InvalidParameters
from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.models.keys import related_key

UNKNOWN_PARAMETER: Final = _("There is no such parameter. Known ones: %(known)s.")


def check_parameters(request: Request, known: frozenset[str]) -> None:
    """Raise ``InvalidParameters`` for a query parameter that is not one of the known ones."""
    message = UNKNOWN_PARAMETER % {"known": ", ".join(sorted(known)) or "–"}
    unknown = sorted(request.query_params.keys() - known)
    if unknown:
        raise InvalidParameters({name: [("unknown_parameter", message)] for name in unknown})


class StrictFilterBackend(filters.DjangoFilterBackend):  # type: ignore[misc]
    """Applies the view's ``filterset_class``, and refuses invalid values with their names."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise InvalidParameters(
                {
                    name: [(error.code or "invalid", " ".join(error.messages)) for error in errors]
                    for name, errors in filterset.errors.as_data().items()
                }
            )
        return filterset.qs


class InstantFormField(forms.Field):
    """An instant by ISO 8601 with its offset from UTC."""

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            instant = parse_datetime(value)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            raise ValidationError(
                _(
                    "Write an instant with its offset, such as 2030-01-31T09:00:00Z. "
                    "In an address, encode a plus sign."
                ),
                "invalid",
            )
        return instant


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantFilter(filters.Filter):  # type: ignore[misc]
    field_class = InstantFormField


class KeysFormField(forms.Field):
    """Keys of rows: the parameter may be repeated."""

    widget = forms.SelectMultiple

    def __init__(self, *, key_field: str, **kwargs: Any) -> None:
        self.key_field = key_field
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> list[Any]:
        field: Any = Booking._meta.get_field(self.key_field)
        try:
            return [related_key(field, each, "provider") for each in value or ()]
        except InvalidBooking:
            raise ValidationError(_("This is no key. Take it from the lists."), "invalid") from None


class KeysFilter(filters.Filter):  # type: ignore[misc]
    """Rows that refer to one of these objects."""

    field_class = KeysFormField
    is_repeatable = True

    def __init__(self, key_field: str, *, field_name: str = "", **kwargs: Any) -> None:
        super().__init__(field_name or key_field, key_field=key_field, **kwargs)

    def filter(self, queryset: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.field_name}__in": value}) if value else queryset


class BookingFilters(filters.FilterSet):  # type: ignore[misc]
    """The filters of lists of bookings."""

    status = filters.MultipleChoiceFilter(
        choices=Booking.Status.choices, help_text=_("Any of these statuses.")
    )
    provider = KeysFilter("provider", help_text=_("With any of these providers."))
    service = KeysFilter("service", help_text=_("Of any of these services."))
    client = KeysFilter("client_user", help_text=_("Of any of these users."))
    reference = filters.CharFilter(help_text=_("With this reference."))
    start_from = InstantFilter("start_at", "gte", help_text=_("That start then or later."))
    start_before = InstantFilter("start_at", "lt", help_text=_("That start before then."))
    updated_since = InstantFilter(
        "updated_at", "gte", help_text=_("That were changed then or later.")
    )

    class Meta:
        model = Booking
        fields: tuple[str, ...] = ()
