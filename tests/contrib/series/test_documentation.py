"""The reference page has every error, every finer code and every check."""

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


def test_every_error_has_its_row_with_its_code() -> None:
    told = rows(section("Errors"))
    assert ERRORS
    for error in ERRORS:
        assert issubclass(error, BookingError)
        assert told[error.__name__][0] == f"`{error.default_code}`"


def test_every_finer_code_has_its_row_and_none_has_one_that_is_not_used() -> None:
    used = {
        argument.value
        for file in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "InvalidRecurrence"
        for argument in call.args[1:2]
        if isinstance(argument, ast.Constant)
    }
    finer = section("Errors").partition("| `code` | class |")[2]
    assert rows(finer).keys() == used


def test_every_check_has_its_row() -> None:
    raised = re.findall(r'id="(bookings_series\.\w+)"', (SOURCE / "checks.py").read_text())
    assert rows(section("System checks")).keys() == set(raised)


@pytest.mark.parametrize("model", [Series, Occurrence])
def test_every_field_is_in_the_section_of_its_model(model: Any) -> None:
    told = PAGE.partition(f"### {model.__name__}\n")[2].partition("\n#")[0]
    fields = {field.name for field in model._meta.concrete_fields}
    assert fields == {name for name in rows(told) if name not in {"first_shown", "continued_by"}}


def test_every_service_is_described() -> None:
    for name in services.__all__:
        assert f":: bookings.contrib.series.services.{name}\n" in PAGE
