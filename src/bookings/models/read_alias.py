"""The database that a service reads from: the one to which it writes, and never a replica of it.

A replica may be behind, and a service decides by what it reads. Queries of the services name their
database. This module is for what they call: selectors, extensions, and host code that follows a
foreign key of a booking.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.apps import apps
from django.db import models, router
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor

_alias: Final[ContextVar[str | None]] = ContextVar("bookings_read_alias", default=None)


@contextmanager
def reading_from(using: str) -> Iterator[None]:
    """Let :func:`read_alias` and the foreign keys of the bundled models use this database."""
    token = _alias.set(using)
    try:
        yield
    finally:
        _alias.reset(token)


def service_alias() -> str | None:
    """Return the database that the running service writes to; ``None`` outside of a service."""
    return _alias.get()


def read_alias(model: type[models.Model]) -> str:
    """Return the database from which to read rows of a model."""
    return _alias.get() or router.db_for_read(model)


class _ForwardDescriptor(ForwardManyToOneDescriptor):  # type: ignore[type-arg]
    """Loads the target of a foreign key from the database that the running service writes to."""

    def get_queryset(self, **hints: Any) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(**hints)
        alias = _alias.get()
        return rows if alias is None else rows.using(alias)


def own_models() -> list[type[models.Model]]:
    """Return the models of the core and of the bundled apps that are installed."""
    return [model for model in apps.get_models() if model.__module__.startswith("bookings.")]


def follow_service_alias() -> None:
    """Let all foreign keys of the bundled models follow the database of the running service."""
    for model in own_models():
        for field in model._meta.local_fields:
            if isinstance(field, models.ForeignKey) and not field.remote_field.parent_link:
                setattr(model, field.name, _ForwardDescriptor(field))
