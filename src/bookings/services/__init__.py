"""The services: functions that create and change bookings.

Each service is one transaction: it makes the whole change, or raises a
:class:`~bookings.exceptions.BookingError` and writes nothing. A service that changes a booking
locks the calendar of the provider, reads the booking again under the lock, and refreshes and
returns the object that you pass. It records one event in the booking's history.

If you repeat a service, it returns the booking as it is and records nothing: a cancelled booking
can be cancelled again.
"""

from bookings.services.anonymize import anonymize_client
from bookings.services.auto_cancel import auto_cancel_expired_bookings
from bookings.services.auto_complete import auto_complete_bookings
from bookings.services.bulk_expire import expire_bookings
from bookings.services.cancel import cancel_booking
from bookings.services.change_party_size import change_party_size
from bookings.services.complete import complete_booking
from bookings.services.confirm import confirm_booking
from bookings.services.create import create_booking
from bookings.services.decline import decline_booking
from bookings.services.deliver import deliver_booking
from bookings.services.dispute import dispute_booking
from bookings.services.expire import expire_booking
from bookings.services.hold import hold_booking
from bookings.services.hold_extension import extend_hold
from bookings.services.hold_submission import submit_hold
from bookings.services.meeting_links import request_meeting_links
from bookings.services.metadata import merge_metadata
from bookings.services.no_show import mark_no_show
from bookings.services.notes import add_note
from bookings.services.reopen import reopen_booking
from bookings.services.reschedule import reschedule_booking
from bookings.services.update import update_booking

__all__ = [
    "add_note",
    "anonymize_client",
    "auto_cancel_expired_bookings",
    "auto_complete_bookings",
    "cancel_booking",
    "change_party_size",
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
    "reopen_booking",
    "request_meeting_links",
    "reschedule_booking",
    "submit_hold",
    "update_booking",
]
