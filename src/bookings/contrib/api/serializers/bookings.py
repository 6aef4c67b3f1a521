"""Bookings as they are sent."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from bookings.contrib.api.policy import STAFF_FIELDS, Role
from bookings.contrib.api.questions import client_answers
from bookings.contrib.api.serializers.base import InstantField, KeyField, StrictSerializer
from bookings.models import Booking, BookingEvent

CLIENT_DATA = frozenset({"start_at", "end_at", "status", "party_size"})
"""What of an event's data everybody sees who sees the booking, with ``old_`` and ``new_``."""


class BookingAddonSerializer(StrictSerializer):
    """An add-on, as it was when it was booked."""

    addon = KeyField("ADDON_MODEL", source="addon_id")
    name = serializers.CharField(source="name_snapshot", read_only=True)
    extra_duration_minutes = serializers.IntegerField(
        source="extra_duration_minutes_snapshot", read_only=True
    )
    price_amount = serializers.CharField(
        source="price_amount_snapshot", read_only=True, allow_null=True
    )
    currency = serializers.CharField(source="currency_snapshot", read_only=True)


class BookingResourceSerializer(StrictSerializer):
    """A further provider whose time the booking takes."""

    provider = KeyField("PROVIDER_MODEL", source="provider_id")
    provider_name = serializers.CharField(read_only=True)


class BookingSerializer(StrictSerializer):
    """A booking. Who sees which fields, the policy decides.

    It says nothing that the version of the booking does not, so that its entity tag is strong.
    """

    optional_names = STAFF_FIELDS

    uuid = serializers.UUIDField(read_only=True)
    reference = serializers.CharField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    status = serializers.ChoiceField(choices=Booking.Status.choices, read_only=True)
    is_hold = serializers.BooleanField(read_only=True)
    tenant = KeyField("TENANT_MODEL", source="tenant_id", allow_null=True)
    service = KeyField("SERVICE_MODEL", source="service_id")
    service_name = serializers.CharField(read_only=True)
    provider = KeyField("PROVIDER_MODEL", source="provider_id")
    provider_name = serializers.CharField(read_only=True)
    resources = BookingResourceSerializer(many=True, read_only=True)
    addons = BookingAddonSerializer(many=True, read_only=True)
    start_at = InstantField(read_only=True)
    end_at = InstantField(read_only=True)
    duration_days = serializers.IntegerField(read_only=True, allow_null=True)
    ends_at_time = serializers.TimeField(read_only=True, allow_null=True)
    party_size = serializers.IntegerField(read_only=True)
    client_name = serializers.CharField(read_only=True)
    client_email = serializers.CharField(read_only=True)
    client_phone = serializers.CharField(read_only=True)
    client_user = KeyField("USER_MODEL", source="client_user_id", allow_null=True)
    client_language = serializers.CharField(read_only=True)
    client_timezone = serializers.CharField(read_only=True)
    pricing_type = serializers.CharField(read_only=True)
    price_amount = serializers.CharField(read_only=True, allow_null=True)
    total_amount = serializers.CharField(read_only=True, allow_null=True)
    currency = serializers.CharField(read_only=True)
    location = serializers.CharField(read_only=True)
    meeting_link = serializers.CharField(read_only=True)
    notes_client = serializers.CharField(read_only=True)
    notes_internal = serializers.CharField(read_only=True)
    answers = serializers.JSONField(read_only=True)
    metadata = serializers.JSONField(read_only=True)
    expires_at = InstantField(read_only=True, allow_null=True)
    requested_at = InstantField(read_only=True, allow_null=True)
    confirmed_at = InstantField(read_only=True, allow_null=True)
    delivered_at = InstantField(read_only=True, allow_null=True)
    completed_at = InstantField(read_only=True, allow_null=True)
    cancelled_at = InstantField(read_only=True, allow_null=True)
    cancellation_reason = serializers.CharField(read_only=True)
    auto_cancelled = serializers.BooleanField(read_only=True)
    requires_approval = serializers.BooleanField(read_only=True)
    cancellation_allowed = serializers.BooleanField(read_only=True)
    cancellation_notice_minutes = serializers.IntegerField(read_only=True)
    reschedule_allowed = serializers.BooleanField(read_only=True)
    reschedule_notice_minutes = serializers.IntegerField(read_only=True)
    max_reschedules = serializers.IntegerField(read_only=True, allow_null=True)
    two_sided_completion = serializers.BooleanField(read_only=True)
    created_at = InstantField(read_only=True)
    created_by = KeyField("USER_MODEL", source="created_by_id", allow_null=True)
    created_by_name = serializers.CharField(read_only=True)
    updated_at = InstantField(read_only=True)

    def to_representation(self, instance: Booking) -> dict[str, Any]:
        policy = self.context["policy"]
        role = policy.role_for(instance)
        hidden = {self.name_of(name) for name in policy.hidden_fields(role)}
        shown = super().to_representation(instance)
        answers = self.name_of("answers")
        if role in {Role.CLIENT, Role.ANONYMOUS} and answers in shown:
            shown[answers] = client_answers(instance.service, shown[answers])
        return {name: value for name, value in shown.items() if name not in hidden}


class BookingEventSerializer(StrictSerializer):
    """A line of a booking's history. ``data`` has the old and the new values."""

    optional_names = frozenset({"actor", "actor_name"})

    id = serializers.IntegerField(read_only=True)
    type = serializers.ChoiceField(
        source="event_type", choices=BookingEvent.EventType.choices, read_only=True
    )
    message = serializers.CharField(read_only=True)
    data = serializers.JSONField(read_only=True)  # type: ignore[assignment]
    actor = KeyField("USER_MODEL", source="actor_user_id", allow_null=True)
    actor_name = serializers.CharField(read_only=True)
    created_at = InstantField(read_only=True)

    def to_representation(self, instance: BookingEvent) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if self.context["role"] is Role.STAFF:
            return shown
        data = shown[self.name_of("data")]
        shown[self.name_of("data")] = {
            name: value
            for name, value in data.items()
            if name.removeprefix("old_").removeprefix("new_") in CLIENT_DATA
        }
        del shown[self.name_of("actor")], shown[self.name_of("actor_name")]
        return shown
