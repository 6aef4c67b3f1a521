"""The forms with which staff book a seat, put somebody on the waitlist, and move a seat."""

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

from bookings import clients
from bookings.admin.refusable import RefusableForm
from bookings.admin.refusals import as_form_error, reused_message
from bookings.contrib.group_sessions.exceptions import AlreadyWaiting
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.services import book_seat, join_waitlist, move_seat
from bookings.exceptions import BookingError, IdempotencyKeyReused
from bookings.models import Booking

CLIENT = ("client_name", "client_email", "client_phone", "party_size")


class ClientForm(RefusableForm):
    """Who is to have seats, now or later, and how many; a place in a queue holds just that."""

    required_css_class = "required"
    button: ClassVar[Any]

    class Meta:
        model = WaitlistEntry
        fields: tuple[str, ...] = CLIENT

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seats: Any = self.fields["party_size"]
        seats.label = _("Seats")
        seats.validators.append(MinValueValidator(1))
        seats.widget.attrs["min"] = 1

    def as_form_error(self, refusal: BookingError) -> ValidationError:
        """What is about the session is about no field: which it is has been chosen before."""
        placed = super().as_form_error(refusal).error_dict
        said: dict[str, list[ValidationError]] = defaultdict(list)
        for name, about in placed.items():
            said[name if name in self.fields else NON_FIELD_ERRORS] += about
        return ValidationError(dict(said))

    @abstractmethod
    def write(self, session: Session, actor: Any) -> tuple[str, bool]:
        """Do it, and say so; ``False`` where it was done already, as by a doubled click."""


class BookForm(ClientForm):
    button = gettext_lazy("Book a seat")
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

    def write(self, session: Session, actor: Any) -> tuple[str, bool]:
        given, now = self.cleaned_data, timezone.now()
        booking = book_seat(
            session,
            **{name: given[name] for name in CLIENT if name != "party_size"},
            seats=given["party_size"],
            override_policy=given["override_policy"],
            created_by=actor,
            idempotency_key=f"admin:{given['form_key']}",
            now_dt=now,
        )
        is_new = booking.created_at == now
        if not is_new and any(getattr(booking, name) != given[name] for name in CLIENT):
            raise IdempotencyKeyReused(reused_message())
        text = (
            _("%(booking)s is now: %(status)s.")
            if is_new
            else _("%(booking)s was that already: %(status)s.")
        )
        return text % {"booking": booking, "status": booking.get_status_display()}, is_new


class WaitForm(ClientForm):
    button = gettext_lazy("Add to waitlist")

    class Meta(ClientForm.Meta):
        fields = (*CLIENT, "priority")

    def write(self, session: Session, actor: Any) -> tuple[str, bool]:
        try:
            entry, is_new = join_waitlist(session, created_by=actor, **self.cleaned_data), True
        except AlreadyWaiting:
            key = clients.key(self.instance)
            same = session.waitlist.waiting().filter(client_key=key, **self.cleaned_data).first()
            if same is None:
                raise
            entry, is_new = same, False
        told = {"client": entry.client_name, "status": entry.get_status_display()}
        if not is_new:
            return _("%(client)s was that already: %(status)s.") % told, False
        if entry.status == WaitlistEntry.Status.WAITING:
            return _("Added to the waitlist: %(client)s.") % told, True
        return _("Promoted from the waitlist: %(client)s.") % told, True


class SessionChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        """When, what, by whom, and whether there is room."""
        free = obj.remaining_seats
        room = ngettext("%(count)d seat free", "%(count)d seats free", free) % {"count": free}
        start = localize(timezone.localtime(obj.start_at))
        parts = [start, obj.title or str(obj.service), str(obj.provider)]
        return " · ".join([*parts, room if free else _("Full")])


class MoveSeatForm(forms.Form):
    """Where a seat goes; what is wrong with the hidden version is said above the form."""

    required_css_class = "required"
    button = gettext_lazy("Move the seat")
    version = forms.IntegerField(widget=forms.HiddenInput)
    to_session = SessionChoice(queryset=None, label=gettext_lazy("To the session"))
    override_policy = forms.BooleanField(
        required=False,
        label=gettext_lazy("Lift the rules of booking"),
        help_text=gettext_lazy(
            "Notice, how far ahead, a booking that is closed, and the turn of those who wait."
        ),
    )

    def __init__(self, data: Any, booking: Booking, sessions: QuerySet[Any]) -> None:
        super().__init__(data, initial={"version": booking.version})
        self.booking = booking
        to_session: Any = self.fields["to_session"]
        to_session.queryset = sessions

    def clean(self) -> dict[str, Any]:
        if "version" in self.errors:
            self.add_error(None, _("The form was incomplete. Open it again."))
        return self.cleaned_data

    def as_form_error(self, refusal: BookingError) -> list[str]:
        """Whatever is refused is about the choice, of which there is one."""
        return as_form_error(refusal).messages

    def write(self, actor: Any) -> Booking:
        given = self.cleaned_data
        return move_seat(
            self.booking,
            given["to_session"],
            actor=actor,
            override_policy=given["override_policy"],
            expected_version=given["version"],
        )
