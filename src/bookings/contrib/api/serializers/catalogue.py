"""Services and providers as they are sent.

They are a host's models, of which only the attributes that the core reads are known.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from rest_framework import serializers
from rest_framework.fields import SkipField

from bookings.contrib.api.serializers.base import KeyField, StrictSerializer


class HostSerializer(StrictSerializer):
    """An object of a host's model. An attribute that the model lacks is left out."""

    name = serializers.SerializerMethodField()

    def __init_subclass__(cls) -> None:
        fields = cls._declared_fields.items()
        optional = {cls.name_of(name) for name, field in fields if isinstance(field, OptionalField)}
        cls.optional_names = frozenset(optional)

    def get_name(self, instance: models.Model) -> str:
        return str(instance)


class OptionalField(serializers.Field[Any, Any, Any, Any]):
    """An attribute that a host's model may lack: left out there."""

    def __init__(self, kind: str, *, null: bool = False, **kwargs: Any) -> None:
        self.kind, self.null = kind, null
        super().__init__(read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> Any:
        try:
            return getattr(instance, str(self.source))
        except AttributeError:
            raise SkipField from None

    def to_representation(self, value: Any) -> Any:
        return str(value) if self.kind in {"string", "time"} else value


class ServiceSerializer(HostSerializer):
    """A service: what can be booked, how long it takes, what it costs, what it asks."""

    id = KeyField("SERVICE_MODEL", source="pk")
    duration_minutes = OptionalField("integer")
    minimum_duration_minutes = OptionalField("integer", null=True)
    maximum_duration_minutes = OptionalField("integer", null=True)
    duration_step_minutes = OptionalField("integer", null=True)
    duration_days = OptionalField("integer", null=True)
    minimum_duration_days = OptionalField("integer", null=True)
    maximum_duration_days = OptionalField("integer", null=True)
    duration_step_days = OptionalField("integer", null=True)
    ends_at_time = OptionalField("time", null=True)
    minimum_notice_minutes = OptionalField("integer")
    maximum_advance_days = OptionalField("integer", null=True)
    requires_approval = OptionalField("boolean")
    cancellation_allowed = OptionalField("boolean")
    cancellation_notice_minutes = OptionalField("integer")
    reschedule_allowed = OptionalField("boolean")
    reschedule_notice_minutes = OptionalField("integer")
    max_reschedules = OptionalField("integer", null=True)
    two_sided_completion = OptionalField("boolean")
    allow_multiple_clients_per_slot = OptionalField("boolean")
    capacity = OptionalField("integer", null=True)
    capacity_mode = OptionalField("string")
    pricing_type = OptionalField("string")
    price_amount = OptionalField("string", null=True)
    currency = OptionalField("string")
    questions = serializers.SerializerMethodField()

    def get_questions(self, instance: Any) -> list[dict[str, Any]]:
        """Return what a booking of the service asks of its client."""
        from bookings.contrib.api.questions import client_questions

        return client_questions(instance)


class ProviderSerializer(HostSerializer):
    """A provider: who or what can be booked."""

    id = KeyField("PROVIDER_MODEL", source="pk")
    timezone = OptionalField("string")
