"""What else is agreed on: written down when a booking is made, and kept whatever changes later.

The core copies a service's own rules onto a booking. An app beside the core that has rules too,
such as how much of the money goes back, registers an author in its ``AppConfig.ready()``::

    terms.register("bookings_payments", refund_terms)

The author is asked once for each booking that is made, before the lock is taken, and what it says
is stored in ``Booking.terms`` under the name it was registered with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from bookings.models import Booking


class Author(Protocol):
    """Says what is agreed on for a new booking, as JSON; ``None`` for nothing.

    The booking is not stored yet, and has everything but its reference. ``using`` is the database
    that it will be written to. To refuse the booking, raise a
    :class:`~bookings.exceptions.BookingError`.
    """

    def __call__(self, booking: Booking, *, using: str) -> dict[str, Any] | None: ...


_authors: Final[dict[str, Author]] = {}


def register(name: str, author: Author) -> None:
    """Ask ``author`` for each booking that is made; by convention the name is an app's label."""
    if _authors.setdefault(name, author) is not author:
        raise ImproperlyConfigured(f"{name!r} has registered its terms already.")


def agree(booking: Booking, *, using: str) -> dict[str, Any] | None:
    """The terms of a booking that is being made; ``None`` where nobody has any."""
    said = {name: author(booking, using=using) for name, author in _authors.items()}
    return {name: terms for name, terms in said.items() if terms is not None} or None


def of(booking: Booking, name: str) -> dict[str, Any] | None:
    """What was agreed on under this name; ``None`` for bookings older than the app."""
    terms: dict[str, Any] | None = (booking.terms or {}).get(name)
    return terms
