"""The objects of the host that a body refers to, by their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from bookings.contrib.api.serializers.base import KeyField
from bookings.exceptions import InvalidBooking
from bookings.models.keys import related_key
from bookings.pools import MAX_POOL_SIZE, AnyOf, Strategy


class ReferenceField(serializers.Field[Any, Any, Any, Any]):
    """The key of an object that the user may refer to; any other key does not exist."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "does_not_exist": _("There is no object with the key {value} that you may choose."),
    }

    def __init__(self, setting: str, **kwargs: Any) -> None:
        self.setting = setting
        super().__init__(**{"write_only": True, **kwargs})

    @property
    def model(self) -> Any:
        """The model of the object."""
        return KeyField(self.setting).model

    def to_internal_value(self, data: Any) -> Any:
        return self.find_all([data])[0]

    def find_all(self, keys: list[Any]) -> list[Any]:
        """Return the objects with these keys, in one query."""
        rows = self.context["policy"].referable(self.setting)
        parsed = [self._parse(key) for key in keys]
        found = rows.in_bulk(parsed)
        return [found.get(key) or self._refuse(key) for key in parsed]

    def _parse(self, key: Any) -> Any:
        try:
            return related_key(self.model._meta.pk, key, "provider")
        except InvalidBooking:
            return self._refuse(key)

    def _refuse(self, key: Any) -> Any:
        self.fail("does_not_exist", value=str(key)[:100])


class ProviderField(ReferenceField):
    """A provider by its key, or any of several: ``{"any_of": [1, 2], "strategy": "first"}``."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid_pool": _(
            "Write a key, or an object with any_of, a list of 1 to {most} keys, and strategy, one "
            "of {strategies}."
        ),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("PROVIDER_MODEL", **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        keys: Any = data.get("any_of")
        strategy = data.get("strategy", Strategy.FIRST)
        is_pool = isinstance(keys, list) and 0 < len(keys) <= MAX_POOL_SIZE
        if not is_pool or strategy not in list(Strategy) or data.keys() - {"any_of", "strategy"}:
            self.fail("invalid_pool", most=MAX_POOL_SIZE, strategies=", ".join(map(str, Strategy)))
        return AnyOf(self.find_all(keys), strategy)


class RawKeyField(serializers.Field[Any, Any, Any, Any]):
    """A key that a service looks up itself."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": _("Write a key, a number or text."),
    }

    def __init__(self, setting: str, **kwargs: Any) -> None:
        self.setting = setting
        super().__init__(write_only=True, **kwargs)

    @property
    def model(self) -> Any:
        """The model whose key it is."""
        return KeyField(self.setting).model

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | str):
            self.fail("invalid")
        return data
