"""What a change of a booking has to leave elsewhere, in the same transaction as the change itself.

A signal is sent on commit, so a crash at the wrong moment loses it. What must not be lost, such as
that a cancelled booking's money is to go back, is written by a function that an app registers in
its ``AppConfig.ready()``::

    consequences.register("bookings_payments", settle)

It is called under the calendar's lock, after the rows and their events have been written, for every
event but the booking's creation (that is what :mod:`bookings.terms` are for). What it raises undoes
the change.

A booking that is deleted leaves no event. Who has to know what it gave back registers that with
:func:`register_deletion`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from django.core.exceptions import ImproperlyConfigured


class Consequence(Protocol):
    """Writes what follows from one event of each of these bookings, by their keys.

    They are locked. There may be hundreds, when holds are swept: use a constant number of
    statements.
    """

    def __call__(
        self, booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
    ) -> None: ...


class Deletion(Protocol):
    """Writes what follows from bookings' being deleted, by the busy intervals that they held.

    Those that nobody else sat in are gone by then.
    """

    def __call__(self, interval_ids: Sequence[int], *, using: str) -> None: ...


_consequences: Final[dict[str, Consequence]] = {}
_deletions: Final[dict[str, Deletion]] = {}


def register(name: str, consequence: Consequence) -> None:
    """Call ``consequence`` with every change; by convention the name is an app's label."""
    if _consequences.setdefault(name, consequence) is not consequence:
        raise ImproperlyConfigured(f"{name!r} has registered its consequence already.")


def draw(booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime) -> None:
    """Let everybody write what follows from this event, which has just been stored."""
    for consequence in _consequences.values():
        consequence(booking_ids, event_type, using=using, now=now)


def register_deletion(name: str, deletion: Deletion) -> None:
    """Call ``deletion`` when bookings are deleted; by convention the name is an app's label."""
    if _deletions.setdefault(name, deletion) is not deletion:
        raise ImproperlyConfigured(f"{name!r} has registered what follows from deletions already.")


def draw_deletion(interval_ids: Sequence[int], *, using: str) -> None:
    """Let everybody write what follows from these claims' having been given back."""
    for deletion in _deletions.values():
        deletion(interval_ids, using=using)
