"""The reports page of the admin, and the files that it offers.

It counts the bookings that the user sees in the admin of bookings of the same site, and nothing
else. It needs the permission ``bookings_reports.view_reports``; files with names and addresses of
clients need ``bookings_reports.export_personal_data`` besides.
"""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import IO, Any, Final

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.admin.base import BaseAdmin, Page
from bookings.admin.form_errors import error_message
from bookings.admin.own_providers import only_own_providers
from bookings.admin.read_only import PageOnlyAdmin
from bookings.admin.visibility import can_view, registered_admin, visible_objects
from bookings.conf import app_settings
from bookings.contrib.reports import charts, tables
from bookings.contrib.reports.admin.forms import ReportForm
from bookings.contrib.reports.exports import csv_lines, write_workbook
from bookings.contrib.reports.figures import Figures, Report
from bookings.contrib.reports.grouping import DATES
from bookings.contrib.reports.models import ReportsPage
from bookings.contrib.reports.selectors import (
    UTILISATION_GROUPINGS,
    booking_report,
    list_bookings,
    response_report,
    session_report,
    utilisation_report,
)
from bookings.contrib.reports.tables import Table
from bookings.exceptions import BookingError
from bookings.models import Booking

MAX_BARS: Final = 30
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

FILES: Final = (
    ("bookings", gettext_lazy("Bookings")),
    ("rates", gettext_lazy("Rates")),
    ("value", gettext_lazy("Value")),
    ("responses", gettext_lazy("Answers to requests")),
    ("utilisation", gettext_lazy("Utilisation")),
)
TILES: Final = ("bookings", "completed", "no_show", "cancelled_by_client", "cancelled_by_provider")


