"""The verbs: everything that can be done to a booking, each all or nothing.

Every verb takes the booking's calendar lock, reads the row again under it, and returns the object
it was given, refreshed. Errors are :class:`~bookings.exceptions.BookingError`; after one, nothing
has changed.

Common arguments: ``actor`` is the user who acts (recorded in the history), ``now_dt`` the instant
that counts as now, ``expected_version`` the ``booking.version`` the caller has seen: if the booking
has changed since, :class:`~bookings.exceptions.StaleBooking` is raised.
"""

from bookings.services.auto_complete import auto_complete_bookings
from bookings.services.cancel import cancel_booking
from bookings.services.complete import complete_booking
from bookings.services.confirm import confirm_booking
from bookings.services.create import create_booking
from bookings.services.decline import decline_booking
from bookings.services.deliver import deliver_booking
from bookings.services.dispute import dispute_booking
from bookings.services.expire import expire_booking
from bookings.services.expire_many import expire_bookings
from bookings.services.extend import extend_hold
from bookings.services.hold import hold_booking
from bookings.services.metadata import merge_metadata
from bookings.services.no_show import mark_no_show
from bookings.services.notes import add_note
from bookings.services.reschedule import reschedule_booking
from bookings.services.submit import submit_hold
from bookings.services.update import update_booking

auto_cancel_expired_bookings = expire_bookings

__all__ = [
    "add_note",
    "auto_cancel_expired_bookings",
    "auto_complete_bookings",
    "cancel_booking",
    "complete_booking",
    "confirm_booking",
    "create_booking",
    "decline_booking",
    "deliver_booking",
    "dispute_booking",
    "expire_booking",
    "expire_bookings",
    "extend_hold",
    "hold_booking",
    "mark_no_show",
    "merge_metadata",
    "reschedule_booking",
    "submit_hold",
    "update_booking",
]
