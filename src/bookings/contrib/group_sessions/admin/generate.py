"""Sessions for all of a provider's hours: first what would come of it, then the making."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms.models import ModelChoiceField, modelform_factory
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bookings.admin.relations import HostSearch
from bookings.conf import app_settings
from bookings.contrib.group_sessions.admin.form import DETAILS, OWNER, SeatsForm
from bookings.contrib.group_sessions.admin.lifecycle import SessionPages
from bookings.contrib.group_sessions.business_hours import is_installed
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import Generated, generate_sessions
from bookings.exceptions import BookingError, SlotUnavailable

STARTS_LISTED: Final = 300
"""How many sessions a preview names; the rest is a number."""

CONFLICTS_LISTED: Final = 50
"""The same for slots that are taken, of which each is a line."""

FIELD_OF_CODE: Final = {"range_reversed": "end_date", "too_far_ahead": "end_date"}


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class GenerateForm(SeatsForm):
    required_css_class = "required"

    start_date = forms.DateField(label=gettext_lazy("First day"), widget=DayInput())
    end_date = forms.DateField(label=gettext_lazy("Last day"), widget=DayInput())
    slot_duration_minutes = forms.IntegerField(
        label=gettext_lazy("Length in minutes"), initial=60, min_value=1
    )
    field_order = (*OWNER, "provider", "start_date", "end_date", "slot_duration_minutes", "title")

    def as_form_error(self, refusal: BookingError) -> ValidationError:
        field = FIELD_OF_CODE.get(refusal.booking_code)
        if isinstance(refusal, SlotUnavailable):
            field = "provider"
        if field is None:
            return super().as_form_error(refusal)
        return ValidationError({field: list(refusal.messages)})

    def generate(self, actor: Any, *, dry_run: bool) -> Generated | None:
        """``None`` where it is refused, which the form says."""
        given: dict[str, Any] = dict(self.cleaned_data)
        try:
            return generate_sessions(**given, created_by=actor, dry_run=dry_run)
        except BookingError as error:
            self.add_error(None, self.as_form_error(error))
            return None

    @property
    def mark(self) -> str:
        """What is different once something else is asked for than what the preview was of."""
        asked = sorted((name, str(value)) for name, value in self.cleaned_data.items())
        return hashlib.sha256(repr(asked).encode()).hexdigest()


class GeneratePage(SessionPages, HostSearch):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.generate_view)
        name = "bookings_group_sessions_session_generate"
        return [path("generate/", view, name=name), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        can_generate = is_installed() and self.has_add_permission(request)
        given = {"can_generate": can_generate, **(extra_context or {})}
        return super().changelist_view(request, given)

    def generate_view(self, request: HttpRequest) -> HttpResponse:
        if not is_installed():
            raise Http404
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = self.get_generate_form(request)(request.POST if request.method == "POST" else None)
        preview = None
        if form.is_valid():
            is_seen = "_make" in request.POST and request.POST.get("previewed") == form.mark
            found = form.generate(self.get_actor(request), dry_run=not is_seen)
            if is_seen and found is not None:
                _tell(request, found)
                return HttpResponseRedirect(
                    reverse(
                        "admin:bookings_group_sessions_session_changelist",
                        current_app=self.admin_site.name,
                    )
                )
            preview = found
        return self.render(
            request,
            "generate",
            form.media,
            title=_("Generate sessions from hours"),
            form=form,
            preview=preview,
            **({} if preview is None else _listed(preview)),
        )

    def get_generate_form(self, request: HttpRequest) -> Any:
        tenant = ("tenant",) if app_settings.tenancy_enabled else ()
        form: Any = modelform_factory(
            Session,
            form=GenerateForm,
            fields=(*tenant, "service", "provider", *DETAILS),
            formfield_callback=partial(self.formfield_for_dbfield, request=request),
        )
        for field in form.base_fields.values():
            if isinstance(field.widget, RelatedFieldWidgetWrapper):
                field.widget = field.widget.widget
            if isinstance(field, ModelChoiceField):
                queryset: Any = field.queryset
                field.queryset = self.seen_by_user(queryset.model, request)
        return form


def _listed(preview: Generated) -> dict[str, Any]:
    """What a preview names: the starts of each day, and what is in the way."""
    starts = [timezone.localtime(start) for start in preview.starts[:STARTS_LISTED]]
    return {
        "days": [(day, list(of_day)) for day, of_day in groupby(starts, datetime.date)],
        "more_starts": len(preview.starts) - len(starts),
        "conflicts": preview.conflicts[:CONFLICTS_LISTED],
        "more_conflicts": max(0, len(preview.conflicts) - CONFLICTS_LISTED),
    }


def _tell(request: HttpRequest, made: Generated) -> None:
    text = ngettext("%(count)d session was made.", "%(count)d sessions were made.", made.created)
    messages.success(request, text % {"count": made.created})
    if made.existing:
        text = ngettext(
            "%(count)d session was there already.",
            "%(count)d sessions were there already.",
            made.existing,
        )
        messages.info(request, text % {"count": made.existing})
    if count := len(made.conflicts):
        text = ngettext(
            "%(count)d slot is taken by something else.",
            "%(count)d slots are taken by something else.",
            count,
        )
        messages.warning(request, text % {"count": count})
