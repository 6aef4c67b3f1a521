"""Every public service documents its parameters and errors, and says the same thing in one way."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import pytest

from bookings import exceptions, services

FIELD: Final = re.compile(r"^:(\w+)(?: (\w+))?: (.+(?:\n +.+)*)", re.MULTILINE)
NAMES: Final = sorted(set(services.__all__))

# What these do differs from service to service.
PARTICULAR: Final = {
    "client_name",
    "client_email",
    "client_phone",
    "client_user",
    "notes_client",
    "answers",
    "metadata",
    "addon_ids",
    "tenant",
    "chunk_size",
    "by",
    "reason",
    "message",
    "expires_at",
}


def fields(name: str, kind: str) -> dict[str, str]:
    """The fields of a kind in a service's docstring, on one line each."""
    docstring = inspect.getdoc(getattr(services, name)) or ""
    return {
        argument or "": " ".join(text.split())
        for field, argument, text in FIELD.findall(docstring)
        if field == kind
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_documented_in_order(name: str) -> None:
    assert list(fields(name, "param")) == list(
        inspect.signature(getattr(services, name)).parameters
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_result_and_the_errors_are_documented(name: str) -> None:
    assert list(fields(name, "returns")) == [""]
    raised: dict[str, Any] = fields(name, "raises")
    assert "BookingBusy" in raised or "BookingError" in raised
    assert [error for error in raised if not hasattr(exceptions, error)] in ([], ["TypeError"])


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_is_one_line(name: str) -> None:
    docstring = inspect.getdoc(getattr(services, name)) or ""
    summary, blank, _rest = docstring.split("\n", 2)
    assert summary.endswith((".", "…"))
    assert not blank


def test_a_shared_parameter_is_documented_in_the_same_words() -> None:
    texts: dict[str, set[str]] = {}
    for name in NAMES:
        for parameter, text in fields(name, "param").items():
            texts.setdefault(parameter, set()).add(text)
    assert {name for name, different in texts.items() if len(different) > 1} <= PARTICULAR
