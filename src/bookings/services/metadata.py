"""Metadata: change some keys of it, and leave those alone that somebody else may be changing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking
from bookings.services.history import old_and_new


def merge_metadata(
    booking: Booking,
    patch: dict[str, Any],
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Apply a JSON Merge Patch (RFC 7396) to ``metadata``, as it is stored by then.

    Its keys are set, those that are ``None`` are deleted, and a ``dict`` is merged likewise into
    the one that is there. Everything else stays, whoever wrote it. ``update_booking(metadata=…)``
    replaces the whole.
    """
    patch = inputs.document("metadata", patch)

    def decide(at: Locked) -> Change | None:
        data = merge_into(at.row, patch)
        if not data:
            return None
        return Change(BookingEvent.EventType.UPDATED, fields=("metadata",), data=data)

    return change_booking(
        booking,
        decide,
        verb="update",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )


def merge_into(row: Booking, patch: dict[str, Any]) -> dict[str, Any]:
    """Merge into a row's metadata; the old and the new one for an event, nothing if they equal."""
    old, new = row.metadata, merged(row.metadata, patch)
    if new == old:
        return {}
    row.metadata = new
    inputs.check_fields(row, ["metadata"])
    return old_and_new({"metadata": old}, {"metadata": new})


def merged(document: Any, patch: Any) -> Any:
    """https://www.rfc-editor.org/rfc/rfc7396"""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
