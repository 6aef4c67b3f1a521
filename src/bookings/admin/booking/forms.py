"""The forms of a booking, each of which calls the services that write what it holds."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy, pgettext_lazy

from bookings.admin.choices import ObjectsField
from bookings.admin.conflicts import ConflictsMixin
from bookings.admin.form_errors import as_form_error, refusal_link, stale_message
from bookings.admin.form_fields import InstantField, time_zone_help
from bookings.admin.question_fields import QuestionsForm, initial_answers
from bookings.admin.service_forms import ServiceForm
from bookings.exceptions import BookingError
from bookings.models import Booking
from bookings.rules import instants
from bookings.rules.lengths import MAX_DAYS, ONE_DAY, ONE_MINUTE
from bookings.rules.validation import MAX_MINUTES
from bookings.services import create_booking, reschedule_booking, update_booking
from bookings.services.new_booking import addon_duration

CLIENT_FIELDS = (
    *("client_name", "client_email", "client_phone", "client_user"),
    *("client_language", "client_timezone"),
)
PLACE_FIELDS = ("location", "meeting_link")
NOTE_FIELDS = ("notes_client", "notes_internal")
DETAIL_FIELDS = (*CLIENT_FIELDS, *PLACE_FIELDS, *NOTE_FIELDS)
LENGTH_FIELDS = ("duration_minutes", "days")
PLAN_FIELDS = ("start_at", "provider", "resources", *LENGTH_FIELDS, "addons")
RULE_FIELDS = ("override_policy", "skip_slot_validation")


class PlanForm(ConflictsMixin, QuestionsForm, ServiceForm):
    """When the booking is and with which add-ons, and which rules staff override."""

    start_at = InstantField()
    resources = ObjectsField(
        queryset=None,
        required=False,
        label=gettext_lazy("Resources"),
        help_text=gettext_lazy(
            "Further providers whose time it takes, such as a room. "
            "What the service needs is taken in any case."
        ),
    )
    duration_minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_MINUTES,
        label=pgettext_lazy("of a booking", "Duration"),
        help_text=gettext_lazy(
            "In minutes, without add-ons, where the service lets the client choose. "
            "Empty for the service's."
        ),
    )
    days = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_DAYS,
        label=gettext_lazy("Days"),
        help_text=gettext_lazy(
            "In place of minutes, where the service is booked by the day. Empty for the service's."
        ),
    )
    addons = ObjectsField(queryset=None, required=False, label=gettext_lazy("Add-ons"))
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
        if "start_at" in self.fields:
            self.fields["start_at"].help_text = time_zone_help()

    def end_for_conflicts(self, service: Any, start_at: datetime) -> datetime:
        """Return about when the booking would end, for a message."""
        days, minutes = (self.cleaned_data.get(name) for name in ("days", "duration_minutes"))
        if days or minutes is None:
            days = days or getattr(service, "duration_days", None)
        length = days * ONE_DAY if days else (minutes or service.duration_minutes) * ONE_MINUTE
        for addon in self.cleaned_data.get("addons") or ():
            length += getattr(addon, "extra_duration_minutes", 0) * ONE_MINUTE
        return instants.add_elapsed(start_at, length)

    def as_form_error(self, error: BookingError) -> ValidationError:
        return self.with_conflicts(error, super().as_form_error(error))


class AddForm(PlanForm):
    """A new booking. Two submissions of one form, as by a double click, make one booking."""

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

    def prepare_instance(self) -> None:
        self.instance.capacity_consumed = self.cleaned_data.get("party_size") or 1

    def write(self, actor: Any) -> Booking:
        """Create the booking and return it.

        Raises ``IdempotencyKeyReused`` if the form has made a booking before, with other values.
        """
        values = self.cleaned_data
        return create_booking(
            **{name: values[name] for name in ("service", "provider", "start_at", "party_size")},
            **{name: values[name] for name in DETAIL_FIELDS if name in values},
            **{name: values.get(name, False) for name in RULE_FIELDS},
            tenant=values.get("tenant"),
            resources=list(values.get("resources", ())),
            duration_minutes=values.get("duration_minutes"),
            duration_days=values.get("days"),
            addon_ids=[addon.pk for addon in values.get("addons", ())],
            answers=self.given_answers(),
            allow_past=values.get("allow_past") or None,
            created_by=actor,
            idempotency_key=f"admin:{values['form_key']}",
        )


class DetailsForm(QuestionsForm, ServiceForm):
    """The client, the notes and the answers, which can still be changed when a booking is over."""

    expected_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["expected_version"] = self.instance.version
        self.initial.update(initial_answers(self.instance))
        # Validation writes the new values onto the instance, but services need the stored ones.
        self.booking = copy.copy(self.instance)

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, stale_message() if field == "expected_version" else error)

    def write(self, actor: Any) -> Booking:
        """Change the booking's details and return it."""
        return self._update(actor, self.cleaned_data["expected_version"])

    def _update(
        self, actor: Any, expected_version: int, *, override_policy: bool = False
    ) -> Booking:
        changed = [name for name in DETAIL_FIELDS if name in self.changed_data]
        return update_booking(
            self.booking,
            actor=actor,
            override_policy=override_policy,
            expected_version=expected_version,
            answers=self.given_answers(),
            **{name: self.cleaned_data[name] for name in changed},
        )


