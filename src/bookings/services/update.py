"""Update the client, the notes and the metadata of a booking."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from functools import partial
from typing import Any, Final

from bookings.models import Booking, BookingEvent, field_validation
from bookings.models.arguments import saved_booking
from bookings.questions import given_answers, merge_answers
from bookings.rules.value_comparison import differs
from bookings.services import references
from bookings.services.booking_change import Change, LockedBooking, change_booking
from bookings.services.client_details import CLIENT_FIELDS
from bookings.services.day_zones import DayZones
from bookings.services.duplicates import check_duplicate
from bookings.services.history import old_and_new
from bookings.services.limit_check import LimitCheck
from bookings.services.loaded_bookings import LoadedBookings

UPDATABLE_FIELDS: Final = (
    "client_name",
    "client_email",
    "client_phone",
    "client_user",
    "notes_client",
    "notes_internal",
    "answers",
    "metadata",
    "location",
    "meeting_link",
    "client_language",
    "client_timezone",
)


def update_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    expected_version: int | None = None,
    **values: Any,
) -> Booking:
    """Update the client, the place, the notes, the answers or the metadata of a booking.

    It records one UPDATED event with the old and the new values, unless nothing differs. The status
    stays. If it changes the client of a hold, the hold must keep the client's limits and the
    duplicate guard, as when it is submitted; ``override_policy`` lifts the limits. No other booking
    is checked.

    :param booking: the booking to change; it is refreshed and returned.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param override_policy: staff only; lift the rules that the description names.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :param values: the fields to set: any of ``client_name``, ``client_email``, ``client_phone``,
        ``client_user``, ``client_language``, ``client_timezone``, ``location``, ``meeting_link``,
        ``notes_client``, ``notes_internal`` (for staff), ``answers`` and ``metadata``, which is
        replaced as a whole. ``answers`` are added to the stored ones: a
        ``dict`` by the names of the questions; an empty answer removes one that is not required.
    :returns: the booking that was passed, refreshed.
    :raises LimitReached: the client of a hold has as many bookings as a limit allows.
    :raises DuplicateBooking: the client of a hold has a similar booking.
    :raises TypeError: ``values`` has another field.
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises NotAllowed: the adapter does not permit the actor to do this.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    update = BookingUpdate(values, override_policy=override_policy)
    limit_check = update.limit_check(booking)
    return change_booking(
        booking,
        partial(update.decide, limit_check=limit_check),
        verb="update",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
        limit_check=limit_check,
    )


class BookingUpdate:
    """The values to set on one booking, or on each of several.

    Raises ``TypeError`` for a field that cannot be set.
    """

    def __init__(self, values: dict[str, Any], *, override_policy: bool = False) -> None:
        if unknown := values.keys() - set(UPDATABLE_FIELDS):
            raise TypeError(f"update_booking() cannot set {', '.join(sorted(unknown))}.")
        if "client_user" in values:
            client_user = references.saved_user(values["client_user"], "client_user")
            values = values | {"client_user": client_user}
        values = dict(values)
        self._answers = given_answers(values.pop("answers", None))
        self._values = values
        self._override_policy = override_policy
        self._zones = DayZones()

    def draft(self, booking: Booking) -> Booking:
        """Return a copy of the booking with the new values."""
        draft = copy(booking)
        for name, value in self._values.items():
            setattr(draft, name, value)
        field_validation.clean_fields(draft, self._values.keys() - {"client_user"})
        return draft

    def limit_check(self, booking: Booking) -> LimitCheck | None:
        """Return the check of the limits, if the values change the client of a hold."""
        saved_booking(booking)
        if not (booking.is_hold and self._values.keys() & set(CLIENT_FIELDS)):
            return None
        return LimitCheck(
            self.draft(booking), zones=self._zones, override_policy=self._override_policy
        )

    def decide(
        self,
        locked: LockedBooking,
        *,
        limit_check: LimitCheck | None,
        among: LoadedBookings | None = None,
    ) -> Change | None:
        """Set the values on the locked row, and return the change; ``None`` for none."""
        row, now, using = locked.row, locked.now, locked.using
        new = {
            name: value
            for name, value in self._values.items()
            if differs(getattr(row, name), value)
        }
        if self._answers:
            references.load_related(row, "service", using=using)
            answers = merge_answers(row.service, row.answers, self._answers)
            if answers != row.answers:
                new["answers"] = answers
        if not new:
            return None
        before, old = copy(row), {name: getattr(row, name) for name in new}
        for name, value in new.items():
            setattr(row, name, value)
        field_validation.clean_fields(row, new.keys() - {"client_user"})
        if limit_check is not None and row.is_hold and new.keys() & set(CLIENT_FIELDS):
            check_duplicate(row, now=now, using=using, among=among)
            limit_check.check(row, now=now, using=using, before=before, among=among)
        return Change(BookingEvent.EventType.UPDATED, fields=new.keys(), data=old_and_new(old, new))
