"""The form of a session: a new session is published, an existing one is changed."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.admin.choices import ObjectsField
from bookings.admin.conflicts import ConflictsMixin
from bookings.admin.form_fields import InstantField, time_zone_help
from bookings.admin.service_forms import ServiceForm
from bookings.contrib.group_sessions.admin.session_version import act_unless_done, version_of
from bookings.contrib.group_sessions.admin.waitlist import promoted_clients
from bookings.contrib.group_sessions.models import Session, SessionResource
from bookings.contrib.group_sessions.services import create_session, update_session
from bookings.contrib.group_sessions.services.update_session import CHANGEABLE_FIELDS
from bookings.exceptions import BookingConflict, BookingError, CapacityExceeded
from bookings.rules import instants
from bookings.rules.lengths import ONE_MINUTE

SEAT_FIELDS: Final = ("capacity", "price_amount")
WAITLIST_FIELDS: Final = ("enable_waitlist", "waitlist_offer_minutes")
DETAIL_FIELDS: Final = ("title", "location", "meeting_link", *SEAT_FIELDS, *WAITLIST_FIELDS)
TIME_FIELDS: Final = ("start_at", "end_at")
OWNER_FIELDS: Final = ("tenant", "service")


class SessionDetailsForm(ServiceForm):
    """The fields that one session and generated sessions have in common."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        capacity: Any = self.fields["capacity"]
        capacity.validators.append(MinValueValidator(1))
        capacity.widget.attrs["min"] = 1
        if "tenant" in self.fields:
            self.fields["tenant"].required = True

    def as_form_error(self, error: BookingError) -> ValidationError:
        if error.booking_code == "offer_without_waitlist":
            return ValidationError({"waitlist_offer_minutes": list(error.messages)})
        return super().as_form_error(error)


class SessionForm(ConflictsMixin, SessionDetailsForm):
    version = forms.CharField(widget=forms.HiddenInput, required=False)
    start_at = InstantField()
    end_at = InstantField(label=gettext_lazy("End"), required=False)
    resources = ObjectsField(
        queryset=None,
        required=False,
        label=gettext_lazy("Resources"),
        help_text=gettext_lazy(
            "Further providers whose time it takes, such as a room. "
            "What the service needs is taken in any case."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Validation writes the new values onto the instance, but services need the stored ones.
        self.session: Session = copy.copy(self.instance)
        self.is_new = self.session.pk is None
        self.promoted_clients: list[str] = []
        for name in TIME_FIELDS:
            field: Any = self.fields[name]
            field.current = getattr(self.instance, name)
        self.fields["start_at"].help_text = time_zone_help()
        self.fields["end_at"].help_text = (
            _("Empty for the service's duration.")
            if self.is_new
            else _("Left as it is, the session keeps its length.")
        )
        if self.is_new:
            del self.fields["version"]
        else:
            self.initial["version"] = version_of(self.session)
            self.initial["resources"] = [row.provider_id for row in self.session.resources.all()]

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.is_new and not {*TIME_FIELDS} & self.errors.keys():
            self._keep_length()
        start_at, end_at = (self.cleaned_data.get(name) for name in TIME_FIELDS)
        if start_at is not None and end_at is not None and end_at <= start_at:
            self.add_error("end_at", _("End time must be after start time."))
        return self.cleaned_data

    def _keep_length(self) -> None:
        """Compute the end from the start if only the start was changed.

        Django validates the model, with its new start, before the service computes the new end.
        """
        values = self.cleaned_data
        if "end_at" in self.changed_data and values["end_at"] is not None:
            return
        length = self.session.end_at - self.session.start_at
        try:
            start_at = instants.aware_utc(values["start_at"], "start_at")
            values["end_at"] = instants.add_elapsed(start_at, length)
        except BookingError as error:
            self.add_error("start_at", error)

    def as_form_error(self, error: BookingError) -> ValidationError:
        if isinstance(error, CapacityExceeded):
            return ValidationError({"capacity": list(error.messages)})
        return self.with_conflicts(error, super().as_form_error(error))

    def end_for_conflicts(self, service: Any, start_at: datetime) -> datetime:
        length = service.duration_minutes * ONE_MINUTE
        return self.cleaned_data.get("end_at") or instants.add_elapsed(start_at, length)

    def write(self, actor: Any) -> Session:
        """Publish or change the session and return it."""
        return self._publish(actor) if self.is_new else self._change(actor)

    def _publish(self, actor: Any) -> Session:
        """Create the session; return the existing one for a form that is sent twice."""
        names = ("service", "provider", *TIME_FIELDS, *DETAIL_FIELDS)
        values: dict[str, Any] = {name: self.cleaned_data[name] for name in names}
        tenant = self.cleaned_data.get("tenant")
        try:
            return create_session(
                tenant=tenant,
                created_by=actor,
                resources=list(self.cleaned_data["resources"]),
                **values,
            )
        except BookingConflict:
            if values["end_at"] is None:
                del values["end_at"]
            values["tenant"] = tenant
            same = Session.objects.filter(status__in=Session.ACTIVE_STATUSES, **values).first()
            if same is None:
                raise
            return same

    def _change(self, actor: Any) -> Session:
        changed = [name for name in CHANGEABLE_FIELDS if name in self.changed_data]
        values: dict[str, Any] = {name: self.cleaned_data[name] for name in changed}
        provider = values.get("provider")
        resources: dict[str, Any] = {}
        if "resources" in self.changed_data:
            resources["resources"] = list(self.cleaned_data["resources"])

        def update() -> None:
            self.promoted_clients = promoted_clients(
                self.session,
                lambda: update_session(self.session, actor=actor, **values, **resources),
            )

        def is_done(row: Session) -> bool:
            if any(getattr(row, name) != value for name, value in values.items()):
                return False
            asked = {resource.pk for resource in resources.get("resources", ())}
            return not resources or asked == _resource_ids(row)

        is_updated = act_unless_done(
            self.session,
            self.cleaned_data["version"],
            update,
            is_done,
            now=timezone.now(),
            also_lock=[] if provider is None else [provider.pk],
        )
        if not is_updated:
            self.session.refresh_from_db()
        return self.session


def _resource_ids(row: Session) -> set[Any]:
    stored = SessionResource.objects.using(row._state.db).filter(session=row.pk)
    return set(stored.values_list("provider_id", flat=True))
