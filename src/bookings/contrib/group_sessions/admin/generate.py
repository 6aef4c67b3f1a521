"""The page that generates sessions from a provider's hours: a preview first, then the sessions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import router, transaction
from django.db.models import QuerySet
from django.forms.models import modelform_factory
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bookings import extensions
from bookings.admin.base import Page, posted_data
from bookings.admin.form_fields import DayInput
from bookings.admin.related_search import RelatedSearchMixin
from bookings.admin.tenants import tenant_fields
from bookings.admin.visibility import refuse_hidden
from bookings.contrib.group_sessions.admin.forms import (
    DETAIL_FIELDS,
    OWNER_FIELDS,
    SessionDetailsForm,
)
from bookings.contrib.group_sessions.business_hours import is_schedule_installed
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import Generated, generate_sessions
from bookings.exceptions import BookingError, SlotUnavailable

MAX_STARTS: Final = 300
"""How many sessions a preview lists; it counts the others."""

MAX_CONFLICTS: Final = 50
"""How many slots that are taken a preview lists, each on a line; it counts the others."""

FIELD_OF_CODE: Final = {"range_reversed": "end_date", "too_far_ahead": "end_date"}


class GenerateForm(SessionDetailsForm):
    required_css_class = "required"

    start_date = forms.DateField(label=gettext_lazy("First day"), widget=DayInput())
    end_date = forms.DateField(label=gettext_lazy("Last day"), widget=DayInput())
    slot_duration_minutes = forms.IntegerField(
        label=gettext_lazy("Length in minutes"), initial=60, min_value=1
    )
    field_order = (
        *OWNER_FIELDS,
        "provider",
        "start_date",
        "end_date",
        "slot_duration_minutes",
        "title",
    )

    def as_form_error(self, error: BookingError) -> ValidationError:
        field = FIELD_OF_CODE.get(error.booking_code)
        if isinstance(error, SlotUnavailable):
            field = "provider"
        if field is None:
            return super().as_form_error(error)
        return ValidationError({field: list(error.messages)})

    def generate(
        self, actor: Any, check: Callable[[QuerySet[Any]], None], *, dry_run: bool
    ) -> Generated | None:
        """Return what was generated, or would be; ``None`` if the form has an error now.

        ``check`` is called with the new sessions, and may raise a ``BookingError``.
        """
        values: dict[str, Any] = dict(self.cleaned_data)
        now, using = timezone.now(), router.db_for_write(Session)
        rows = Session._base_manager.using(using).filter(
            provider=values["provider"], service=values["service"], created_at=now
        )
        try:
            with transaction.atomic(using=using):
                generated = generate_sessions(
                    **values, created_by=actor, dry_run=dry_run, now_dt=now
                )
                check(rows)
                return generated
        except BookingError as error:
            self.add_error(None, self.as_form_error(error))
            return None

    @property
    def values_hash(self) -> str:
        """Return a text that two forms have in common if their values are the same."""
        values = sorted((name, str(value)) for name, value in self.cleaned_data.items())
        return hashlib.sha256(repr(values).encode()).hexdigest()


class GenerateMixin(RelatedSearchMixin):
    def get_pages(self) -> list[Page]:
        return [Page("generate/", self.generate_view, "generate"), *super().get_pages()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        can_generate = is_schedule_installed() and self.has_add_permission(request)
        links = [
            link
            for extension in extensions.implementing("list_links")
            for link in extension.list_links(self.model, self.admin_site, request)
        ]
        context = {"can_generate": can_generate, "list_links": links, **(extra_context or {})}
        return super().changelist_view(request, context)

    def generate_view(self, request: HttpRequest) -> HttpResponse:
        if not is_schedule_installed():
            raise Http404
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = self.get_generate_form(request)(posted_data(request))
        preview = None
        if form.is_valid():
            # Only what has been previewed is generated.
            is_confirmed = (
                "_generate" in request.POST and request.POST.get("previewed") == form.values_hash
            )
            generated = form.generate(
                self.get_actor(request),
                partial(refuse_hidden, self, request),
                dry_run=not is_confirmed,
            )
            if is_confirmed and generated is not None:
                _show_result(request, generated)
                return self.redirect("changelist")
            preview = generated
        return self.render_page(
            request,
            "admin/bookings_group_sessions/session/generate.html",
            title=_("Generate sessions from hours"),
            media=form.media,
            form=form,
            preview=preview,
            **({} if preview is None else _preview_lists(preview)),
        )

    def get_generate_form(self, request: HttpRequest) -> Any:
        form: Any = modelform_factory(
            Session,
            form=GenerateForm,
            fields=(*tenant_fields(), "service", "provider", *DETAIL_FIELDS),
            formfield_callback=partial(self.formfield_for_dbfield, request=request),
        )
        for field in form.base_fields.values():
            if isinstance(field.widget, RelatedFieldWidgetWrapper):
                field.widget = field.widget.widget
        return form


def _preview_lists(preview: Generated) -> dict[str, Any]:
    """Return what the preview lists: the starts of each day, and the slots that are taken."""
    starts = [timezone.localtime(start) for start in preview.starts[:MAX_STARTS]]
    return {
        "days": [(day, list(of_day)) for day, of_day in groupby(starts, datetime.date)],
        "more_starts": len(preview.starts) - len(starts),
        "conflicts": preview.conflicts[:MAX_CONFLICTS],
        "more_conflicts": max(0, len(preview.conflicts) - MAX_CONFLICTS),
    }


def _show_result(request: HttpRequest, generated: Generated) -> None:
    count = generated.created
    text = ngettext("%(count)d session was made.", "%(count)d sessions were made.", count)
    messages.success(request, text % {"count": count})
    if count := generated.existing:
        text = ngettext(
            "%(count)d session was there already.",
            "%(count)d sessions were there already.",
            count,
        )
        messages.info(request, text % {"count": count})
    if count := len(generated.conflicts):
        text = ngettext(
            "%(count)d slot is taken by something else.",
            "%(count)d slots are taken by something else.",
            count,
        )
        messages.warning(request, text % {"count": count})
