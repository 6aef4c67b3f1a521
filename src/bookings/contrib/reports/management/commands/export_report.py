"""``manage.py export_report``: write a report to a file."""

from __future__ import annotations

from argparse import ArgumentTypeError
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.conf import app_settings
from bookings.contrib.reports import selectors, tables
from bookings.contrib.reports.exports import csv_lines, write_workbook
from bookings.contrib.reports.grouping import GROUPINGS
from bookings.contrib.reports.periods import Period
from bookings.contrib.reports.tables import Table
from bookings.exceptions import BookingError

REPORTS: Final = ("bookings", "rates", "value", "responses", "utilisation", "sessions", "list")
FILTERS: Final = ("service", "provider", "tenant")


class Command(BaseCommand):
    help = "Write a report of bookings as CSV or as a workbook (XLSX). Nothing is changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("report", choices=REPORTS, help="Which table; list: single bookings.")
        parser.add_argument("--from", type=_date, dest="first", required=True, metavar="DATE")
        parser.add_argument(
            "--to", type=_date, dest="last", required=True, metavar="DATE", help="The last day."
        )
        parser.add_argument(
            "--zone", help="The time zone of the days (default: TIME_ZONE).", metavar="NAME"
        )
        parser.add_argument("--group-by", choices=[*GROUPINGS], help="Default: only the total.")
        for name in FILTERS:
            parser.add_argument(f"--{name}", metavar="KEY", help=f"Only this {name}.")
        parser.add_argument(
            "--target-hours", type=float, default=24, help="The response time to keep (24)."
        )
        parser.add_argument("--format", choices=["csv", "xlsx"], default="csv")
        parser.add_argument("--output", type=Path, metavar="FILE", help="Default: standard output.")
        parser.add_argument("--bom", action="store_true", help="Begin CSV with a byte order mark.")
        parser.add_argument(
            "--personal-data", action="store_true", help="List who the clients are, too."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        output: Path | None = options["output"]
        if options["format"] == "xlsx" and output is None:
            raise CommandError(_("A workbook needs a file: add --output report.xlsx."))
        try:
            zone = options["zone"] or timezone.get_default_timezone_name()
            period = Period.of_days(options["first"], options["last"], zone)
            table = self._table(period, options)
            with ExitStack() as stack:
                if options["format"] == "xlsx" and output is not None:
                    write_workbook([table], stack.enter_context(output.open("wb")))
                    return
                lines = csv_lines(table, bom=options["bom"])
                if output is None:
                    for line in lines:
                        self.stdout.write(line, ending="")
                    return
                file = stack.enter_context(output.open("w", encoding="utf-8", newline=""))
                file.writelines(lines)
        except (BookingError, OSError) as error:
            raise CommandError(str(error)) from error

    def _table(self, period: Period, options: dict[str, Any]) -> Table:
        filters = {
            name: _get_instance(name, options[name])
            for name in FILTERS
            if options[name] is not None
        }
        group_by = options["group_by"]
        match options["report"]:
            case "list":
                return tables.list_table(
                    selectors.list_bookings(period, **filters),
                    period.zone,
                    personal=options["personal_data"],
                    progress=self._show_progress,
                )
            case "responses":
                target = timedelta(hours=options["target_hours"])
                return tables.response_table(
                    selectors.response_report(period, group_by=group_by, target=target, **filters)
                )
            case "utilisation":
                return tables.utilisation_table(
                    selectors.utilisation_report(period, group_by=group_by, **filters)
                )
            case "sessions":
                sessions = selectors.session_report(period, **filters)
                if sessions is None:
                    raise CommandError(_("bookings.contrib.group_sessions is not installed."))
                return tables.session_table(sessions)
        report = selectors.booking_report(period, group_by=group_by, **filters)
        make = {
            "bookings": tables.booking_table,
            "rates": tables.rate_table,
            "value": tables.value_table,
        }
        return make[options["report"]](report)

    def _show_progress(self, done: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(_("%(done)d so far") % {"done": done}, ending="\r")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date. Write one as 2031-12-24.") from None


def _get_instance(name: str, key: str) -> Any:
    if name == "tenant" and not app_settings.tenancy_enabled:
        raise CommandError(_("There are no tenants: BOOKINGS_TENANT_MODEL is not set."))
    manager = apps.get_model(app_settings.model_label(f"{name.upper()}_MODEL"))._default_manager
    try:
        return manager.get(pk=key)
    except (manager.model.DoesNotExist, ValueError, ValidationError, OverflowError):
        raise CommandError(
            _("There is no %(name)s %(key)s.") % {"name": name, "key": f"{key:.64}"}
        ) from None
