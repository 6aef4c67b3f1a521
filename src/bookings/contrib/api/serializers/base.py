"""What the serializers share: strict bodies, names that a host may change, and field types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.apps import apps
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from bookings.conf import app_settings


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not have, and lets a subclass rename those that it has.

    ::

        class RoomBookingSerializer(BookingSerializer):
            field_names = {"provider": "roomId", "start_at": "startTime"}
    """

    field_names: ClassVar[Mapping[str, str]] = {}
    """The names in the body, by the names of the fields; what is not there keeps its name."""

    optional_names: ClassVar[frozenset[str]] = frozenset()
    """The names in the body of what is not always sent."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "unknown_field": _("There is no such field. Remove it."),
    }

    @classmethod
    def name_of(cls, field_name: str) -> str:
        """Return the name in the body of a field."""
        return cls.field_names.get(field_name, field_name)

    def get_fields(self) -> dict[str, Any]:
        fields = {}
        for name, field in super().get_fields().items():
            renamed = self.name_of(name)
            if renamed != name and field.source is None:
                field.source = name
            fields[renamed] = field
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(map(str, data)) - set(self.fields)):
            message = self.error_messages["unknown_field"]
            raise serializers.ValidationError(
                {
                    name: [serializers.ErrorDetail(str(message), "unknown_field")]
                    for name in sorted(unknown)
                }
            )
        return super().to_internal_value(data)


class InstantField(serializers.DateTimeField):
    """An instant: sent in UTC, received with any offset, and refused without one."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "naive_datetime": _(
            "Write an instant with its offset from UTC, such as 2030-01-31T09:00:00Z."
        ),
    }

    def to_internal_value(self, value: Any) -> datetime:
        try:
            instant = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            self.fail("naive_datetime")
        return instant

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class KeyField(serializers.Field[Any, Any, Any, Any]):
    """The key of a host's object, which is a number or text, and is only sent."""

    def __init__(self, setting: str, **kwargs: Any) -> None:
        self.setting = setting
        super().__init__(read_only=True, **kwargs)

    @property
    def model(self) -> Any:
        """The model whose key it is."""
        return apps.get_model(app_settings.model_label(self.setting))

    def to_representation(self, value: Any) -> Any:
        return value if isinstance(value, int) else str(value)
