"""Series in the admin: read-only, but they can be cancelled from one of their starts on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from bookings.admin.base import BaseAdmin, Page, posted_data, submit
from bookings.admin.booking.steps import CancelForm
from bookings.admin.booking_search import BookingSearchMixin
from bookings.admin.choices import RelatedFilter
from bookings.admin.display import change_link, user_column
from bookings.admin.own_providers import OwnProvidersMixin
from bookings.admin.read_only import PermittedReadOnlyInline, ReadOnlyInline
from bookings.admin.related_search import provider_search_fields
from bookings.admin.tenants import tenant_fields, tenant_filters
from bookings.admin.visibility import has_visible_related
from bookings.contrib.series.admin.permissions import check_may_cancel, may_cancel
from bookings.contrib.series.admin.session_links import (
    GROUP_SESSIONS,
    SessionLinks,
    publish_url_for,
)
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import Scope, cancel_series
from bookings.models import Booking
from bookings.rules.zones import zone_by_name

CREATED_BY = user_column(Series, "created_by")


class OccurrenceInline(ReadOnlyInline):
    """The starts of a series, each with its booking or session.

    A booking or session that the user may not see is only busy.
    """

    model = Occurrence
    fk_name = "series"
    fields = readonly_fields = ("original_start_at", "booking_or_session", "state")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Django makes an inline for each request, so this cache lives no longer.
        self.sessions = SessionLinks(self.admin_site, request)
        rows = super().get_queryset(request).select_related("booking")
        condition = has_visible_related(self.admin_site, Booking, request, "booking")
        annotated: QuerySet[Any] = rows.annotate(is_visible=condition)
        return annotated

    @admin.display(description=gettext_lazy("booking or session"))
    def booking_or_session(self, occurrence: Any) -> SafeString | str:
        if occurrence.booking is None:
            return self.sessions.link(occurrence)
        if not occurrence.is_visible:
            return _("Busy")
        return change_link(self.admin_site, occurrence.booking)

    @admin.display(description=gettext_lazy("status"))
    def state(self, occurrence: Any) -> str:
        if occurrence.booking is None:
            return self.sessions.status(occurrence)
        return str(occurrence.booking.get_status_display()) if occurrence.is_visible else "–"


class SeriesInline(PermittedReadOnlyInline):
    """The series that a booking belongs to, on the page of the booking."""

    model = Occurrence
    fk_name = "booking"
    fields = readonly_fields = ("series_link", "original_start_at")
    verbose_name_plural = pgettext_lazy("several", "series")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        condition = has_visible_related(self.admin_site, Series, request, "series")
        rows = super().get_queryset(request).select_related("series")
        annotated: QuerySet[Any] = rows.annotate(is_visible=condition)
        return annotated

    @admin.display(description=gettext_lazy("series"))
    def series_link(self, occurrence: Any) -> SafeString | str:
        if not occurrence.is_visible:
            return "–"
        return change_link(self.admin_site, occurrence.series)


class CancelSeriesForm(CancelForm):
    since = forms.ChoiceField(
        label=gettext_lazy("From"),
        help_text=gettext_lazy("This one and those that follow are cancelled."),
    )
    field_order = ("since",)

    def __init__(self, *args: Any, occurrences: list[Occurrence], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        since: Any = self.fields["since"]
        since.choices = [
            (str(occurrence.pk), localize(timezone.localtime(occurrence.original_start_at)))
            for occurrence in occurrences
        ]


@admin.register(Series)
class SeriesAdmin(BookingSearchMixin, BaseAdmin, OwnProvidersMixin):
    booking_path = "occurrences__booking"
    change_form_template = "admin/bookings_series/series/change_form.html"
    date_hierarchy = "first_date"
    inlines: ClassVar = [OccurrenceInline]

    def get_pages(self) -> list[Page]:
        publish = [Page("publish/", self.publish_view, "publish")]
        return [
            Page("<path:object_id>/cancel/", self.cancel_view, "cancel"),
            *(publish if apps.is_installed(GROUP_SESSIONS) else []),
            *super().get_pages(),
        ]

    def publish_view(self, request: HttpRequest) -> HttpResponse:
        from bookings.contrib.series.admin.publish import publish_view

        return publish_view(self, request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "publish_url": publish_url_for(self.admin_site, request),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        rule = ["rule", "first_start", "timezone", "left_out", "added"]
        neighbours = ["continues", "continued"]
        record = ["rule_as_stored", CREATED_BY, "created_at"]
        return ["service", "provider", *tenant_fields(), *rule, *neighbours, *record]

    @admin.display(description=gettext_lazy("rule"))
    def rule(self, series: Series) -> str:
        return str(capfirst(series.rule_text()))

    @admin.display(description=gettext_lazy("RFC 5545"), ordering="rrule")
    def rule_as_stored(self, series: Series) -> str:
        return series.rrule

    @admin.display(description=gettext_lazy("first start"), ordering="first_date")
    def first_start(self, series: Series) -> str:
        return date_format(series.dtstart, "DATETIME_FORMAT")

    @admin.display(description=gettext_lazy("left out"))
    def left_out(self, series: Series) -> str:
        return _starts(series, series.exdates)

    @admin.display(description=gettext_lazy("added"))
    def added(self, series: Series) -> str:
        return _starts(series, series.rdates)

    @admin.display(description=gettext_lazy("continued by"))
    def continued(self, series: Series) -> str:
        """Return links to the series that continue this one since a part of it was moved."""
        links = [(change_link(self.admin_site, other),) for other in series.continued_by.all()]
        return format_html_join(", ", "{}", links) or "–"

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return ["rule", "first_start", "service", "provider", *tenant_fields(), "created_at"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [*tenant_filters(), ("provider", RelatedFilter), ("service", RelatedFilter)]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return provider_search_fields(self.admin_site, Series, request)

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        return ["service", "provider", "tenant"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        # No field can be edited, so there is nothing to save.
        context |= {"show_save": False, "show_save_and_continue": False}
        if self.may_cancel(request, context["original"]):
            context["cancel_url"] = self.page_url("cancel", context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def may_cancel(self, request: HttpRequest, series: Any) -> bool:
        """Return whether to offer to cancel the series."""
        is_permitted = self.has_change_permission(request, series)
        return is_permitted and may_cancel(self.admin_site, request, series)

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        series = self.get_object_to_change(request, object_id)
        if not may_cancel(self.admin_site, request, series):
            raise PermissionDenied
        upcoming = list(series.occurrences.filter(original_start_at__gte=timezone.now()))
        form = CancelSeriesForm(posted_data(request), occurrences=upcoming)
        if submit(form, lambda: self._cancel(request, series, **form.cleaned_data)):
            return self.redirect("change", series)
        return self.render_question(request, form, [series], title=_("Cancel the series"))

    def _cancel(self, request: HttpRequest, series: Series, since: str, **values: Any) -> None:
        first = series.occurrences.get(pk=since)
        check_may_cancel(self.admin_site, request, first)
        actor = self.get_actor(request)
        result = cancel_series(first, scope=Scope.FOLLOWING, actor=actor, **values)
        count = len(result.bookings) + len(result.sessions)
        text = ngettext(
            "%(number)d start of the series is cancelled.",
            "%(number)d starts of the series are cancelled.",
            count,
        )
        messages.success(request, text % {"number": count})
        self.log_change(request, series, text % {"number": count})


def _starts(series: Series, instants: list[str]) -> str:
    """Return stored starts as the clocks of the series' time zone show them."""
    zone = zone_by_name(series.timezone)
    local = (datetime.fromisoformat(instant).astimezone(zone) for instant in instants)
    return "; ".join(date_format(start, "DATETIME_FORMAT") for start in local) or "–"