@admin.register(ReportsPage)
class ReportsPageAdmin(PageOnlyAdmin, BaseAdmin):
    report_template = "admin/bookings_reports/reportspage/report.html"

    class Media:
        css = {"all": ["bookings_reports/reports.css"]}  # noqa: RUF012

    def get_pages(self) -> list[Page]:
        return [
            Page("<slug:name>.csv", self.csv_view, "csv"),
            Page("<slug:name>.xlsx", self.workbook_view, "xlsx"),
            *super().get_pages(),
        ]

    def has_page_permission(self, request: HttpRequest) -> bool:
        may_view = request.user.has_perm("bookings_reports.view_reports")
        return may_view and can_view(self.admin_site, Booking, request)

    def has_personal_data_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("bookings_reports.export_personal_data"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.check_view_permission(request)
        form = self.get_form_of_address(request)
        context: dict[str, Any] = {}
        if form.is_valid():
            try:
                context = self.get_report(request, form)
            except BookingError as error:
                form.add_error(None, error_message(error))
        address = request.GET.urlencode()
        return self.render_page(
            request,
            self.report_template,
            title=_("Reports"),
            report_form=form,
            files=[
                (label, f"{self.page_url(kind, None, name)}?{address}{more}")
                for label, kind, name, more in self.get_files(request)
            ],
            **context,
        )

    def get_files(self, request: HttpRequest) -> list[tuple[str, str, str, str]]:
        """Return the files that the page offers.

        Each has a label, a format, a name, and what its address has besides the page's.
        """
        files = [
            (_("All tables (XLSX)"), "xlsx", "report", ""),
            *((f"{title} (CSV)", "csv", name, "") for name, title in FILES),
            (_("Single bookings (CSV)"), "csv", "list", ""),
        ]
        if self.has_personal_data_permission(request):
            label = _("Single bookings with their clients (CSV)")
            files.append((label, "csv", "list", "&personal=1"))
        return files

    def get_form_of_address(self, request: HttpRequest) -> ReportForm:
        names = ["service", "provider"]
        if app_settings.tenancy_enabled:
            names.append("tenant")
        return ReportForm(request.GET, {name: self.get_choices(request, name) for name in names})

    def get_choices(self, request: HttpRequest, name: str) -> QuerySet[Any]:
        """Return the services, providers or tenants that this user may choose.

        They are those of the model's admin. Where the site has none, those of the user's bookings.
        """
        model: Any = Booking._meta.get_field(name).related_model
        if registered_admin(self.admin_site, model) is not None:
            return visible_objects(self.admin_site, model, request)
        bookings = self.visible_bookings(request).order_by()
        rows: QuerySet[Any] = model._default_manager.filter(pk__in=bookings.values(name))
        return only_own_providers(rows, request)

    def get_report(self, request: HttpRequest, form: ReportForm) -> dict[str, Any]:
        """Return what the page shows; the number of queries is constant."""
        period, group_by = form.cleaned_data["period"], form.cleaned_data["group_by"] or None
        filters = {"bookings": self.visible_bookings(request), **form.filters()}
        report = booking_report(period, group_by=group_by, **filters)
        try:
            before = booking_report(period.previous(), **filters).total
        except BookingError:
            before = None
        return {
            "period": period,
            "tiles": list(_tiles(report.total, before)),
            "chart": _chart(report),
            "tables": self.get_tables(request, form, report),
        }

    def get_tables(
        self, request: HttpRequest, form: ReportForm, report: Report[Figures] | None = None
    ) -> list[Table]:
        """Return the tables of the page, which are those of the workbook too."""
        period, group_by = form.cleaned_data["period"], form.cleaned_data["group_by"] or None
        filters = {"bookings": self.visible_bookings(request), **form.filters()}
        if report is None:
            report = booking_report(period, group_by=group_by, **filters)
        used = utilisation_report(
            period,
            providers=list(self.get_choices(request, "provider")),
            group_by=group_by if group_by in UTILISATION_GROUPINGS else None,
            **filters,
        )
        found = [
            tables.booking_table(report),
            tables.rate_table(report),
            tables.value_table(report),
            tables.response_table(response_report(period, group_by=group_by, **filters)),
            tables.utilisation_table(used),
        ]
        if apps.is_installed("bookings.contrib.group_sessions"):
            from bookings.contrib.group_sessions.models import Session

            visible = visible_objects(self.admin_site, Session, request)
            sessions = session_report(period, sessions=visible, **filters)
            assert sessions is not None  # noqa: S101 - the app is installed
            found.append(tables.session_table(sessions))
        return found

    def csv_view(self, request: HttpRequest, name: str) -> HttpResponseBase:
        def respond(form: ReportForm) -> HttpResponseBase:
            table = self.get_file_table(request, form, name)
            response = StreamingHttpResponse(
                csv_lines(table, bom=True), content_type="text/csv; charset=utf-8"
            )
            response["Content-Disposition"] = f'attachment; filename="{slugify(name)}.csv"'
            return response

        return self._file(request, respond)

    def workbook_view(self, request: HttpRequest, name: str) -> HttpResponseBase:
        def respond(form: ReportForm) -> HttpResponseBase:
            if name == "report":
                sheets = self.get_tables(request, form)
            else:
                sheets = [self.get_file_table(request, form, name)]
            file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - the response closes it
            try:
                write_workbook(sheets, file)
            except BookingError:
                file.close()
                raise
            file.seek(0)
            return FileResponse(
                file, as_attachment=True, filename=f"{slugify(name)}.xlsx", content_type=XLSX
            )

        return self._file(request, respond)

    def _file(self, request: HttpRequest, respond: Any) -> HttpResponseBase:
        self.check_view_permission(request)
        form = self.get_form_of_address(request)
        try:
            if form.is_valid():
                response: HttpResponseBase = respond(form)
                return response
            message = " ".join(str(text) for errors in form.errors.values() for text in errors)
        except BookingError as error:
            message = str(error)
        return HttpResponseBadRequest(message, content_type="text/plain; charset=utf-8")

    def get_file_table(self, request: HttpRequest, form: ReportForm, name: str) -> Table:
        if name == "list":
            period = form.cleaned_data["period"]
            bookings = list_bookings(
                period, bookings=self.visible_bookings(request), **form.filters()
            )
            wants_personal = "personal" in request.GET
            if wants_personal and not self.has_personal_data_permission(request):
                raise PermissionDenied
            return tables.list_table(bookings, period.zone, personal=wants_personal)
        for table in self.get_tables(request, form):
            if table.name == name:
                return table
        raise Http404


def _tiles(total: Figures, before: Figures | None) -> Any:
    labels = dict(tables.COUNTED)
    for name in TILES:
        earlier = None if before is None else tables.show(getattr(before, name))
        yield labels[name], tables.show(getattr(total, name)), earlier
    for currency in total.values:
        realised = total.values[currency].realised
        amounts = None if before is None else before.values.get(currency)
        earlier = None if amounts is None else tables.show(tables.Money(amounts.realised, currency))
        yield _("realised"), tables.show(tables.Money(realised, currency)), earlier


def _chart(report: Report[Figures]) -> SafeString | None:
    if not report.groups:
        return None
    title = _("Bookings")
    values = {group.key: group for group in report.groups}
    if report.group_by == "weekday_hour":
        return charts.heat_map(
            title,
            {
                key: (group.figures.bookings, f"{group.label}: {group.figures.bookings}")
                for key, group in values.items()
            },
        )
    bars = [
        (group.label, group.figures.bookings, f"{group.label}: {group.figures.bookings}")
        for group in report.groups
    ]
    if report.group_by in DATES:
        return charts.column_chart(title, bars)
    most = sorted(bars, key=lambda bar: -bar[1])[:MAX_BARS]
    return charts.bar_chart(title, most)
