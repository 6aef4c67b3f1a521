"""Series in the admin: to be read, and to be cancelled from one of their starts on."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bookings.admin.actor import Acting
from bookings.admin.booking import BookingAdmin
from bookings.admin.generic import Inline
from bookings.admin.inlines import ReadOnlyInline
from bookings.admin.tenants import TenantFilter
from bookings.conf import app_settings
from bookings.contrib.series.admin_sessions import SessionLinks, say_on_sessions, series_link
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import Scope, cancel_series
from bookings.exceptions import BookingError


class OccurrenceInline(ReadOnlyInline):
    """The starts of a series, each with what has become of it; for who may see bookings."""

    model = Occurrence
    fk_name = "series"
    fields = readonly_fields = ("original_start_at", "thing", "state")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # A page makes inlines of its own, so nothing is remembered for longer than that.
        self.sessions = SessionLinks(self.admin_site, request)
        return super().get_queryset(request).select_related("booking")

    @admin.display(description=gettext_lazy("booking or session"))
    def thing(self, row: Occurrence) -> SafeString | str:
        if row.booking is None:
            return self.sessions.link(row)
        url = reverse(
            "admin:bookings_booking_change",
            args=[quote(row.booking.pk)],
            current_app=self.admin_site.name,
        )
        return format_html('<a href="{}">{}</a>', url, row.booking)

    @admin.display(description=gettext_lazy("status"))
    def state(self, row: Occurrence) -> str:
        if row.booking is None:
            return self.sessions.status(row)
        return row.booking.get_status_display()


class SeriesInline(ReadOnlyInline):
    """On a booking's page: the series that it belongs to."""

    model = Occurrence
    fk_name = "booking"
    fields = readonly_fields = ("of", "original_start_at")
    verbose_name_plural = gettext_lazy("series")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For who may see series, which not everybody may who sees bookings."""
        return Inline.has_view_permission(self, request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("series")

    @admin.display(description=gettext_lazy("series"))
    def of(self, row: Occurrence) -> SafeString:
        return series_link(row.series, self.admin_site)


# The history stays last. A host's subclass of BookingAdmin has it too.
BookingAdmin.inlines[-1:-1] = [SeriesInline]
say_on_sessions()


class CancelSeriesForm(forms.Form):
    since = forms.ChoiceField(
        label=gettext_lazy("From"),
        help_text=gettext_lazy("This one and those that follow are cancelled."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=gettext_lazy("Kept in the booking's history."),
    )
    override_policy = forms.BooleanField(
        label=gettext_lazy("Override the policy"),
        required=False,
        help_text=gettext_lazy("Cancel also within the notice, and what may not be cancelled."),
    )

    def __init__(self, *args: Any, starts: list[Occurrence], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        since: Any = self.fields["since"]
        since.choices = [
            (str(row.pk), localize(timezone.localtime(row.original_start_at))) for row in starts
        ]


@admin.register(Series)
class SeriesAdmin(Acting):
    change_form_template = "admin/bookings_series/series/change_form.html"
    question_template = "admin/bookings_series/series/question.html"
    search_fields = (
        "occurrences__booking__reference",
        "occurrences__booking__client_name",
        "occurrences__booking__client_email",
    )
    date_hierarchy = "first_date"
    inlines: ClassVar = [OccurrenceInline]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        tenant = ["tenant"] if app_settings.tenancy_enabled else []
        shown = ["rrule", "timezone", "first_date", "first_time", "exdates"]
        parts = ["continues", "continued"]
        return ["service", "provider", *tenant, *shown, *parts, "created_by", "created_at"]

    @admin.display(description=gettext_lazy("continued by"))
    def continued(self, series: Series) -> str:
        """The series that were split off, when what follows of this one was moved."""
        found = [(self._url("change", other), str(other)) for other in series.continued_by.all()]
        return format_html_join(", ", '<a href="{}">{}</a>', found) or "–"

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        tenant = ["tenant"] if app_settings.tenancy_enabled else []
        return ["__str__", "service", "provider", *tenant, "created_at"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        tenant = [("tenant", TenantFilter)] if app_settings.tenancy_enabled else []
        return [*tenant, "provider", "service"]

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        return ["service", "provider", "tenant"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        cancel = self.admin_site.admin_view(self.cancel_view)
        return [
            path("<path:object_id>/cancel/", cancel, name="bookings_series_series_cancel"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        # Nothing is typed in, so there is nothing to save.
        context |= {"show_save": False, "show_save_and_continue": False}
        if self.has_change_permission(request, context["original"]):
            context["cancel_url"] = self._url("cancel", context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        series = self.get_object(request, unquote(object_id))
        if series is None:
            raise Http404
        if not self.has_change_permission(request, series):
            raise PermissionDenied
        starts = list(series.occurrences.filter(original_start_at__gte=timezone.now()))
        form = CancelSeriesForm(request.POST or None, starts=starts)
        if form.is_valid() and self._cancel(request, series, form):
            return HttpResponseRedirect(self._url("change", series))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Cancel the series"),
            "button": _("Cancel the series"),
            "opts": self.opts,
            "media": self.media + form.media,
            "form": form,
            "series": series,
            "hidden": [],
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.question_template, context)

    def _cancel(self, request: HttpRequest, series: Series, form: CancelSeriesForm) -> bool:
        """Whether it is done; else the form says why not."""
        given = dict(form.cleaned_data)
        first = series.occurrences.get(pk=given.pop("since"))
        try:
            result = cancel_series(
                first, scope=Scope.FOLLOWING, actor=self.get_actor(request), **given
            )
        except BookingError as error:
            form.add_error(None, error.messages)
            return False
        number = len(result.bookings) + len(result.sessions)
        said = ngettext(
            "%(number)d start of the series is cancelled.",
            "%(number)d starts of the series are cancelled.",
            number,
        )
        messages.success(request, said % {"number": number})
        self.log_change(request, series, said % {"number": number})
        return True

    def _url(self, page: str, series: Series) -> str:
        return reverse(
            f"admin:bookings_series_series_{page}",
            args=[quote(series.pk)],
            current_app=self.admin_site.name,
        )
