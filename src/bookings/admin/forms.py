"""The forms of a booking. Each knows which services write what it holds."""

from __future__ import annotations

import copy
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import policies
from bookings.admin.generic import ChoiceField
from bookings.admin.refusable import RefusableForm
from bookings.admin.refusals import as_form_error, reused_message, stale_message
from bookings.admin.start import StartField
from bookings.exceptions import BookingError, IdempotencyKeyReused
from bookings.models import Booking
from bookings.services import create_booking, reschedule_booking, update_booking

CLIENT = ("client_name", "client_email", "client_phone", "client_user")
NOTES = ("notes_client", "notes_internal")
DETAILS = (*CLIENT, *NOTES)
PLAN = ("start_at", "provider", "extras")


class PlanForm(RefusableForm):
    """When, with what, and which rules staff lift."""

    extras_widget: ClassVar[forms.Widget]
    extras_queryset: ClassVar[QuerySet[Any]]

    start_at = StartField()
    extras = ChoiceField(queryset=None, required=False, label=gettext_lazy("Add-ons"))
    override_policy = forms.BooleanField(
        required=False,
        label=gettext_lazy("Lift the rules of booking"),
        help_text=gettext_lazy("Notice, how far ahead, and whether it is active or may be moved."),
    )
    skip_slot_validation = forms.BooleanField(
        required=False,
        label=gettext_lazy("Also outside of the offered slots"),
        help_text=gettext_lazy("A start that the slot engine does not offer, such as after hours."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        extras: Any = self.fields["extras"]
        extras.widget = copy.deepcopy(self.extras_widget)
        extras.queryset = self.extras_queryset
        self.fields["start_at"].help_text = _("Time zone: %(zone)s.") % {
            "zone": timezone.get_current_timezone_name()
        }


class AddForm(PlanForm):
    """A new booking."""

    form_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    allow_past = forms.BooleanField(
        required=False,
        label=gettext_lazy("Also in the past"),
        help_text=gettext_lazy("To record it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tenant" in self.fields:
            self.fields["tenant"].required = True

    def clean(self) -> dict[str, Any]:
        # The service does the same, but the model is checked before it is asked.
        self.instance.capacity_consumed = self.cleaned_data.get("party_size") or 1
        return super().clean()

    def write(self, actor: Any) -> Booking:
        """Sent twice by a doubled click, it makes one booking."""
        given = self.cleaned_data
        now = timezone.now()
        booking = create_booking(
            **{name: given[name] for name in ("service", "provider", "start_at", "party_size")},
            **{name: given[name] for name in DETAILS},
            **{name: given[name] for name in ("override_policy", "skip_slot_validation")},
            tenant=given.get("tenant"),
            addon_ids=[addon.pk for addon in given["extras"]],
            allow_past=given["allow_past"] or None,
            created_by=actor,
            idempotency_key=f"admin:{given['form_key']}",
            now_dt=now,
        )
        if booking.created_at != now and self._says_otherwise(booking):
            raise IdempotencyKeyReused(reused_message())
        return booking

    def _says_otherwise(self, booking: Booking) -> bool:
        extras = {addon.pk for addon in self.cleaned_data["extras"]}
        return extras != set(booking.addons.values_list("addon_id", flat=True)) or any(
            getattr(booking, name) != self.cleaned_data[name] for name in (*DETAILS, "party_size")
        )


class DetailsForm(RefusableForm):
    """Who the client is and what is noted: all that may change once a booking is over."""

    expected_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["expected_version"] = self.instance.version
        # Validation writes what was sent onto the instance; the services start from what is stored.
        self.booking = copy.copy(self.instance)

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, stale_message() if field == "expected_version" else error)

    def write(self, actor: Any) -> Booking:
        return self.update(actor, self.cleaned_data["expected_version"])

    def update(
        self, actor: Any, expected_version: int, *, override_policy: bool = False
    ) -> Booking:
        details = {name: self.cleaned_data[name] for name in DETAILS if name in self.changed_data}
        return update_booking(
            self.booking,
            actor=actor,
            override_policy=override_policy,
            expected_version=expected_version,
            **details,
        )


class MoveForm(PlanForm, DetailsForm):
    """A booking that holds time, and may be moved."""

    site_name: ClassVar[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        start: Any = self.fields["start_at"]
        start.kept = self.instance.start_at
        self.initial["extras"] = list(self.instance.addons.values_list("addon_id", flat=True))

    def clean(self) -> dict[str, Any]:
        super().clean()
        # The model is checked with the new start before the service is asked for the new end.
        if start_at := self.cleaned_data.get("start_at"):
            length = self.booking.end_at - self.booking.start_at
            try:
                start_at = policies.instant(start_at, "start_at")
                self.instance.end_at = policies.elapsed_end(start_at, length)
            except BookingError as error:
                self.add_error("start_at", error)
        return self.cleaned_data

    def as_form_error(self, refusal: BookingError) -> ValidationError:
        return as_form_error(refusal, self.booking, self.site_name)

    def write(self, actor: Any) -> Booking:
        """Move it, then change its details: the caller's transaction makes the two one."""
        given, changed = self.cleaned_data, set(self.changed_data)
        version: int = given["expected_version"]
        if changed & set(PLAN):
            reschedule_booking(
                self.booking,
                new_start_at=given["start_at"] if "start_at" in changed else self.booking.start_at,
                new_provider=given["provider"] if "provider" in changed else None,
                addon_ids=[item.pk for item in given["extras"]] if "extras" in changed else None,
                actor=actor,
                override_policy=given["override_policy"],
                skip_slot_validation=given["skip_slot_validation"],
                expected_version=version,
            )
            version = self.booking.version
        return self.update(actor, version, override_policy=given["override_policy"])
