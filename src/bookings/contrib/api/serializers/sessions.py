"""Sessions, their seats and their waitlists, as they are sent and received."""

from __future__ import annotations

from rest_framework import serializers

from bookings.contrib.api.serializers.base import InstantField, KeyField, StrictSerializer
from bookings.contrib.api.serializers.bodies import ClientDetails, Override
from bookings.contrib.api.serializers.references import ProviderField, RawKeyField, ReferenceField
from bookings.contrib.group_sessions.models import Session, WaitlistEntry


class SessionSerializer(StrictSerializer):
    """A published group occurrence of a service, with seats."""

    id = serializers.IntegerField(source="pk", read_only=True)
    service = KeyField("SERVICE_MODEL", source="service_id")
    provider = KeyField("PROVIDER_MODEL", source="provider_id")
    title = serializers.CharField(read_only=True)
    start_at = InstantField(read_only=True)
    end_at = InstantField(read_only=True)
    status = serializers.ChoiceField(choices=Session.Status.choices, read_only=True)
    capacity = serializers.IntegerField(read_only=True)
    remaining_seats = serializers.IntegerField(read_only=True)
    price_amount = serializers.CharField(read_only=True, allow_null=True)
    location = serializers.CharField(read_only=True)
    enable_waitlist = serializers.BooleanField(read_only=True)
    waitlist_offer_minutes = serializers.IntegerField(read_only=True, allow_null=True)
    cancellation_reason = serializers.CharField(read_only=True)


class SessionsOfDaySerializer(StrictSerializer):
    """The sessions of a day that can be booked."""

    date = serializers.DateField(read_only=True)
    sessions = SessionSerializer(many=True, read_only=True)


class AvailableSessionsSerializer(StrictSerializer):
    """Every day of the range, with the sessions that can be booked."""

    days = SessionsOfDaySerializer(many=True, read_only=True)


class WaitlistEntrySerializer(StrictSerializer):
    """A client who waits for seats."""

    id = serializers.IntegerField(source="pk", read_only=True)
    session = serializers.IntegerField(source="session_id", read_only=True)
    client_name = serializers.CharField(read_only=True)
    client_email = serializers.CharField(read_only=True)
    client_phone = serializers.CharField(read_only=True)
    party_size = serializers.IntegerField(read_only=True)
    status = serializers.ChoiceField(choices=WaitlistEntry.Status.choices, read_only=True)
    joined_at = InstantField(read_only=True)


class GeneratedSerializer(StrictSerializer):
    """What became of the slots."""

    created = serializers.IntegerField(read_only=True)
    existing = serializers.IntegerField(read_only=True)
    conflicts = serializers.IntegerField(read_only=True)


class _Template(Override):
    title = serializers.CharField(required=False, allow_blank=True, max_length=255)
    capacity = serializers.IntegerField(required=False)
    price_amount = serializers.DecimalField(
        required=False, allow_null=True, max_digits=15, decimal_places=3
    )
    location = serializers.CharField(required=False, allow_blank=True, max_length=500)
    meeting_link = serializers.CharField(required=False, allow_blank=True)
    enable_waitlist = serializers.BooleanField(required=False)
    waitlist_offer_minutes = serializers.IntegerField(required=False, allow_null=True)


class NewSession(_Template):
    """A session to publish."""

    service = ReferenceField("SERVICE_MODEL")
    provider = ProviderField()
    start_at = InstantField()
    end_at = InstantField(required=False, allow_null=True)
    resources = serializers.ListField(child=ProviderField(), required=False, max_length=50)


class SessionChanges(_Template):
    """What of a session can be changed."""

    provider = ReferenceField("PROVIDER_MODEL", required=False)
    start_at = InstantField(required=False)
    end_at = InstantField(required=False)
    resources = serializers.ListField(child=ProviderField(), required=False, max_length=50)


class SlotsToGenerate(_Template):
    """The sessions to publish in the business hours of a range of days."""

    service = ReferenceField("SERVICE_MODEL")
    provider = ReferenceField("PROVIDER_MODEL")
    start_date = serializers.DateField()
    end_date = serializers.DateField()
    slot_duration_minutes = serializers.IntegerField()
    capacity = serializers.IntegerField()


class NewSeat(ClientDetails, Override):
    """Seats of a session."""

    seats = serializers.IntegerField(required=False)
    addons = serializers.ListField(
        child=RawKeyField("ADDON_MODEL"), source="addon_ids", required=False
    )
    notes_internal = serializers.CharField(required=False, allow_blank=True)
    client_language = serializers.CharField(required=False, allow_blank=True)
    client_timezone = serializers.CharField(required=False, allow_blank=True)


class SessionCancellation(StrictSerializer):
    """Why, and what is refunded."""

    reason = serializers.CharField(required=False, allow_blank=True)
    refund = serializers.ChoiceField(choices=["policy", "full"], required=False)


class Waiting(StrictSerializer):
    """Who waits, and for how many seats."""

    client_name = serializers.CharField(required=False, max_length=255)
    client_email = serializers.CharField(required=False, allow_blank=True, max_length=254)
    client_phone = serializers.CharField(required=False, allow_blank=True, max_length=64)
    party_size = serializers.IntegerField(required=False)


class Attendance(StrictSerializer):
    """Who came, and who did not, by the UUIDs of the bookings."""

    attended = serializers.ListField(child=serializers.UUIDField(), required=False)
    missed = serializers.ListField(child=serializers.UUIDField(), required=False)
