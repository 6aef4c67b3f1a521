"""Change single keys of a booking's metadata."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bookings.models import Booking, BookingEvent, field_validation
from bookings.rules import validation
from bookings.rules.value_comparison import differs
from bookings.services.booking_change import Change, LockedBooking, change_booking
from bookings.services.history import old_and_new


def merge_metadata(
    booking: Booking,
    patch: dict[str, Any],
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Merge keys into a booking's ``metadata``, by a JSON Merge Patch (RFC 7396).

    The patch is applied to the metadata as it is stored under the lock, so keys that another
    transaction writes at the same time stay. ``update_booking(metadata=…)`` replaces all of it. It
    records an UPDATED event, unless nothing differs. The status stays.

    :param booking: the booking to change; it is refreshed and returned.
    :param patch: the keys to set; ``None`` deletes a key, and a ``dict`` is merged into the stored
        one in the same way.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises NotAllowed: the adapter does not permit the actor to do this.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    patch = validation.validate_document("metadata", patch)

    def decide(locked: LockedBooking) -> Change | None:
        data = merge_metadata_into(locked.row, patch)
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


def merge_metadata_into(row: Booking, patch: dict[str, Any]) -> dict[str, Any]:
    """Merge a patch into the row's metadata; return the old and new metadata for the event.

    The result is empty if nothing differs.
    """
    old, new = row.metadata, json_merge_patch(row.metadata, patch)
    if not differs(old, new):
        return {}
    row.metadata = new
    field_validation.clean_fields(row, ["metadata"])
    return old_and_new({"metadata": old}, {"metadata": new})


def json_merge_patch(document: Any, patch: Any) -> Any:
    """Return the document with the patch applied: https://www.rfc-editor.org/rfc/rfc7396"""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = json_merge_patch(result.get(name), value)
    return result
