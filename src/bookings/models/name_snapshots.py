"""The names of a booking's service and provider, stored as they were when it was booked."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from bookings.models.deletion import MAX_NAME

if TYPE_CHECKING:
    from bookings.models import Booking

RELATIONS: Final = ("service", "provider")


def name_of(related: Any) -> str:
    """Return the name of an object to keep, cut to the length of the field."""
    return str(related)[:MAX_NAME]


def copy_names(booking: Booking, *relations: str) -> None:
    """Set the names of these related objects as they are now."""
    for relation in relations:
        setattr(booking, f"{relation}_name", name_of(getattr(booking, relation)))


def fill_names(
    bookings: Collection[Booking], *, using: str, relations: Collection[str] = RELATIONS
) -> None:
    """Set the names that are not given, with one query at most for each foreign key.

    A name that is given is cut to the length of the field. The name of an object that does not
    exist stays empty.
    """
    for relation in relations:
        name = f"{relation}_name"
        unnamed = []
        for booking in bookings:
            given = getattr(booking, name)
            if isinstance(given, str) and given:
                setattr(booking, name, given[:MAX_NAME])
            else:
                unnamed.append(booking)
        if not unnamed:
            continue
        field: Any = unnamed[0]._meta.get_field(relation)
        _load_existing(unnamed, field, using=using)
        for booking in unnamed:
            if field.is_cached(booking):
                copy_names(booking, relation)


def _load_existing(bookings: Collection[Booking], field: Any, *, using: str) -> None:
    """Load the related objects that are not loaded yet and exist."""
    unread = [booking for booking in bookings if not field.is_cached(booking)]
    keys = {getattr(booking, field.attname) for booking in unread}
    found = field.related_model._base_manager.using(using).in_bulk(keys) if keys else {}
    for booking in unread:
        related = found.get(field.to_python(getattr(booking, field.attname)))
        if related is not None:
            field.set_cached_value(booking, related)
