"""Buffers: the minutes that a service, or a provider, keeps free before and after a booking.

The larger of the two counts. A booking keeps the result, not what it was made of.
"""

from __future__ import annotations

from typing import Any, Final

from bookings.rules.validation import MAX_MINUTES, whole_number

BUFFER_FIELDS: Final = ("buffer_before_minutes", "buffer_after_minutes")


def buffer_of(instance: Any, name: str, owner: str) -> int:
    """Return a buffer of a service or a provider, whose ``owner`` is the word for an error."""
    value = getattr(instance, name, 0)
    return whole_number(
        0 if value is None else value, f"{owner}.{name}", at_least=0, at_most=MAX_MINUTES
    )


def set_buffers_of_move(row: Any, *, service: Any, old_provider: Any, new_provider: Any) -> None:
    """Set the buffers of a booking or session that moves from one provider to another.

    A buffer that its old provider does not explain is the service's, as it was when the row was
    made, and stays. One that the provider explains may hide a smaller one of the service's, which
    is taken as it is now, and never made larger.
    """
    for name in BUFFER_FIELDS:
        of_service = getattr(row, name)
        if of_service <= buffer_of(old_provider, name, "provider"):
            of_service = min(of_service, buffer_of(service, name, "service"))
        setattr(row, name, max(of_service, buffer_of(new_provider, name, "provider")))
