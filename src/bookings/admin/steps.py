"""The steps of a booking's life that staff take with one click, or with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy
from django_fsm import can_proceed

from bookings.conf import app_settings
from bookings.exceptions import BookingError, LimitReached, NotAllowed, NoticeWindow, PastStart
from bookings.models import Booking
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
)
from bookings.services.changes import has_run_out


class StepForm(forms.Form):
    button: ClassVar[Any]
    """What the button says, ``%`` the number of bookings."""


class OverrideForm(StepForm):
    """Asked only when a rule is in the way that staff may lift."""

    button = ngettext_lazy("Do it for the booking", "Do it for the bookings")
    override_policy = forms.BooleanField(
        label=_("Override the policy"),
        required=False,
        help_text=_("Do it all the same, against the rule above."),
    )


class ReasonForm(StepForm):
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=_("Kept in the booking's history."),
    )


class DeclineForm(ReasonForm):
    button = ngettext_lazy("Decline the booking", "Decline the bookings")


class CancelForm(ReasonForm):
    button = ngettext_lazy("Cancel the booking", "Cancel the bookings")
    override_policy = forms.BooleanField(
        label=_("Override the policy"),
        required=False,
        help_text=_("Cancel also within the notice, and what may not be cancelled."),
    )


class DisputeForm(ReasonForm):
    button = ngettext_lazy("Dispute the delivery", "Dispute the deliveries")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True


class ExtendForm(StepForm):
    button = ngettext_lazy("Extend the hold", "Extend the holds")
    minutes = forms.IntegerField(
        label=_("Minutes"),
        min_value=1,
        initial=lambda: app_settings.HOLD_MINUTES,
        help_text=_("From now on."),
    )


class NoteForm(StepForm):
    button = ngettext_lazy("Add the note", "Add the note to each")
    message = forms.CharField(
        label=_("Note"),
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=_("Kept in the booking's history."),
    )
    for_client = forms.BooleanField(
        label=_("The client may read it"),
        required=False,
    )


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


@dataclass(frozen=True, slots=True)
class Step:
    """A service, and when to offer it; the service has the last word.

    Without a ``target`` the status stays, and to take the step again is to take it twice.
    """

    name: str
    target: str | None
    label: Any
    title: Any
    opens: Opens
    service: Callable[..., Booking]
    form: type[StepForm] | None = None
    may_override: bool = False
    done: Any = None
    """What to say of it afterwards, where the status says nothing."""

    def is_open(self, booking: Booking, now: datetime | None = None) -> bool:
        return self.opens(booking, now or timezone.now())

    def is_taken(self, booking: Booking) -> bool:
        return self.target is not None and booking.status == self.target

    def can_lift(self, refusal: BookingError) -> bool:
        """Whether staff may do it all the same."""
        liftable = isinstance(refusal, NoticeWindow | NotAllowed | PastStart | LimitReached)
        return self.may_override and (liftable or refusal.code == "not_delivered")


def is_open_hold(booking: Booking, now: datetime) -> bool:
    return booking.is_hold and booking.expires_at is not None and booking.expires_at > now


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
        ),
        Step(
            "decline",
            Booking.Status.DECLINED,
            pgettext_lazy("step of a booking", "Decline"),
            _("Decline selected bookings…"),
            proceeding("decline"),
            decline_booking,
            form=DeclineForm,
        ),
        Step(
            "extend",
            None,
            pgettext_lazy("step of a booking", "Extend the hold"),
            _("Extend selected holds…"),
            is_open_hold,
            extend_hold,
            form=ExtendForm,
            done=_("Hold extended"),
        ),
        Step(
            "deliver",
            Booking.Status.DELIVERED,
            pgettext_lazy("step of a booking", "Deliver"),
            _("Mark selected bookings as delivered"),
            proceeding_after_start("deliver"),
            deliver_booking,
        ),
        Step(
            "complete",
            Booking.Status.COMPLETED,
            pgettext_lazy("step of a booking", "Complete"),
            _("Complete selected bookings"),
            proceeding_after_start("complete"),
            complete_booking,
            may_override=True,
        ),
        Step(
            "dispute",
            Booking.Status.CONFIRMED,
            pgettext_lazy("step of a booking", "Dispute"),
            _("Dispute the delivery of selected bookings…"),
            proceeding("dispute"),
            dispute_booking,
            form=DisputeForm,
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
        ),
        Step(
            "note",
            None,
            pgettext_lazy("step of a booking", "Add a note"),
            _("Add a note to selected bookings…"),
            lambda booking, now: True,
            add_note,
            form=NoteForm,
            done=_("Note added"),
        ),
    )
}
