"""Reports as tables: the same rows on the page, in CSV and in a workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from bookings.contrib.reports import definitions
from bookings.contrib.reports.figures import (
    Figures,
    Group,
    Rate,
    Report,
    Responses,
    Sessions,
    Utilisation,
)
from bookings.models import Booking
from bookings.rules.durations import format_minutes
from bookings.rules.money import format_amount, round_amount

CHUNK: Final = 2_000
"""How many bookings are read at once."""


class Money(NamedTuple):
    amount: Decimal
    currency: str


class WorkTime(NamedTuple):
    """Time that adds up, which people read in hours."""

    seconds: int


class TimeRate(Rate):
    """A rate of seconds, of which people read only the percentage."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in files, and its heading on the page."""

    name: str
    heading: Any
    is_rate: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of raw values. The last row is the total, if it has one."""

    name: str
    title: Any
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    has_total: bool = False

    def shown_rows(self) -> Iterator[list[str]]:
        """Yield the rows as the page shows them."""
        for row in self.rows:
            yield [show(cell) for cell in row]

    def header(self) -> list[str]:
        """Return the names of the columns of a file; a rate takes three of them."""
        names: list[str] = []
        for column in self.columns:
            names.append(column.name)
            if column.is_rate:
                names += [f"{column.name}_numerator", f"{column.name}_denominator"]
        return names

    def flat_rows(self) -> Iterator[list[Any]]:
        """Yield the rows as files have them: numbers, text and ``None``."""
        for row in self.rows:
            flat: list[Any] = []
            for cell in row:
                flat += flatten(cell)
            yield flat


def show(cell: Any) -> str:
    """Return a value as people read it, in the active language."""
    match cell:
        case None:
            return "–"
        case Rate():
            return _show_rate(cell)
        case Money():
            return f"{format_amount(cell.amount, cell.currency)} {cell.currency}"
        case WorkTime():
            return gettext("%(hours)s h") % {
                "hours": number_format(round(cell.seconds / 3600, 1), 1)
            }
        case timedelta():
            return str(format_minutes(max(round(cell / timedelta(minutes=1)), 0)))
        case int():
            return number_format(cell)
    return str(cell)


def _show_rate(rate: Rate) -> str:
    if rate.value is None:
        return "–"
    percent = number_format(round(100 * float(rate.value), 1), 1)
    if isinstance(rate, TimeRate):
        return gettext("%(percent)s %%") % {"percent": percent}
    return gettext("%(percent)s %% (%(part)s of %(whole)s)") % {
        "percent": percent,
        "part": number_format(rate.numerator),
        "whole": number_format(rate.denominator),
    }


def flatten(cell: Any) -> list[Any]:
    """Return the cells of a file for one value."""
    match cell:
        case Rate():
            value = None if cell.value is None else round(float(cell.value), 6)
            return [value, cell.numerator, cell.denominator]
        case Money():
            return [round_amount(cell.amount, cell.currency)]
        case WorkTime():
            return [cell.seconds]
        case timedelta():
            return [cell // timedelta(seconds=1)]
    return [cell]


COUNTED: Final = (
    ("bookings", _("bookings")),
    *((count.name, count.label) for count in definitions.COUNTS[:-2]),
    ("cancelled_by_client", _("cancelled by the client")),
    ("late", _("of these, late")),
    ("cancelled_by_provider", _("cancelled by the provider")),
    ("reschedules", _("moves")),
)


def booking_table(report: Report[Figures]) -> Table:
    columns = [
        *(Column(name, label) for name, label in COUNTED),
        Column("lead_seconds", _("booked ahead by, on average")),
    ]

    def cells(figures: Figures) -> list[Any]:
        return [*(getattr(figures, name) for name, _label in COUNTED), figures.lead_time]

    return _grouped("bookings", _("Bookings"), report, columns, lambda each: [cells(each)])


def rate_table(report: Report[Figures]) -> Table:
    columns = [Column(share.name, share.label, is_rate=True) for share in definitions.SHARES]

    def cells(figures: Figures) -> list[Any]:
        return [figures.rate(share.numerator, share.denominator) for share in definitions.SHARES]

    return _grouped("rates", _("Rates"), report, columns, lambda each: [cells(each)])


def value_table(report: Report[Figures]) -> Table:
    columns = [
        Column("currency", _("currency")),
        Column("booked", _("booked")),
        Column("priced", _("bookings with a price")),
        Column("average", _("average")),
        Column("realised", _("realised")),
        Column("paid", _("paid")),
        Column("refunded", _("refunded")),
    ]

    def rows(figures: Figures) -> Iterator[list[Any]]:
        for currency, amounts in sorted(figures.values.items()):
            average = amounts.average(currency)
            yield [
                currency,
                Money(amounts.booked, currency),
                amounts.priced,
                None if average is None else Money(average, currency),
                Money(amounts.realised, currency),
                Money(amounts.paid, currency),
                Money(amounts.refunded, currency),
            ]

    return _grouped("value", _("Value"), report, columns, rows)


RESPONSE_COUNTS: Final = (
    ("requests", _("requests")),
    ("answered", _("answered")),
    ("unanswered", _("unanswered")),
    ("lapsed", _("lapsed")),
    ("withdrawn", _("withdrawn")),
)


def response_table(report: Report[Responses]) -> Table:
    columns = [
        *(Column(name, label) for name, label in RESPONSE_COUNTS),
        Column("in_target", _("within the target"), is_rate=True),
        Column("median_seconds", _("half of them within")),
        Column("p90_seconds", _("nine in ten within")),
    ]

    def cells(each: Responses) -> list[Any]:
        counts = [getattr(each, name) for name, _label in RESPONSE_COUNTS]
        return [*counts, each.in_target, each.median, each.p90]

    return _grouped(
        "responses", _("Answers to requests"), report, columns, lambda each: [cells(each)]
    )


def utilisation_table(report: Report[Utilisation]) -> Table:
    columns = [
        Column("open_seconds", _("open")),
        Column("service_seconds", _("services")),
        Column("utilisation", _("utilisation"), is_rate=True),
        Column("buffer_seconds", _("buffers")),
        Column("overtime_seconds", _("overtime")),
    ]

    def cells(each: Utilisation) -> list[Any]:
        opened = None if each.open is None else WorkTime(each.open)
        return [
            opened,
            WorkTime(each.service),
            TimeRate(*each.rate),
            WorkTime(each.buffers),
            WorkTime(each.overtime),
        ]

    return _grouped("utilisation", _("Utilisation"), report, columns, lambda each: [cells(each)])


def session_table(sessions: Sessions) -> Table:
    columns = [
        Column("sessions", pgettext_lazy("group session", "sessions")),
        Column("seat_rate", _("seats taken"), is_rate=True),
        Column("waitlist_conversion", _("booked from the waitlist"), is_rate=True),
        Column("waiting", _("waiting")),
    ]
    row = [
        sessions.sessions,
        sessions.seat_rate,
        sessions.waitlist_conversion,
        sessions.waiting,
    ]
    return Table("sessions", pgettext_lazy("group session", "Sessions"), columns, [row])


LISTED: Final = (
    "reference",
    "status",
    "service_name",
    "provider_name",
    "party_size",
    "total_amount",
    "currency",
)
INSTANTS: Final = ("start_at", "end_at", "created_at", "requested_at", "cancelled_at")
PERSONAL: Final = ("client_name", "client_email", "client_phone")


def list_table(
    bookings: QuerySet[Booking],
    zone: ZoneInfo,
    *,
    personal: bool,
    progress: Callable[[int], None] = lambda done: None,
) -> Table:
    """Return a table of single bookings, which are read while its rows are.

    Each instant is there in UTC and on the clocks of the zone. Who the client is, only with
    ``personal``.
    """
    names = (*LISTED, *(PERSONAL if personal else ()))
    columns = [
        *(Column(name, name) for name in LISTED),
        *(Column(f"{name}{suffix}", name) for name in INSTANTS for suffix in ("", "_local")),
        *(Column(name, name) for name in names[len(LISTED) :]),
    ]

    def rows() -> Iterator[list[Any]]:
        values: Any = bookings.values_list(*names, *INSTANTS)
        for done, row in enumerate(values.iterator(chunk_size=CHUNK), 1):
            listed, personal_data = row[: len(LISTED)], row[len(LISTED) : len(names)]
            instants = [text for at in row[len(names) :] for text in _instant(at, zone)]
            if done % CHUNK == 0:
                progress(done)
            yield [*listed, *instants, *personal_data]

    return Table("list", _("Single bookings"), columns, rows())


def _instant(at: datetime | None, zone: ZoneInfo) -> tuple[str | None, str | None]:
    if at is None:
        return None, None
    utc = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return utc, at.astimezone(zone).isoformat()


def _grouped(
    name: str,
    title: Any,
    report: Report[Any],
    columns: Sequence[Column],
    rows_of: Callable[[Any], Iterable[list[Any]]],
) -> Table:
    """Return a table with a row for each group, and the total as the last one."""
    total: Group[Any] = Group(None, str(_("Total")), report.total)
    rows = [
        [group.label, *cells]
        for group in (*report.groups, total)
        for cells in rows_of(group.figures)
    ]
    return Table(name, title, [Column("group", _("group")), *columns], rows, has_total=True)
