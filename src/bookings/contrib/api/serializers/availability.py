"""What could be booked, as it is sent. These classes describe it; the views write it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from bookings.contrib.api.serializers.base import KeyField, StrictSerializer


class SlotSerializer(StrictSerializer):
    """A start that could be booked now. Both instants have the offset of the time zone."""

    start = serializers.DateTimeField(read_only=True)
    end = serializers.DateTimeField(read_only=True)
    provider = KeyField("PROVIDER_MODEL")
    remaining_capacity = serializers.IntegerField(read_only=True)


@extend_schema_serializer(many=False)
class SlotsSerializer(StrictSerializer):
    """Slots, soonest first; one that several providers offer is there for each."""

    slots = SlotSerializer(many=True, read_only=True)


class DaySerializer(StrictSerializer):
    """A day of a date picker."""

    date = serializers.DateField(read_only=True)
    status = serializers.ChoiceField(choices=["OPEN", "FULL", "CLOSED"], read_only=True)
    slots = serializers.IntegerField(read_only=True)
    reason = serializers.CharField(read_only=True)


class DaysSerializer(StrictSerializer):
    """Every day of the range."""

    days = DaySerializer(many=True, read_only=True)


class NextSlotSerializer(StrictSerializer):
    """The soonest slot, or null."""

    slot = SlotSerializer(read_only=True, allow_null=True)


def slot_data(slot: Any) -> dict[str, Any]:
    """Return what is sent of a slot."""
    key = slot.provider.pk
    return {
        "start": slot.start.isoformat(),
        "end": slot.end.isoformat(),
        "provider": key if isinstance(key, int) else str(key),
        "remaining_capacity": slot.remaining_capacity,
    }
