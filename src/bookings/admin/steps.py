"""The steps of a booking's life that staff take with one click, or with a word about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy
from django_fsm import can_proceed

from bookings.admin.step_forms import (
    CancelForm,
    DeliverForm,
    DisputeForm,
    ExtendForm,
    NoteForm,
    ReasonForm,
)
from bookings.exceptions import (
    BookingError,
    LimitReached,
    NotAllowed,
    NoticeWindow,
    PastStart,
    SlotUnavailable,
)
from bookings.models import Booking, BookingEvent
from bookings.services import (
    add_note,
    cancel_booking,
    complete_booking,
    confirm_booking,
    decline_booking,
    deliver_booking,
    dispute_booking,
    extend_hold,
    mark_no_show,
    submit_hold,
)
from bookings.services.changes import has_run_out

Opens = Callable[[Booking, datetime], bool]


def proceeding(transition: str) -> Opens:
    return lambda booking, now: can_proceed(getattr(booking, transition))


def proceeding_after_start(transition: str) -> Opens:
    """What is refused before the booking starts is not offered before either."""
    proceeds = proceeding(transition)
    return lambda booking, now: booking.start_at <= now and proceeds(booking, now)


def proceeding_in_time(transition: str) -> Opens:
    """What has run out is no more to be had."""
    proceeds = proceeding(transition)
    return lambda booking, now: proceeds(booking, now) and not has_run_out(booking, now)


LIFTABLE: Final = (LimitReached, NotAllowed, NoticeWindow, PastStart, SlotUnavailable)
"""What ``override_policy`` lifts, of one verb or another."""


@dataclass(frozen=True, slots=True)
class Step:
    """A service, and when to offer it; the service has the last word.

    Without a ``target`` the status does not say whether it was taken, and the service is asked
    again.
    """

    name: str
    target: str | None
    label: Any
    title: Any
    opens: Opens
    service: Callable[..., Booking]
    form: type[forms.Form] | None = None
    may_override: bool = False
    button: Any = None
    """What the button of its page says, ``%`` the number of bookings, if it has one."""
    done: Any = None
    """What to say of it afterwards, where the status says nothing."""
    was_taken: Callable[[Booking], bool] | None = None
    """Whether it was this step that led to the target, where others do so too."""

    @property
    def has_page(self) -> bool:
        """Whether something is asked before it is taken, or once it was refused."""
        return self.form is not None or self.may_override

    def is_open(self, booking: Booking, now: datetime | None = None) -> bool:
        return self.opens(booking, now or timezone.now())

    def is_taken(self, booking: Booking) -> bool:
        is_there = self.target is not None and booking.status == self.target
        return is_there and (self.was_taken is None or self.was_taken(booking))

    def can_lift(self, refusal: BookingError) -> bool:
        """Whether staff may do it all the same."""
        return self.may_override and (
            isinstance(refusal, LIFTABLE) or refusal.code == "not_delivered"
        )


def is_open_hold(booking: Booking, now: datetime) -> bool:
    return booking.is_hold and booking.expires_at is not None and booking.expires_at > now


def was_disputed(booking: Booking) -> bool:
    """Whether it is confirmed because it was disputed, and not for want of a delivery."""
    return booking.events.filter(event_type=BookingEvent.EventType.DISPUTED).exists()


STEPS: Final = {
    step.name: step
    for step in (
        Step(
            "confirm",
            Booking.Status.CONFIRMED,
            pgettext_lazy("step of a booking", "Confirm"),
            _("Confirm selected bookings"),
            proceeding_in_time("confirm"),
            confirm_booking,
            may_override=True,
            button=ngettext_lazy("Confirm the booking", "Confirm the bookings"),
        ),
        Step(
            "submit",
            None,
            pgettext_lazy("step of a booking", "Submit"),
            _("Submit selected holds"),
            is_open_hold,
            submit_hold,
            may_override=True,
            button=ngettext_lazy("Submit the hold", "Submit the holds"),
            done=_("Hold submitted"),
        ),
        Step(
            "decline",
            Booking.Status.DECLINED,
            pgettext_lazy("step of a booking", "Decline"),
            _("Decline selected bookings…"),
            proceeding("decline"),
            decline_booking,
            form=ReasonForm,
            button=ngettext_lazy("Decline the booking", "Decline the bookings"),
        ),
        Step(
            "extend",
            None,
            pgettext_lazy("step of a booking", "Extend the hold"),
            _("Extend selected holds…"),
            is_open_hold,
            extend_hold,
            form=ExtendForm,
            button=ngettext_lazy("Extend the hold", "Extend the holds"),
            done=_("Hold extended"),
        ),
        Step(
            "deliver",
            Booking.Status.DELIVERED,
            pgettext_lazy("step of a booking", "Deliver"),
            _("Mark selected bookings as delivered…"),
            proceeding_after_start("deliver"),
            deliver_booking,
            form=DeliverForm,
            button=ngettext_lazy("Deliver the booking", "Deliver the bookings"),
        ),
        Step(
            "complete",
            Booking.Status.COMPLETED,
            pgettext_lazy("step of a booking", "Complete"),
            _("Complete selected bookings"),
            proceeding_after_start("complete"),
            complete_booking,
            may_override=True,
            button=ngettext_lazy("Complete the booking", "Complete the bookings"),
        ),
        Step(
            "dispute",
            Booking.Status.CONFIRMED,
            pgettext_lazy("step of a booking", "Dispute"),
            _("Dispute the delivery of selected bookings…"),
            proceeding("dispute"),
            dispute_booking,
            form=DisputeForm,
            button=ngettext_lazy("Dispute the delivery", "Dispute the deliveries"),
            was_taken=was_disputed,
        ),
        Step(
            "no_show",
            Booking.Status.NO_SHOW,
            pgettext_lazy("step of a booking", "No-show"),
            _("Mark selected bookings as no-show"),
            proceeding_after_start("no_show"),
            mark_no_show,
        ),
        Step(
            "cancel",
            Booking.Status.CANCELLED,
            pgettext_lazy("step of a booking", "Cancel"),
            _("Cancel selected bookings…"),
            proceeding("cancel"),
            cancel_booking,
            form=CancelForm,
            may_override=True,
            button=ngettext_lazy("Cancel the booking", "Cancel the bookings"),
        ),
        Step(
            "note",
            None,
            pgettext_lazy("step of a booking", "Add a note"),
            _("Add a note to selected bookings…"),
            lambda booking, now: True,
            add_note,
            form=NoteForm,
            button=ngettext_lazy("Add the note", "Add the note to each"),
            done=_("Note added"),
        ),
    )
}
