"""Terms: what an app agrees with the client for one booking, stored when the booking is made.

The core copies a service's own rules onto the booking. An app that has rules too, such as how much
of the money goes back, returns them from :meth:`bookings.extensions.Extension.terms`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from bookings import extensions
from bookings.rules.value_comparison import copy_document

if TYPE_CHECKING:
    from bookings.models import Booking


def collect(booking: Booking, *, using: str) -> dict[str, Any] | None:
    """Return the terms of a booking that is being made; ``None`` if no extension has any."""
    found = {
        extension.name: extension.terms(booking, using=using)
        for extension in extensions.implementing("terms")
    }
    return {name: terms for name, terms in found.items() if terms is not None} or None


KnownTerms: TypeAlias = dict[tuple[Any, ...], dict[str, Any] | None]
"""The answers of the extensions, by what they vary with."""


def collect_many(
    bookings: Iterable[Booking], *, using: str, known: KnownTerms | None = None
) -> None:
    """Set the terms of bookings that are being made by one call.

    An extension with :attr:`~bookings.extensions.Extension.terms_vary_with` is asked once for all
    bookings that are equal in that. What is ``known`` already is not asked again.
    """
    known = {} if known is None else known
    implementing = extensions.implementing("terms")
    for booking in bookings:
        found: dict[str, dict[str, Any]] = {}
        for extension in implementing:
            names = extension.terms_vary_with
            # Without names, the booking itself: it equals no other one.
            values = (booking.uuid,) if names is None else (getattr(booking, n) for n in names)
            key = (extension.name, *values)
            if key not in known:
                known[key] = extension.terms(booking, using=using)
            if (terms := known[key]) is not None:
                found[extension.name] = copy_document(terms)
        booking.terms = found or None


def of(booking: Booking, name: str) -> dict[str, Any] | None:
    """Return what was agreed on under this name; ``None`` for bookings older than the app."""
    terms: dict[str, Any] | None = (booking.terms or {}).get(name)
    return terms
