"""The steps of a booking: each service that changes its status, and three that do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy
from django_fsm import can_proceed

from bookings.admin.steps import ReasonForm, Step, step_table
from bookings.conf import app_settings
from bookings.models import Booking, BookingEvent
from bookings.rules import service_rules
from bookings.services import (
    add_note,
    cancel_booking,
    change_party_size,
    complete_booking,
    confirm_booking,
    decline_booking,
    deliver_booking,
    dispute_booking,
    extend_hold,
    mark_no_show,
    reopen_booking,
    submit_hold,
)
from bookings.services.booking_change import has_lapsed

IsOpen = Callable[[Booking, datetime], bool]
IsDone = Callable[[Booking], bool]


class OnBehalfForm(forms.Form):
    """On whose behalf a booking is changed."""

    by = forms.BooleanField(
        label=_("On the provider's behalf"),
        required=False,
        help_text=_("Then everything that was paid is to be refunded."),
    )

    def clean_by(self) -> str:
        return "provider" if self.cleaned_data["by"] else "client"


class CancelForm(OnBehalfForm, ReasonForm):
    override_policy = forms.BooleanField(
        label=_("Override the policy"),
        required=False,
        help_text=_(
            "Cancel also within the notice, what has begun, and what may not be cancelled."
        ),
    )


class DisputeForm(ReasonForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True


class DeliverForm(forms.Form):
    message = forms.CharField(
        label=_("Message"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=_("For the client; kept in the booking's history."),
    )


class ExtendForm(forms.Form):
    minutes = forms.IntegerField(
        label=_("Minutes"),
        min_value=1,
        initial=lambda: app_settings.HOLD_MINUTES,
        help_text=_("From now on."),
    )


class PartySizeForm(OnBehalfForm):
    seats = forms.IntegerField(label=_("Seats"), min_value=1)
    field_order = ("seats",)
    override_policy = forms.BooleanField(
        label=_("Override the policy"),
        required=False,
        help_text=_("Also within the notice, beyond a limit, and before those who wait."),
    )


class NoteForm(forms.Form):
    message = forms.CharField(
        label=_("Note"),
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=_("Kept in the booking's history."),
    )
    for_client = forms.BooleanField(
        label=_("The client may read it"),
        required=False,
    )


def permitted(transition: str) -> IsOpen:
    """The booking's status permits the transition."""
    return lambda booking, now: can_proceed(getattr(booking, transition))


def permitted_after_start(transition: str) -> IsOpen:
    """The status permits the transition, and the booking has started."""
    is_permitted = permitted(transition)
    return lambda booking, now: booking.start_at <= now and is_permitted(booking, now)


def permitted_before_expiry(transition: str) -> IsOpen:
    """The status permits the transition, and the booking is no hold that has expired."""
    is_permitted = permitted(transition)
    return lambda booking, now: is_permitted(booking, now) and not has_lapsed(booking, now)


def is_running_hold(booking: Booking, now: datetime) -> bool:
    return booking.is_hold and booking.expires_at is not None and booking.expires_at > now


def has_seats(booking: Booking, now: datetime) -> bool:
    """Whether the booking is active and takes seats, of a session or beside other bookings."""
    return booking.holds_time and (
        booking.is_in_session or service_rules.has_seats(booking.service)
    )


def has_status(status: str) -> IsDone:
    return lambda booking: booking.status == status


def is_disputed(booking: Booking) -> bool:
    """A booking that was never delivered is confirmed too; only a dispute leaves this event."""
    return (
        booking.status == Booking.Status.CONFIRMED
        and booking.events.filter(event_type=BookingEvent.EventType.DISPUTED).exists()
    )


