"""Business hours, closures and time off, as they are sent and received."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from bookings.contrib.api.serializers.base import InstantField, KeyField, StrictSerializer
from bookings.contrib.api.serializers.references import ReferenceField


class BusinessHoursSerializer(StrictSerializer):
    """A shift, or a closed day of the week. 0 is Monday."""

    id = serializers.IntegerField(source="pk", read_only=True)
    provider = KeyField("PROVIDER_MODEL", source="schedule.provider_id")
    day_of_week = serializers.IntegerField(read_only=True)
    open_time = serializers.TimeField(read_only=True, allow_null=True)
    close_time = serializers.TimeField(read_only=True, allow_null=True)
    closes_next_day = serializers.BooleanField(read_only=True)
    is_closed = serializers.BooleanField(read_only=True)
    valid_from = serializers.DateField(read_only=True, allow_null=True)
    valid_until = serializers.DateField(read_only=True, allow_null=True)


class ShiftBody(StrictSerializer):
    """A shift, or that the day is closed."""

    day_of_week = serializers.IntegerField(min_value=0, max_value=6)
    open_time = serializers.CharField(required=False)
    close_time = serializers.CharField(required=False)
    closes_next_day = serializers.BooleanField(required=False)
    is_closed = serializers.BooleanField(required=False)

    default_error_messages: ClassVar[dict[str, Any]] = {
        "hours_or_closed": _("Write open_time and close_time, or is_closed."),
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        has_times = "open_time" in attrs and "close_time" in attrs
        if has_times == bool(attrs.get("is_closed")):
            message = self.error_messages["hours_or_closed"]
            raise serializers.ValidationError(str(message), "hours_or_closed")
        return attrs


class WeekBody(StrictSerializer):
    """The hours of the days of the week that are named; the others stay as they are."""

    provider = ReferenceField("PROVIDER_MODEL")
    hours = ShiftBody(many=True)
    timezone = serializers.CharField(required=False)
    valid_from = serializers.DateField(required=False, allow_null=True)
    valid_until = serializers.DateField(required=False, allow_null=True)


class WeekSerializer(StrictSerializer):
    """The hours of a provider."""

    hours = BusinessHoursSerializer(many=True, read_only=True)


class ClosureSerializer(StrictSerializer):
    """A date on which a provider is closed."""

    id = serializers.IntegerField(source="pk", read_only=True)
    provider = KeyField("PROVIDER_MODEL", source="schedule.provider_id")
    date = serializers.DateField(read_only=True)
    reason = serializers.CharField(read_only=True)


class ClosureBody(StrictSerializer):
    """A range of dates on which a provider is closed."""

    provider = ReferenceField("PROVIDER_MODEL")
    first_date = serializers.DateField()
    last_date = serializers.DateField(required=False)
    reason = serializers.CharField(required=False, allow_blank=True)


class ClosuresSerializer(StrictSerializer):
    """The dates that are closed now, and the bookings on them, which are still booked."""

    closures = ClosureSerializer(many=True, read_only=True)
    bookings = serializers.ListField(child=serializers.UUIDField(), read_only=True)


class TimeOffSerializer(StrictSerializer):
    """Time that a provider does not work."""

    id = serializers.IntegerField(source="pk", read_only=True)
    provider = KeyField("PROVIDER_MODEL", source="provider_id")
    start_at = InstantField(read_only=True)
    end_at = InstantField(read_only=True)
    reason = serializers.CharField(read_only=True)


class TimeOffBody(StrictSerializer):
    """Time that a provider does not work."""

    provider = ReferenceField("PROVIDER_MODEL")
    start_at = InstantField()
    end_at = InstantField()
    reason = serializers.CharField(required=False, allow_blank=True)


class TimeOffMove(StrictSerializer):
    """Another time of it."""

    start_at = InstantField()
    end_at = InstantField()
