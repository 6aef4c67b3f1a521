"""The keys by which rows are found, whatever the type of the primary key is."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking
from bookings.rules import validation

LARGEST_KEY: Final = 2**63 - 1

# A sentence for each, because an article depends on the noun in most languages.
NO_KEY: Final = {
    "provider": _("%(name)s must be a provider or its key, not %(value)r."),
    "tenant": _("%(name)s must be a tenant or its key, not %(value)r."),
    "user": _("%(name)s must be a user or its key, not %(value)r."),
}


def related_key(field: Any, value: Any, name: str) -> Any:
    """Return ``value`` as a key of the model to which a foreign key refers.

    The key is of the type of that model's primary key: 7 for ``"7"``. No query is made, so there
    may be no such row. Raises ``InvalidBooking``, with the ``name`` of the argument, for what
    cannot be such a key.
    """
    try:
        key = field.to_python(value)
    # A UUIDField lets the TypeError of bytes pass, and a number the OverflowError of infinity.
    except (ValidationError, OverflowError, TypeError):
        key = None
    if key is None or not _is_key(key, value):
        raise InvalidBooking(
            NO_KEY[name], params={"name": name, "value": validation.Readable(value)}
        )
    return key


def _is_key(key: Any, value: Any) -> bool:
    """Return whether a value means just this key, and every database can be asked for it."""
    if isinstance(key, str) and not key.isprintable():
        return False
    if isinstance(key, int) and abs(key) > LARGEST_KEY:
        return False
    # To a field of numbers, 1.5 and True are 1; to one of text, everything is text.
    return isinstance(value, str) or (isinstance(value, type(key)) and not isinstance(value, bool))