STEPS: Final = step_table(
    Step(
        name="confirm",
        label=pgettext_lazy("step of a booking", "Confirm"),
        action_label=_("Confirm selected bookings"),
        button=ngettext_lazy("Confirm the booking", "Confirm the bookings", "count"),
        service=confirm_booking,
        is_open=permitted_before_expiry("confirm"),
        is_done=has_status(Booking.Status.CONFIRMED),
        may_override=True,
    ),
    Step(
        name="submit",
        label=pgettext_lazy("step of a booking", "Submit"),
        action_label=_("Submit selected holds"),
        button=ngettext_lazy("Submit the hold", "Submit the holds", "count"),
        service=submit_hold,
        is_open=is_running_hold,
        result=_("Hold submitted"),
        may_override=True,
    ),
    Step(
        name="decline",
        label=pgettext_lazy("step of a booking", "Decline"),
        action_label=_("Decline selected bookings…"),
        button=ngettext_lazy("Decline the booking", "Decline the bookings", "count"),
        service=decline_booking,
        is_open=permitted("decline"),
        is_done=has_status(Booking.Status.DECLINED),
        form=ReasonForm,
    ),
    Step(
        name="extend",
        label=pgettext_lazy("step of a booking", "Extend the hold"),
        action_label=_("Extend selected holds…"),
        button=ngettext_lazy("Extend the hold", "Extend the holds", "count"),
        service=extend_hold,
        is_open=is_running_hold,
        result=_("Hold extended"),
        form=ExtendForm,
    ),
    Step(
        name="seats",
        label=pgettext_lazy("step of a booking", "Change the seats"),
        action_label=_("Change the seats of selected bookings…"),
        button=ngettext_lazy(
            "Change the seats of the booking", "Change the seats of the bookings", "count"
        ),
        service=change_party_size,
        is_open=has_seats,
        result=_("Seats changed"),
        form=PartySizeForm,
        initial=lambda booking: {"seats": booking.party_size},
        may_override=True,
    ),
    Step(
        name="deliver",
        label=pgettext_lazy("step of a booking", "Deliver"),
        action_label=_("Mark selected bookings as delivered…"),
        button=ngettext_lazy("Deliver the booking", "Deliver the bookings", "count"),
        service=deliver_booking,
        is_open=permitted_after_start("deliver"),
        is_done=has_status(Booking.Status.DELIVERED),
        form=DeliverForm,
    ),
    Step(
        name="complete",
        label=pgettext_lazy("step of a booking", "Complete"),
        action_label=_("Complete selected bookings"),
        button=ngettext_lazy("Complete the booking", "Complete the bookings", "count"),
        service=complete_booking,
        is_open=permitted_after_start("complete"),
        is_done=has_status(Booking.Status.COMPLETED),
        may_override=True,
    ),
    Step(
        name="dispute",
        label=pgettext_lazy("step of a booking", "Dispute"),
        action_label=_("Dispute the delivery of selected bookings…"),
        button=ngettext_lazy("Dispute the delivery", "Dispute the deliveries", "count"),
        service=dispute_booking,
        is_open=permitted("dispute"),
        is_done=is_disputed,
        form=DisputeForm,
    ),
    Step(
        name="no_show",
        label=pgettext_lazy("step of a booking", "No-show"),
        action_label=_("Mark selected bookings as no-show"),
        service=mark_no_show,
        is_open=permitted_after_start("no_show"),
        is_done=has_status(Booking.Status.NO_SHOW),
    ),
    Step(
        name="cancel",
        label=pgettext_lazy("step of a booking", "Cancel"),
        action_label=_("Cancel selected bookings…"),
        button=ngettext_lazy("Cancel the booking", "Cancel the bookings", "count"),
        service=cancel_booking,
        is_open=permitted("cancel"),
        is_done=has_status(Booking.Status.CANCELLED),
        form=CancelForm,
        may_override=True,
    ),
    Step(
        name="reopen",
        label=pgettext_lazy("step of a booking", "Reopen"),
        action_label=_("Reopen selected bookings"),
        button=ngettext_lazy("Reopen the booking", "Reopen the bookings", "count"),
        service=reopen_booking,
        is_open=permitted("reopen"),
        is_done=lambda booking: booking.holds_time,
        result=_("Reopened"),
        may_override=True,
    ),
    Step(
        name="note",
        label=pgettext_lazy("step of a booking", "Add a note"),
        action_label=_("Add a note to selected bookings…"),
        button=ngettext_lazy("Add the note", "Add the note to each", "count"),
        service=add_note,
        is_open=lambda booking, now: True,
        result=_("Note added"),
        form=NoteForm,
    ),
)
