"""What becomes of the rows that refer to a user who is deleted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

from django.db import models
from django.db.models.deletion import Collector

from bookings.models.client_identity import LOOKUP, lookup_digest

MAX_NAME: Final = 255


class RelatedNameField(models.CharField):  # type: ignore[type-arg]
    """The name of an object, stored beside the foreign key; of a user, once the user is deleted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        options: dict[str, Any] = {
            "max_length": MAX_NAME,
            "blank": True,
            "default": "",
            "editable": False,
        }
        super().__init__(*args, **(options | kwargs))

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", list(args), kwargs


def keep_name(collector: Collector, field: Any, sub_objs: Any, using: str) -> None:
    """Set the foreign key to null, and keep the user's name: an ``on_delete`` for who acted."""
    name_field = field.model._meta.get_field(f"{field.name.removesuffix('_user')}_name")
    for user in _referred_users(field, sub_objs, using):
        of_user = sub_objs.filter(**{field.name: user})
        collector.add_field_update(name_field, str(user)[:MAX_NAME], of_user)
    _set_null_last(collector, field, sub_objs, using)


def release_client(collector: Collector, field: Any, sub_objs: Any, using: str) -> None:
    """Set the foreign key to null: an ``on_delete`` for the account of a client.

    The rows have the client's name. Those with nothing else are found by it from now on.
    """
    unreachable = sub_objs.filter(client_email="", client_phone="").order_by()
    for name in set(unreachable.values_list("client_name", flat=True)):
        client = SimpleNamespace(
            client_name=name, client_email="", client_phone="", client_user_id=None
        )
        of_name = unreachable.filter(client_name=name)
        lookup = field.model._meta.get_field(LOOKUP)
        collector.add_field_update(lookup, lookup_digest(client), of_name)
    _set_null_last(collector, field, sub_objs, using)


def protect_active_client(collector: Collector, field: Any, sub_objs: Any, using: str) -> None:
    """As :func:`release_client`, but refuse to delete the client of an active booking."""
    active = sub_objs.filter(status__in=field.model.ACTIVE_STATUSES)
    if active.exists():
        models.PROTECT(collector, field, active, using)
    release_client(collector, field, sub_objs, using)


keep_name.lazy_sub_objs = True  # type: ignore[attr-defined]
release_client.lazy_sub_objs = True  # type: ignore[attr-defined]
protect_active_client.lazy_sub_objs = True  # type: ignore[attr-defined]


def _referred_users(field: Any, sub_objs: Any, using: str) -> Any:
    users = field.related_model._base_manager.using(using)
    return users.filter(pk__in=sub_objs.order_by().values(field.attname))


def _set_null_last(collector: Collector, field: Any, sub_objs: Any, using: str) -> None:
    """Set the foreign key to null after every other update, which finds its rows by it."""
    models.SET_NULL(collector, field, sub_objs, using)
    updates: Any = collector.field_updates
    updates[field, None] = updates.pop((field, None))
