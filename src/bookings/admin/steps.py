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

from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    complete_booking,
    confirm_booking,
    decline_booking,
    deliver_booking,
    mark_no_show,
)


class ReasonForm(forms.Form):
    button: ClassVar[Any]
    """What the button says, ``%`` the number of bookings."""

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


@dataclass(frozen=True, slots=True)
class Step:
    """``after_start``: refused before the booking starts, so not offered before either."""

    name: str
    target: str
    label: Any
    title: Any
    transition: str
    service: Callable[..., Booking]
    form: type[ReasonForm] | None = None
    after_start: bool = False

    def is_open(self, booking: Booking, now: datetime | None = None) -> bool:
        """Whether to offer it; the service has the last word."""
        started = booking.start_at <= (now or timezone.now())
        return can_proceed(getattr(booking, self.transition)) and (started or not self.after_start)


STEPS: Final = {
    step.name: step
    for step in (
        Step(
            "confirm",
            Booking.Status.CONFIRMED,
            pgettext_lazy("step of a booking", "Confirm"),
            _("Confirm selected bookings"),
            "confirm",
            confirm_booking,
        ),
        Step(
            "decline",
            Booking.Status.DECLINED,
            pgettext_lazy("step of a booking", "Decline"),
            _("Decline selected bookings…"),
            "decline",
            decline_booking,
            form=DeclineForm,
        ),
        Step(
            "deliver",
            Booking.Status.DELIVERED,
            pgettext_lazy("step of a booking", "Deliver"),
            _("Mark selected bookings as delivered"),
            "deliver",
            deliver_booking,
            after_start=True,
        ),
        Step(
            "complete",
            Booking.Status.COMPLETED,
            pgettext_lazy("step of a booking", "Complete"),
            _("Complete selected bookings"),
            "complete",
            complete_booking,
            after_start=True,
        ),
        Step(
            "no_show",
            Booking.Status.NO_SHOW,
            pgettext_lazy("step of a booking", "No-show"),
            _("Mark selected bookings as no-show"),
            "no_show",
            mark_no_show,
            after_start=True,
        ),
        Step(
            "cancel",
            Booking.Status.CANCELLED,
            pgettext_lazy("step of a booking", "Cancel"),
            _("Cancel selected bookings…"),
            "cancel",
            cancel_booking,
            form=CancelForm,
        ),
    )
}
