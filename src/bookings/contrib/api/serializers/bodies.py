"""The bodies of requests that make and change bookings.

What a field is called here is what the argument of the service is called, or its ``source`` is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from bookings.contrib.api.policy import Role
from bookings.contrib.api.questions import staff_question_names
from bookings.contrib.api.serializers.base import InstantField, StrictSerializer
from bookings.contrib.api.serializers.references import ProviderField, RawKeyField, ReferenceField
from bookings.models import Booking

ON_BEHALF_OF = ("client", "provider")


def _text(**options: Any) -> serializers.CharField:
    return serializers.CharField(
        **{"required": False, "allow_blank": True, "trim_whitespace": False, **options}
    )


class Body(StrictSerializer):
    """A body whose fields not everybody may set.

    The view puts ``role_for`` into the context, which says in which role the user acts, by what was
    read from the body.
    """

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_writable": _("Only staff may set this. Remove it."),
        "unknown_question": _("The service does not ask this."),
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        role = self.role = self.context["role_for"](attrs)
        refused = set(self.context["policy"].unwritable_fields(role))
        errors = {
            self.name_of(name): self.error("not_writable")
            for name, field in self._declared_fields.items()
            if name in refused and (field.source or name) in attrs
        }
        if errors:
            raise serializers.ValidationError(errors)
        self.check_answers(role, attrs)
        return attrs

    def check_answers(self, role: Role, attrs: dict[str, Any]) -> None:
        """Refuse answers to questions that are for staff, as if these were not asked."""
        service = attrs.get("service", self.context.get("service"))
        given: Collection[str] = attrs.get("answers") or ()
        if not given or service is None or role in {Role.STAFF, Role.PROVIDER}:
            return
        if refused := staff_question_names(service) & set(given):
            errors = {name: self.error("unknown_question") for name in sorted(refused)}
            raise serializers.ValidationError({self.name_of("answers"): errors})

    def error(self, code: str) -> list[serializers.ErrorDetail]:
        return [serializers.ErrorDetail(str(self.error_messages[code]), code)]


class ClientDetails(Body):
    """Who the client is, and what the client says."""

    client_name = _text(max_length=255)
    client_email = _text(max_length=254)
    client_phone = _text(max_length=64)
    client_user = ReferenceField("USER_MODEL", required=False, allow_null=True)
    notes_client = _text()
    answers = serializers.DictField(required=False)
    metadata = serializers.DictField(required=False)


class NewBooking(ClientDetails):
    """A new booking, or a hold."""

    service = ReferenceField("SERVICE_MODEL")
    provider = ProviderField(required=False)
    start_at = InstantField()
    resources = serializers.ListField(child=ProviderField(), required=False, max_length=50)
    addons = serializers.ListField(
        child=RawKeyField("ADDON_MODEL"), source="addon_ids", required=False
    )
    duration_minutes = serializers.IntegerField(required=False, allow_null=True)
    duration_days = serializers.IntegerField(required=False, allow_null=True)
    party_size = serializers.IntegerField(required=False)
    notes_internal = _text()
    location = _text(max_length=500)
    meeting_link = _text()
    client_language = _text()
    client_timezone = _text()
    override_policy = serializers.BooleanField(required=False)
    skip_slot_validation = serializers.BooleanField(required=False)
    allow_past = serializers.BooleanField(required=False)


class NewHold(NewBooking):
    """A hold: a booking that lapses unless it is submitted in time."""

    hold_minutes = serializers.IntegerField(required=False)


class Override(Body):
    """For staff: lift the rules of the service."""

    override_policy = serializers.BooleanField(required=False)


class HoldCompletion(ClientDetails, Override):
    """The details of the client with which a hold is completed."""


class Reason(Body):
    """Why."""

    reason = _text()


class RequiredReason(Body):
    """Why, which has to be said."""

    reason = serializers.CharField()


class Cancellation(Reason, Override):
    """Why, and on whose behalf."""

    by = serializers.ChoiceField(choices=ON_BEHALF_OF, required=False)


class Delivery(Body):
    """What the client is told about it."""

    message = _text()
    metadata = serializers.DictField(required=False)


class HoldExtension(Body):
    """For how long: minutes from now, or an instant."""

    minutes = serializers.IntegerField(required=False)
    expires_at = InstantField(required=False)


class Move(Override):
    """Where a booking is moved to."""

    start_at = InstantField(source="new_start_at")
    provider = ProviderField(source="new_provider", required=False)
    resources = serializers.ListField(
        child=ProviderField(), source="new_resources", required=False, max_length=50
    )
    addons = serializers.ListField(
        child=RawKeyField("ADDON_MODEL"), source="addon_ids", required=False
    )
    duration_minutes = serializers.IntegerField(
        source="new_duration_minutes", required=False, allow_null=True
    )
    duration_days = serializers.IntegerField(
        source="new_duration_days", required=False, allow_null=True
    )
    by = serializers.ChoiceField(choices=ON_BEHALF_OF, required=False)
    skip_slot_validation = serializers.BooleanField(required=False)


class PartySize(Override):
    """How many seats the booking has from now on."""

    party_size = serializers.IntegerField(source="seats")
    by = serializers.ChoiceField(choices=ON_BEHALF_OF, required=False)


class Details(ClientDetails, Override):
    """What of a booking can be changed without moving it."""

    notes_internal = _text()
    location = _text(max_length=500)
    meeting_link = _text()
    client_language = _text()
    client_timezone = _text()


class Note(Body):
    """A note for the history."""

    message = serializers.CharField()
    for_client = serializers.BooleanField(required=False)


class NewStatus(Override):
    """The status to which a booking is to be led."""

    status = serializers.ChoiceField(choices=Booking.Status.choices)
    reason = _text()


class Nothing(Body):
    """An empty object, or no body at all."""
