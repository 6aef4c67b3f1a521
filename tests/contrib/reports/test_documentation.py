"""The page of definitions names every number, rate, group and error that there is."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest

from bookings.contrib.reports import definitions, exceptions, figures, selectors
from bookings.contrib.reports.grouping import GROUPINGS
from bookings.exceptions import InvalidBooking

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = (ROOT / "docs/reference/reports.md").read_text(encoding="utf-8")
CODE: Final = re.compile(r"`([\w.]+)(?:\(\))?`")


def rows(title: str) -> list[list[str]]:
    """The cells of the tables of a section, but for their headings."""
    text = re.split(r"^#{2,3} ", PAGE.partition(f"# {title}\n")[2], flags=re.MULTILINE)[0]
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in line] for line in lines if "---" not in line[0]]


def names(title: str) -> set[str]:
    return {name for row in rows(title) for name in CODE.findall(row[0])}


def public_names(values: type[Any]) -> set[str]:
    own = {field.name for field in fields(values)}
    properties = {name for name, value in vars(values).items() if isinstance(value, property)}
    return own | properties


@pytest.mark.parametrize(
    ("title", "values", "besides"),
    [
        ("Value", figures.Amounts, {"average"}),
        ("Responses", figures.Responses, set()),
        ("Utilisation", figures.Utilisation, set()),
        ("Sessions", figures.Sessions, set()),
        (
            "Bookings",
            figures.Figures,
            {share.name for share in definitions.SHARES} - {"values"},
        ),
    ],
)
def test_every_number_is_defined(title: str, values: type[Any], besides: set[str]) -> None:
    assert names(title) == (public_names(values) | besides) - {"values"}


def test_every_rate_has_its_numerator_and_denominator() -> None:
    documented = {
        tuple(CODE.findall(" ".join(row)))
        for row in rows("Bookings")
        if len(row) == 3 and row[0] != "rate"
    }
    assert documented == {
        (share.name, share.numerator, share.denominator) for share in definitions.SHARES
    }


def test_every_grouping_has_a_row() -> None:
    assert names("Groups") == {*GROUPINGS, "group_by"}


def test_every_selector_is_documented() -> None:
    for name in selectors.__all__:
        assert name == "Period" or re.search(rf":members:.*\b{name}\b", PAGE)
        assert inspect.getdoc(getattr(selectors, name))


def test_every_error_has_a_row_with_its_code() -> None:
    cells = {name for row in rows("Errors") for cell in row[:2] for name in CODE.findall(cell)}
    source = "".join(path.read_text() for path in Path(selectors.__file__).parent.rglob("*.py"))
    for error in (exceptions.InvalidReport, exceptions.MissingLibrary):
        assert issubclass(error, InvalidBooking)
        assert {error.__name__, error.default_code} <= cells
    for code in ("invalid_period", "period_too_long", "invalid_grouping"):
        assert code in cells
        assert f'"{code}"' in source
