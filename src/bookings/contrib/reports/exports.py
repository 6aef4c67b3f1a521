"""Tables as files: CSV, line by line, and workbooks."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import IO, Any, Final

from django.utils.translation import gettext as _

from bookings.contrib.reports.exceptions import MissingLibrary
from bookings.contrib.reports.tables import Table

BOM: Final = "\ufeff"
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a cell must not begin with, or a spreadsheet computes it."""


class _Line:
    """A file that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(table: Table, *, bom: bool = False) -> Iterator[str]:
    """Yield a table as CSV (RFC 4180), line by line.

    Text that a spreadsheet would take for a formula gets an apostrophe before it. Numbers do not,
    negative ones neither.

    :param table: the table.
    :param bom: whether to begin with a byte order mark, by which spreadsheets know UTF-8.
    """
    writer = csv.writer(_Line())
    if bom:
        yield BOM
    yield writer.writerow(table.header())
    for row in table.flat_rows():
        yield writer.writerow([_escaped(cell) for cell in row])


def _escaped(cell: Any) -> Any:
    is_formula = isinstance(cell, str) and cell.startswith(FORMULAS)
    return f"'{cell}" if is_formula else cell


def write_workbook(tables: Iterable[Table], file: IO[bytes]) -> None:
    """Write tables to a file, as the sheets of a workbook (XLSX).

    :raises MissingLibrary: ``xlsxwriter`` is not installed.
    """
    try:
        from xlsxwriter import Workbook
    except ImportError:
        raise MissingLibrary(
            _(
                "Workbooks need xlsxwriter: pip install 'django-bookings[reports]'. "
                "Or export CSV instead."
            )
        ) from None
    # Rows go to the disk one by one, so that memory does not grow with them.
    with Workbook(file, {"constant_memory": True}) as workbook:
        for table in tables:
            sheet = workbook.add_worksheet(table.name)
            for column, name in enumerate(table.header()):
                sheet.write_string(0, column, name)
            for number, row in enumerate(table.flat_rows(), 1):
                for column, cell in enumerate(row):
                    _write_cell(sheet, number, column, cell)


def _write_cell(sheet: Any, row: int, column: int, cell: Any) -> None:
    if isinstance(cell, str):
        # Never as a formula or a link.
        sheet.write_string(row, column, cell)
    elif isinstance(cell, int | float | Decimal):
        sheet.write_number(row, column, cell)
