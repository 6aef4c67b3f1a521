"""What availability is asked for: the query parameters, as the options of the selectors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.contrib.api.conf import api_settings
from bookings.contrib.api.exceptions import InvalidParameters
from bookings.contrib.api.filters import InstantFormField
from bookings.contrib.api.policy import ApiPolicy, Role
from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.models.keys import related_key
from bookings.pools import MAX_POOL_SIZE
from bookings.rules.zones import zone_by_name

NOT_FOUND: Final = _("There is no object with the key %(value)s that you may choose.")


class Keys(forms.Field):
    """Keys of rows, each of which has to be there; the parameter may be repeated."""

    widget = forms.SelectMultiple


class Zone(forms.CharField):
    """The IANA name of a time zone."""

    def clean(self, value: Any) -> Any:
        name = super().clean(value)
        return zone_by_name(name) if name else timezone.get_current_timezone()


class RequestedBooking(forms.Form):
    """The booking that is looked for, by the names of the parameters."""

    repeatable: ClassVar = frozenset({"provider", "addon"})

    service = forms.CharField(required=False)
    provider = Keys(required=False)
    addon = Keys(required=False)
    duration = forms.IntegerField(required=False, min_value=1)
    duration_days = forms.IntegerField(required=False, min_value=1)
    party_size = forms.IntegerField(required=False, min_value=1)
    booking = forms.UUIDField(required=False)
    time_zone = Zone(required=False)


class Range(RequestedBooking):
    """Between two instants."""

    start = InstantFormField()
    end = InstantFormField()


class Days(RequestedBooking):
    """From a first to a last day, included."""

    start = forms.DateField(input_formats=["%Y-%m-%d"])
    end = forms.DateField(input_formats=["%Y-%m-%d"])


class Next(RequestedBooking):
    """From an instant on, by default now."""

    start = InstantFormField(required=False)


def clean(form_class: type[forms.Form], query: Any) -> dict[str, Any]:
    """Return the valid parameters by name; raise ``InvalidParameters`` otherwise."""
    form = form_class(query)
    if not form.is_valid():
        raise InvalidParameters(
            {
                name: [(error.code or "invalid", " ".join(error.messages)) for error in errors]
                for name, errors in form.errors.as_data().items()
            }
        )
    values = form.cleaned_data
    if "end" in values:
        check_length(values["start"], values["end"])
    return values


def check_length(start: Any, end: Any, name: str = "end") -> None:
    """Raise ``InvalidParameters`` for more days than the setting allows to ask for at once."""
    most = api_settings.API_AVAILABILITY_DAYS
    is_instant = isinstance(start, datetime)
    if end - start > timedelta(days=most if is_instant else most - 1):
        raise invalid(
            name,
            "range_too_long",
            _("Ask for %(most)d days at most.") % {"most": most},
        )


def invalid(name: str, code: str, message: Any) -> InvalidParameters:
    return InvalidParameters({name: [(code, str(message))]})


def selection(
    policy: ApiPolicy, values: Mapping[str, Any]
) -> tuple[Any, list[Any], dict[str, Any]]:
    """Return the service, the providers and the options of the selectors.

    Without ``provider``, they are those who offer the service, or the provider of the ``booking``.
    Raises ``InvalidParameters`` for an object that the user may not choose.
    """
    booking = None if values["booking"] is None else _find_booking(policy, values["booking"])
    if booking is not None:
        service: Any = booking.service
        for name in ("service", "addon", "party_size"):
            if values[name]:
                raise invalid(name, "not_with_booking", _("The booking keeps its own."))
    elif not values["service"]:
        raise invalid("service", "required", _("Name a service, or a booking to be moved."))
    else:
        [service] = find_objects(policy.referable("SERVICE_MODEL"), "service", [values["service"]])
    if values["provider"]:
        providers = find_objects(policy.referable("PROVIDER_MODEL"), "provider", values["provider"])
    elif booking is not None:
        providers = [booking.provider]
    else:
        providers = list(get_adapter().providers_of(service)[:MAX_POOL_SIZE])
    options: dict[str, Any] = {
        "tz": values["time_zone"],
        "duration_minutes": values["duration"],
        "duration_days": values["duration_days"],
    }
    if booking is not None:
        return service, providers, options | {"booking": booking}
    options |= {"party_size": values["party_size"]}
    if values["addon"]:
        options["addons"] = find_objects(policy.referable("ADDON_MODEL"), "addon", values["addon"])
    if policy.role_to_create(service) is Role.CLIENT:
        options["client_user"] = policy.user
    return service, providers, options


def _find_booking(policy: ApiPolicy, uuid: UUID) -> Booking:
    visible = policy.bookings().select_related("service", "provider")
    booking = visible.filter(uuid=uuid).first()
    if booking is None or not policy.allows("reschedule", booking):
        raise invalid("booking", "does_not_exist", NOT_FOUND % {"value": uuid})
    return booking


def find_objects(rows: Any, name: str, keys: list[Any]) -> list[Any]:
    """Return the objects with these keys, in their order, in one query."""
    parsed: list[Any] = []
    for key in keys:
        try:
            parsed.append(related_key(rows.model._meta.pk, key, "provider"))
        except InvalidBooking:
            raise invalid(name, "does_not_exist", NOT_FOUND % {"value": key[:100]}) from None
    found = rows.in_bulk(parsed)
    for key in parsed:
        if key not in found:
            raise invalid(name, "does_not_exist", NOT_FOUND % {"value": key})
    return [found[key] for key in dict.fromkeys(parsed)]
