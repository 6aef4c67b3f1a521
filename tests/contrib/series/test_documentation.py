"""The reference page lists every error, code, check, field and service."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any, Final

import pytest

from bookings.contrib import series
from bookings.contrib.series import exceptions, services
from bookings.contrib.series.models import Occurrence, Series
from bookings.exceptions import BookingError
from tests.docs.test_reference_is_complete import rows

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = (ROOT / "docs/reference/series.md").read_text(encoding="utf-8")
SOURCE: Final = Path(series.__file__).parent
ERRORS: Final = [
    value
    for value in vars(exceptions).values()
    if inspect.isclass(value)
    if value.__module__ == exceptions.__name__ and issubclass(value, Exception)
]


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_error_has_a_row_with_its_code() -> None:
    documented = rows(section("Errors"))
    assert ERRORS
    for error in ERRORS:
        assert issubclass(error, BookingError)
        assert documented[error.__name__][0] == f"`{error.default_code}`"


def test_the_table_of_codes_lists_exactly_those_in_use() -> None:
    used = {
        argument.value
        for file in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "InvalidRecurrence"
        for argument in call.args[1:2]
        if isinstance(argument, ast.Constant)
    }
    codes = section("Errors").partition("| `code` | class |")[2]
    assert rows(codes).keys() == used


def test_every_check_has_a_row() -> None:
    raised = re.findall(r'id="(bookings_series\.\w+)"', (SOURCE / "checks.py").read_text())
    assert rows(section("System checks")).keys() == set(raised)


@pytest.mark.parametrize("model", [Series, Occurrence])
def test_every_field_is_in_the_table_of_its_model(model: Any) -> None:
    documented = PAGE.partition(f"### {model.__name__}\n")[2].partition("\n#")[0]
    fields = {field.name for field in model._meta.concrete_fields}
    assert fields == {name for name in rows(documented) if name not in {"dtstart", "continued_by"}}


def test_every_service_is_documented() -> None:
    for name in services.__all__:
        assert f":: bookings.contrib.series.services.{name}\n" in PAGE
