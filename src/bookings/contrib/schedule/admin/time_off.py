"""Time off in the admin."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.admin.actor import Acting
from bookings.admin.chronological import Chronological
from bookings.admin.filters import WhenFilter
from bookings.admin.refusable import RefusableForm
from bookings.admin.refused import Refusing
from bookings.admin.relations import HostSearch, provider_search
from bookings.admin.start import StartField, from_link
from bookings.contrib.schedule.admin.links import list_of
from bookings.contrib.schedule.exceptions import TimeOffConflict
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import cancel_time_off, move_time_off, take_time_off
from bookings.contrib.schedule.services.time_off import gone
from bookings.exceptions import BookingError

TIMES = ("start_at", "end_at")


class TimeOffForm(RefusableForm):
    """Says which bookings are in the way, when some are."""

    site: ClassVar[admin.AdminSite]
    request: ClassVar[HttpRequest]

    start_at = StartField()
    end_at = StartField(label=gettext_lazy("End"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Validation writes what was sent onto the instance; the services start from what is stored.
        self.time_off: TimeOff = copy.copy(self.instance)
        for name in TIMES:
            field: Any = self.fields[name]
            field.kept = getattr(self.instance, name)
        self.fields["end_at"].help_text = _("Time zone: %(zone)s.") % {
            "zone": timezone.get_current_timezone_name()
        }

    def as_form_error(self, refusal: BookingError) -> ValidationError:
        if not isinstance(refusal, TimeOffConflict):
            return super().as_form_error(refusal)
        named = list_of(self.site, self.request, refusal.bookings, refusal.claims)
        return ValidationError(
            {"start_at": [format_html("{} {}", " ".join(refusal.messages), named)]}
        )

    def write(self, actor: Any) -> TimeOff:
        given = {name: self.cleaned_data[name] for name in (*TIMES, "reason")}
        if self.time_off.pk is None:
            return self._take(actor, provider=self.cleaned_data["provider"], **given)
        if set(TIMES) & set(self.changed_data):
            move_time_off(self.time_off, **{name: given[name] for name in TIMES})
        if "reason" in self.changed_data:
            rows = TimeOff.objects.filter(pk=self.time_off.pk)
            if not rows.update(reason=given["reason"]):
                raise gone()
        return self.time_off

    def _take(self, actor: Any, **given: Any) -> TimeOff:
        """Sent twice by a doubled click, it is taken once."""
        try:
            return take_time_off(actor=actor, **given)
        except TimeOffConflict:
            taken = TimeOff.objects.filter(**given).first()
            if taken is None:
                raise
            return taken


@admin.register(TimeOff)
class TimeOffAdmin(Acting, Refusing, Chronological, HostSearch):
    form = TimeOffForm

    class Media:
        css: ClassVar = {"all": ["bookings_schedule/admin.css"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return ["provider", "start_at", "end_at", "reason"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [WhenFilter, "provider"]

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        return ["provider"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["reason", *provider_search(self.admin_site, TimeOff, request)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        record = () if obj is None else (("created_at", "created_by"),)
        return [(None, {"fields": ("provider", *TIMES, "reason", *record)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("provider", "created_at", "created_by")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.site, form.request = self.admin_site, request
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return initial | {name: from_link(initial[name]) for name in TIMES if name in initial}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        written = form.write(self.get_actor(request))
        obj.pk, obj._state = written.pk, written._state

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        cancel_time_off(obj)