class MoveForm(PlanForm, DetailsForm):
    """A booking that holds time and may be moved."""

    by = forms.BooleanField(
        required=False,
        label=gettext_lazy("On the provider's behalf"),
        help_text=gettext_lazy("The client did not ask for it, so it does not lower a refund."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "start_at" in self.fields:
            start: Any = self.fields["start_at"]
            start.current = self.instance.start_at
        self.initial["resources"] = [row.provider_id for row in self.instance.resources.all()]
        addons = list(self.instance.addons.all())
        self.initial["addons"] = [addon.addon_id for addon in addons]
        # A form of a host may be without them.
        self.initial["days"] = self.instance.duration_days
        if "duration_minutes" in self.fields and self.instance.duration_days is None:
            length = self.instance.end_at - self.instance.start_at - addon_duration(addons)
            self.initial["duration_minutes"] = length // ONE_MINUTE
        if "duration_minutes" in self.fields:
            self.fields["duration_minutes"].help_text = gettext_lazy(
                "In minutes, without add-ons, where the service lets the client choose."
            )
        if "days" in self.fields:
            self.fields["days"].help_text = gettext_lazy(
                "In place of minutes, where the service is booked by the day."
            )

    def prepare_instance(self) -> None:
        if start_at := self.cleaned_data.get("start_at"):
            length = self.booking.end_at - self.booking.start_at
            minutes, days = map(self._new_length, LENGTH_FIELDS)
            # About when it ends: the service knows better.
            if days:
                length = days * ONE_DAY
            elif minutes is not None:
                length += (minutes - self.initial.get("duration_minutes", minutes)) * ONE_MINUTE
            try:
                start_at = instants.aware_utc(start_at, "start_at")
                self.instance.end_at = instants.add_elapsed(start_at, length)
            except BookingError as error:
                self.add_error("start_at", error)

    def as_form_error(self, error: BookingError) -> ValidationError:
        link = refusal_link(error, self.booking, self.site, self.request)
        return self.with_conflicts(error, as_form_error(error, link))

    def write(self, actor: Any) -> Booking:
        """Move the booking, then change its details, and return it. Call it in a transaction."""
        values, changed = self.cleaned_data, set(self.changed_data)
        version: int = values["expected_version"]
        if changed & set(PLAN_FIELDS):
            reschedule_booking(
                self.booking,
                new_start_at=values["start_at"] if "start_at" in changed else self.booking.start_at,
                new_provider=values["provider"] if "provider" in changed else None,
                new_resources=list(values["resources"]) if "resources" in changed else None,
                addon_ids=[addon.pk for addon in values["addons"]] if "addons" in changed else None,
                new_duration_minutes=self._new_length("duration_minutes"),
                new_duration_days=self._new_length("days"),
                actor=actor,
                by="provider" if values.get("by") else "client",
                **{name: values.get(name, False) for name in RULE_FIELDS},
                expected_version=version,
            )
            version = self.booking.version
        return self._update(actor, version, override_policy=values.get("override_policy", False))

    def _new_length(self, name: str) -> int | None:
        """Return the length that staff have entered; ``None`` if they have not changed it."""
        if name not in self.changed_data:
            return None
        length: int | None = self.cleaned_data.get(name)
        return length
