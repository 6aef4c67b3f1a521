"""The forms with which staff book a seat, add a client to the waitlist, and move a seat."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import MinValueValidator
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bookings.admin.form_errors import as_form_error
from bookings.admin.generic_bases import ModelChoiceField
from bookings.admin.question_fields import QuestionsForm
from bookings.admin.service_forms import ServiceForm
from bookings.contrib.group_sessions.exceptions import AlreadyWaiting
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.services import book_seat, join_waitlist, move_seat
from bookings.exceptions import BookingError
from bookings.models import Booking, client_identity

CLIENT_FIELDS = ("client_name", "client_email", "client_phone", "party_size")


class ClientForm(ServiceForm):
    """A client and a number of seats, which are fields of a waitlist entry."""

    required_css_class = "required"
    title: ClassVar[Any]

    result_text: str
    """What ``write`` has done."""
    is_new: bool
    """``False`` if it had been done before, as by the first of two clicks."""

    class Meta:
        model = WaitlistEntry
        fields: tuple[str, ...] = CLIENT_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seats: Any = self.fields["party_size"]
        seats.label = _("Seats")
        seats.validators.append(MinValueValidator(1))
        seats.widget.attrs["min"] = 1

    def as_form_error(self, error: BookingError) -> ValidationError:
        """Return the error by field, and above the form if it is about the session."""
        errors: dict[str, list[ValidationError]] = defaultdict(list)
        for name, field_errors in super().as_form_error(error).error_dict.items():
            errors[name if name in self.fields else NON_FIELD_ERRORS] += field_errors
        return ValidationError(dict(errors))

    @abstractmethod
    def write(self, session: Session, actor: Any) -> None:
        """Call the service, and set ``result_text`` and ``is_new``."""


class BookSeatForm(QuestionsForm, ClientForm):
    title = gettext_lazy("Book a seat")
    form_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    override_policy = forms.BooleanField(
        required=False,
        label=gettext_lazy("Lift the rules of booking"),
        help_text=gettext_lazy(
            "Notice, how far ahead, a booking that is closed, and the turn of those who wait."
        ),
    )

    class Meta(ClientForm.Meta):
        pass

    def write(self, session: Session, actor: Any) -> None:
        values, now = self.cleaned_data, timezone.now()
        booking = book_seat(
            session,
            **{name: values[name] for name in CLIENT_FIELDS if name != "party_size"},
            seats=values["party_size"],
            answers=self.given_answers(),
            override_policy=values["override_policy"],
            created_by=actor,
            idempotency_key=f"admin:{values['form_key']}",
            now_dt=now,
        )
        self.is_new = booking.created_at == now
        text = (
            _("%(object)s is now: %(status)s.")
            if self.is_new
            else _("%(object)s was that already: %(status)s.")
        )
        self.result_text = text % {"object": booking, "status": booking.get_status_display()}


class JoinWaitlistForm(ClientForm):
    title = gettext_lazy("Add to waitlist")

    class Meta(ClientForm.Meta):
        fields = (*CLIENT_FIELDS, "priority")

    def write(self, session: Session, actor: Any) -> None:
        try:
            entry = join_waitlist(session, created_by=actor, **self.cleaned_data)
            self.is_new = True
        except AlreadyWaiting:
            waiting = session.waitlist.waiting()
            same_client = client_identity.same_client(self.instance)
            same = waiting.filter(same_client, **self.cleaned_data).first()
            if same is None:
                raise
            entry, self.is_new = same, False
        if not self.is_new:
            text = _("%(client)s was that already: %(status)s.")
        elif entry.status == WaitlistEntry.Status.WAITING:
            text = _("Added to the waitlist: %(client)s.")
        else:
            text = _("Promoted from the waitlist: %(client)s.")
        self.result_text = text % {
            "client": entry.client_name,
            "status": entry.get_status_display(),
        }


class SessionField(ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        """Return the start, the title, the provider, and how many seats are free."""
        free = obj.free_seats
        seats = ngettext("%(count)d seat free", "%(count)d seats free", free) % {"count": free}
        start = localize(timezone.localtime(obj.start_at))
        parts = [start, obj.title or str(obj.service), str(obj.provider)]
        return " · ".join([*parts, seats if free else _("Full")])


class MoveSeatForm(forms.Form):
    """The session to which a seat is moved."""

    required_css_class = "required"
    title = gettext_lazy("Move the seat")
    version = forms.IntegerField(widget=forms.HiddenInput)
    to_session = SessionField(queryset=None, label=gettext_lazy("To the session"))
    override_policy = forms.BooleanField(
        required=False,
        label=gettext_lazy("Lift the rules of booking"),
        help_text=gettext_lazy(
            "Notice, how far ahead, a booking that is closed, and the turn of those who wait."
        ),
    )

    by = forms.BooleanField(
        required=False,
        label=gettext_lazy("On the provider's behalf"),
        help_text=gettext_lazy("The client did not ask for it, so it does not lower a refund."),
    )

    def __init__(self, data: Any, booking: Booking, sessions: QuerySet[Any]) -> None:
        super().__init__(data, initial={"version": booking.version})
        self.booking = booking
        to_session: Any = self.fields["to_session"]
        to_session.queryset = sessions

    def clean(self) -> dict[str, Any]:
        # The page does not show the errors of a hidden field.
        if "version" in self.errors:
            self.add_error(None, _("The form was incomplete. Open it again."))
        return self.cleaned_data

    def as_form_error(self, error: BookingError) -> list[str]:
        """Return the messages without their fields: all are about the one choice."""
        return as_form_error(error).messages

    def write(self, actor: Any) -> Booking:
        """Move the booking's seat and return the booking."""
        values = self.cleaned_data
        return move_seat(
            self.booking,
            values["to_session"],
            actor=actor,
            by="provider" if values["by"] else "client",
            override_policy=values["override_policy"],
            expected_version=values["version"],
        )
