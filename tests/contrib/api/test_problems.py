"""Every error has a status, a code and a row on the page of problems."""

from __future__ import annotations

import importlib
import inspect
import re
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions as rest
from rest_framework import serializers

import bookings
from bookings.contrib.api import exceptions as api_exceptions
from bookings.contrib.api.problems import STATUSES, booking_problem, handle_exception, status_of
from bookings.contrib.series.exceptions import Skipped
from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    BookingError,
    CapacityExceeded,
    InvalidBooking,
    PoolExhausted,
)
from tests.docs.test_reference_is_complete import ROOT, rows

MODULES: Final = [
    importlib.import_module(f"bookings.{name}exceptions")
    for name in (
        "",
        "contrib.schedule.",
        "contrib.group_sessions.",
        "contrib.series.",
        "contrib.payments.",
        "contrib.reports.",
    )
]
ERRORS: Final = {
    value
    for module in MODULES
    for value in vars(module).values()
    if inspect.isclass(value) and issubclass(value, BookingError)
}
PAGE: Final = rows((ROOT / "docs/reference/api-problems.md").read_text(encoding="utf-8"))


def test_no_error_is_forgotten() -> None:
    """The modules are those that there are."""
    # As it is installed, which may be elsewhere.
    package = Path(inspect.getfile(bookings)).parent
    found = {path for path in package.rglob("exceptions.py") if path.parent.name != "api"}
    assert {inspect.getsourcefile(module) for module in MODULES} == {str(path) for path in found}


@pytest.mark.parametrize("error", sorted(ERRORS, key=lambda each: each.__name__))
def test_every_error_has_a_status_of_its_own_and_a_row(error: type[BookingError]) -> None:
    code = error.default_code
    assert code in STATUSES
    assert PAGE[code][0] == str(int(STATUSES[code]))


def test_every_row_is_of_a_code_that_there_is() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "src/bookings").rglob("*.py")
    )
    own = {
        value.default_code
        for module in (rest, api_exceptions)
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, rest.APIException)
    }
    for code in PAGE:
        assert f'"{code}"' in source or code in own, code
    ours = {
        value.default_code
        for value in vars(api_exceptions).values()
        if inspect.isclass(value) and value.__module__ == api_exceptions.__name__
    }
    assert set(STATUSES) | ours <= PAGE.keys()


def test_a_finer_code_has_the_status_of_its_class() -> None:
    assert status_of(BookingConflict("", "other_resources")) == HTTPStatus.CONFLICT
    assert status_of(InvalidBooking("", "party_size")) == HTTPStatus.UNPROCESSABLE_ENTITY
    own = type("Strike", (BookingConflict,), {"default_code": "strike"})
    assert status_of(own("")) == HTTPStatus.CONFLICT


def answer(error: Exception, **context: Any) -> Any:
    response = handle_exception(error, context)
    assert response is not None
    assert response.content_type == "application/problem+json"
    assert response.data["status"] == response.status_code
    return response


def test_a_problem_says_what_a_program_wants_to_know() -> None:
    view = SimpleNamespace(pointer_of={"party_size": "/seats"}.get)
    body = answer(CapacityExceeded("Two are left.", remaining=2), view=view).data
    assert body == {
        "type": "urn:django-bookings:problem:capacity_exceeded",
        "title": "Conflict",
        "status": 409,
        "code": "capacity_exceeded",
        "detail": "Two are left.",
        "params": {"remaining": 2},
        "errors": [{"pointer": "/seats", "code": "capacity_exceeded", "detail": "Two are left."}],
    }
    several = InvalidBooking({"client_name": ["Too long."], "elsewhere": ["Wrong."]})
    assert answer(several, view=view).data["errors"] == []
    assert answer(BookingError("No.")).data["errors"] == []


def test_the_attributes_of_errors_are_json() -> None:
    noon = datetime(2131, 3, 6, 12, tzinfo=UTC)
    taken = BookingConflict("Taken.")
    user = SimpleNamespace(pk=7)
    pool = PoolExhausted("None.", refusals=[("Ada", taken), ("Eve", taken)])
    reason = {"code": "conflict", "detail": "Taken."}
    assert booking_problem(pool)["params"] == {"refusals": [["Ada", reason], ["Eve", reason]]}
    error = BookingError("No.")
    values: dict[str, Any] = {"start_at": noon, "remaining": Decimal("1.50"), "resource": None}
    vars(error).update(values, skipped=(Skipped(noon, taken, (noon,)),), reason=user)
    assert booking_problem(error)["params"] == {
        "start_at": "2131-03-06T12:00:00Z",
        "remaining": "1.50",
        "reason": str(user),
        "skipped": [
            {
                "start_at": "2131-03-06T12:00:00Z",
                "error": reason,
                "alternatives": ["2131-03-06T12:00:00Z"],
            }
        ],
    }


@pytest.mark.django_db
def test_an_object_is_its_key(provider: Any) -> None:
    error = BookingError("No.")
    vars(error).update(resource=provider)
    assert booking_problem(error)["params"] == {"resource": provider.pk}


def test_who_should_wait_is_told_how_long() -> None:
    assert answer(BookingBusy("Again.")).headers["Retry-After"] == "1"
    throttled = answer(rest.Throttled(wait=0.2))
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "1")


def test_errors_of_django_and_of_the_framework_are_problems_too() -> None:
    assert answer(Http404()).data["code"] == "not_found"
    assert answer(PermissionDenied()).data["code"] == "permission_denied"
    who = rest.AuthenticationFailed("Expired.", "token_expired")
    who.auth_header = 'Bearer realm="api"'  # type: ignore[attr-defined]
    response = answer(who)
    assert (response.status_code, response.data["code"]) == (401, "token_expired")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert handle_exception(ValueError("a mistake of ours"), {}) is None


def test_each_wrong_value_has_its_place_in_the_body() -> None:
    class Line(serializers.Serializer[Any]):
        size = serializers.IntegerField()

    class Order(serializers.Serializer[Any]):
        lines = Line(many=True)
        tags = serializers.ListField(child=serializers.IntegerField())

        def validate(self, attrs: Any) -> Any:
            raise serializers.ValidationError("Too much.", "too_much")

    def errors(body: Any) -> list[tuple[str, str]]:
        order = Order(data=body)
        order.is_valid()
        problem = answer(rest.ValidationError(order.errors)).data
        assert (problem["status"], problem["code"]) == (422, "invalid")
        return [(each["pointer"], each["code"]) for each in problem["errors"]]

    assert errors({"lines": [{"size": 1}, {"size": "x"}], "tags": [1, "y"]}) == [
        ("/lines/1/size", "invalid"),
        ("/tags/1", "invalid"),
    ]
    assert errors({"lines": [], "tags": []}) == [("", "too_much")]
    slashes = answer(rest.ValidationError({"a/b~c": ["No."]})).data["errors"]
    assert [each["pointer"] for each in slashes] == ["/a~1b~0c"]


def test_a_project_may_name_its_own_page(settings: Any) -> None:
    settings.BOOKINGS_API_PROBLEM_TYPES = "https://example.com/problems#"
    assert answer(BookingError("No.")).data["type"] == "https://example.com/problems#booking_error"


def test_the_page_says_what_the_statuses_are_for() -> None:
    text = (ROOT / "docs/reference/api-problems.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\| `\w+` \| (\d{3}) \|", text)) >= {"409", "412", "422", "503"}
