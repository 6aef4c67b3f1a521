"""The form of a session: a new one is published, one that is there is changed."""

from __future__ import annotations

import copy
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import policies
from bookings.admin.refusable import RefusableForm
from bookings.admin.start import StartField
from bookings.contrib.group_sessions.admin.promoted import promoted_by
from bookings.contrib.group_sessions.admin.seen import mark_of, unless_done
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import create_session, update_session
from bookings.contrib.group_sessions.services.update import CHANGEABLE
from bookings.exceptions import BookingConflict, BookingError, CapacityExceeded

SEATS: Final = ("capacity", "price_amount")
WAITLIST: Final = ("enable_waitlist", "waitlist_offer_minutes")
DETAILS: Final = ("title", "meeting_link", *SEATS, *WAITLIST)
TIMES: Final = ("start_at", "end_at")
OWNER: Final = ("tenant", "service")


class SeatsForm(RefusableForm):
    """What is asked of one session, and of many alike."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        capacity: Any = self.fields["capacity"]
        capacity.validators.append(MinValueValidator(1))
        capacity.widget.attrs["min"] = 1
        if "tenant" in self.fields:
            self.fields["tenant"].required = True


class SessionForm(SeatsForm):
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    start_at = StartField()
    end_at = StartField(label=gettext_lazy("End"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Validation writes what was sent onto the instance; the services start from what is stored.
        self.session: Session = copy.copy(self.instance)
        self.is_new = self.session.pk is None
        self.promoted: list[str] = []
        for name in TIMES:
            field: Any = self.fields[name]
            field.kept = getattr(self.instance, name)
        self.fields["start_at"].help_text = _("Time zone: %(zone)s.") % {
            "zone": timezone.get_current_timezone_name()
        }
        self.fields["end_at"].help_text = (
            _("Empty for the service's duration.")
            if self.is_new
            else _("Left as it is, the session keeps its length.")
        )
        if self.is_new:
            del self.fields["seen"]
        else:
            self.initial["seen"] = mark_of(self.session)

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.is_new and not {*TIMES} & self.errors.keys():
            self._keep_length()
        start_at, end_at = (self.cleaned_data.get(name) for name in TIMES)
        if start_at is not None and end_at is not None and end_at <= start_at:
            self.add_error("end_at", _("The session ends before it starts. Swap start and end."))
        return self.cleaned_data

    def _keep_length(self) -> None:
        """The model is checked with the new start before the service is asked for the new end."""
        given = self.cleaned_data
        if "end_at" in self.changed_data and given["end_at"] is not None:
            return
        length = self.session.end_at - self.session.start_at
        try:
            start_at = policies.instant(given["start_at"], "start_at")
            given["end_at"] = policies.elapsed_end(start_at, length)
        except BookingError as error:
            self.add_error("start_at", error)

    def as_form_error(self, refusal: BookingError) -> ValidationError:
        if isinstance(refusal, CapacityExceeded):
            return ValidationError({"capacity": list(refusal.messages)})
        return super().as_form_error(refusal)

    def write(self, actor: Any) -> Session:
        return self._publish(actor) if self.is_new else self._change(actor)

    def _publish(self, actor: Any) -> Session:
        """Sent twice by a doubled click, it is published once."""
        names = ("service", "provider", *TIMES, *DETAILS)
        given: dict[str, Any] = {name: self.cleaned_data[name] for name in names}
        tenant = self.cleaned_data.get("tenant")
        try:
            return create_session(tenant=tenant, created_by=actor, **given)
        except BookingConflict:
            if given["end_at"] is None:
                del given["end_at"]
            there = Session.objects.filter(status__in=Session.COMING_STATUSES, **given).first()
            if there is None:
                raise
            return there

    def _change(self, actor: Any) -> Session:
        sent = [name for name in CHANGEABLE if name in self.changed_data]
        changes: dict[str, Any] = {name: self.cleaned_data[name] for name in sent}
        provider = changes.get("provider")

        def update() -> None:
            self.promoted = promoted_by(
                self.session, lambda: update_session(self.session, actor=actor, **changes)
            )

        is_done = not unless_done(
            self.session,
            self.cleaned_data["seen"],
            update,
            lambda row: all(getattr(row, name) == value for name, value in changes.items()),
            now=timezone.now(),
            also_lock=None if provider is None else provider.pk,
        )
        if is_done:
            self.session.refresh_from_db()
        return self.session
