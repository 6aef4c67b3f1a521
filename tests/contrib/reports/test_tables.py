"""The cells of reports, as people and as programs read them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from django.utils import translation

from bookings.contrib.reports import tables
from bookings.contrib.reports.charts import bar_chart, column_chart, heat_map
from bookings.contrib.reports.exceptions import MissingLibrary
from bookings.contrib.reports.exports import csv_lines, write_workbook
from bookings.contrib.reports.figures import Rate
from bookings.contrib.reports.selectors import (
    booking_report,
    list_bookings,
    response_report,
    session_report,
    utilisation_report,
)
from bookings.contrib.reports.tables import Money, Table, TimeRate, WorkTime
from tests.contrib.reports.conftest import HOUR, MARCH, NOW, START, Store

SHOWN: Final[list[tuple[Any, str, list[Any]]]] = [
    (None, "–", [None]),
    (Rate(0, 0), "–", [None, 0, 0]),
    (Rate(1, 3), "33.3 % (1 of 3)", [0.333333, 1, 3]),
    (TimeRate(1, 4), "25.0 %", [0.25, 1, 4]),
    (Money(Decimal("1234.5"), "EUR"), "1234.50 EUR", [Decimal("1234.50")]),
    (Money(Decimal(7), "JPY"), "7 JPY", [Decimal(7)]),
    (WorkTime(5400), "1.5 h", [5400]),
    (timedelta(minutes=90), "1 hour 30 minutes", [5400]),
    (timedelta(minutes=-90), "0 minutes", [-5400]),
    (12, "12", [12]),
    ("Ada", "Ada", ["Ada"]),
]


@pytest.mark.parametrize(("cell", "text", "flat"), SHOWN)
def test_a_cell_is_text_on_the_page_and_a_value_in_a_file(cell: Any, text: str, flat: Any) -> None:
    with translation.override("en"):
        assert tables.show(cell) == text
    assert tables.flatten(cell) == flat


def read(table: Table, **options: Any) -> list[dict[str, str]]:
    text = "".join(csv_lines(table, **options)).removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_file_has_the_numbers_of_the_selector(store: Store) -> None:
    store(status="COMPLETED", total_amount=Decimal("80.5"), requested_at=START - HOUR)
    store(status="NO_SHOW", total_amount=Decimal(20), currency="JPY")
    report = booking_report(MARCH, group_by="service")
    group, total = read(tables.booking_table(report))
    assert group["group"] == "Massage"
    for row in (group, total):
        assert int(row["bookings"]) == report.total.bookings == 2
        assert int(row["lead_seconds"]) == 2 * 86400
    for row in read(tables.rate_table(report)):
        assert float(row["completion"]) == 0.5
        assert [int(row[f"completion_{end}"]) for end in ("numerator", "denominator")] == [1, 2]
    amounts = read(tables.value_table(report))
    assert [(row["currency"], row["booked"], row["average"]) for row in amounts] == [
        ("EUR", "80.50", "80.50"),
        ("JPY", "20", "20"),
        ("EUR", "80.50", "80.50"),
        ("JPY", "20", "20"),
    ]
    responses = response_report(MARCH, now_dt=NOW)
    [row] = read(tables.response_table(responses))
    assert (row["requests"], row["in_target_denominator"]) == ("1", "0")
    [row] = read(tables.utilisation_table(utilisation_report(MARCH)))
    assert (row["open_seconds"], row["overtime_seconds"]) == ("", "3600")
    sessions = session_report(MARCH)
    assert sessions is not None
    [row] = read(tables.session_table(sessions))
    assert row["sessions"] == "0"


def test_amounts_without_a_price_have_no_average() -> None:
    from bookings.contrib.reports.figures import Amounts, Figures, Report

    report = Report(MARCH, "", Figures(values={"EUR": Amounts(paid=Decimal(3))}))
    [row] = read(tables.value_table(report))
    assert (row["average"], row["paid"]) == ("", "3.00")


def test_instants_are_in_utc_and_on_local_clocks(store: Store) -> None:
    store(start_at=START, service_name="=HYPERLINK(1)", client_name="@Joan", total_amount=-5)
    zone = MARCH.zone.__class__("Europe/Berlin")
    [row] = read(tables.list_table(list_bookings(MARCH), zone, personal=True), bom=True)
    assert row["start_at"] == "2031-03-05T10:00:00Z"
    assert row["start_at_local"] == "2031-03-05T11:00:00+01:00"
    assert row["cancelled_at"] == ""
    # Text that begins like a formula is escaped, numbers are not.
    assert (row["service_name"], row["client_name"]) == ("'=HYPERLINK(1)", "'@Joan")
    assert row["total_amount"] == "-5.00"
    [row] = read(tables.list_table(list_bookings(MARCH), zone, personal=False))
    assert "client_name" not in row
    assert "@Joan" not in row.values()


def test_long_lists_report_their_progress(
    store: Store, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        store()
    monkeypatch.setattr(tables, "CHUNK", 2)
    progress: list[int] = []
    table = tables.list_table(
        list_bookings(MARCH), MARCH.zone, personal=False, progress=progress.append
    )
    with django_assert_num_queries(1):
        assert len(read(table)) == 5
    assert progress == [2, 4]
    assert len(read(tables.list_table(list_bookings(MARCH), MARCH.zone, personal=False))) == 5


def test_a_workbook_has_the_same_cells(store: Store) -> None:
    pytest.importorskip("xlsxwriter")
    from zipfile import ZipFile

    store(service_name="=1+1")
    file = io.BytesIO()
    sheets = [
        tables.booking_table(booking_report(MARCH)),
        tables.list_table(list_bookings(MARCH), MARCH.zone, personal=False),
    ]
    write_workbook(sheets, file)
    with ZipFile(file) as archive:
        names = archive.namelist()
        text = archive.read("xl/worksheets/sheet2.xml").decode()
    assert "xl/worksheets/sheet1.xml" in names
    assert "=1+1" in text
    assert "<f>" not in text


def test_a_workbook_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(MissingLibrary, match=r"pip install 'django-bookings\[reports\]'"):
        write_workbook([], io.BytesIO())


def test_charts_are_safe_and_have_titles() -> None:
    bars = [("<b>", 3.0, "<b>: 3"), ("A name that is too long for a label", 0.0, "0")]
    for chart in (bar_chart("Bookings", bars), column_chart("Bookings", bars)):
        assert "<b>" not in chart
        assert "<title>&lt;b&gt;: 3</title>" in chart
        assert "style=" not in chart
        assert "<script" not in chart
    assert "A name that is too long f…" in bar_chart("Bookings", bars)
    assert heat_map("Bookings", {(6, 23): (2, "Sunday 23:00: 2")}).count("<rect") == 7 * 24
    for empty in (bar_chart("B", []), column_chart("B", []), heat_map("B", {})):
        assert empty.startswith("<svg")
