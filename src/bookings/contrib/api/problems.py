"""Errors as ``application/problem+json`` (RFC 9457).

A ``code`` has one HTTP status, which :data:`STATUSES` names. What a code means is on the page
``docs/reference/api-problems.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.db import models
from django.http import Http404
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from rest_framework import exceptions as rest
from rest_framework.response import Response
from rest_framework.settings import api_settings as rest_settings
from rest_framework.views import exception_handler

from bookings.contrib.api.conf import api_settings
from bookings.contrib.api.exceptions import InvalidParameters
from bookings.exceptions import BookingError

CONTENT_TYPE: Final = "application/problem+json"

BUSY_RETRY_SECONDS: Final = 1

STATUSES: Final[Mapping[str, HTTPStatus]] = {
    # The core.
    "booking_error": HTTPStatus.CONFLICT,
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "missing_reference": HTTPStatus.UNPROCESSABLE_ENTITY,
    "conflict": HTTPStatus.CONFLICT,
    "resource_taken": HTTPStatus.CONFLICT,
    "pool_exhausted": HTTPStatus.CONFLICT,
    "capacity_exceeded": HTTPStatus.CONFLICT,
    "slot_unavailable": HTTPStatus.CONFLICT,
    "duplicate": HTTPStatus.CONFLICT,
    "limit_reached": HTTPStatus.CONFLICT,
    "idempotency_key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "past_start": HTTPStatus.CONFLICT,
    "notice_window": HTTPStatus.CONFLICT,
    "too_far_ahead": HTTPStatus.CONFLICT,
    "not_allowed": HTTPStatus.FORBIDDEN,
    "provider_not_offered": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_transition": HTTPStatus.CONFLICT,
    "tenant_mismatch": HTTPStatus.UNPROCESSABLE_ENTITY,
    "stale": HTTPStatus.PRECONDITION_FAILED,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    # Finer codes whose status is not that of their class.
    "booking_type": HTTPStatus.UNPROCESSABLE_ENTITY,
    "in_session": HTTPStatus.CONFLICT,
    "not_a_seat": HTTPStatus.CONFLICT,
    "schedule_not_installed": HTTPStatus.NOT_IMPLEMENTED,
    # Schedules.
    "invalid_schedule": HTTPStatus.UNPROCESSABLE_ENTITY,
    "schedule_exists": HTTPStatus.CONFLICT,
    "schedule_missing": HTTPStatus.CONFLICT,
    "stale_schedule": HTTPStatus.PRECONDITION_FAILED,
    "holidays_not_installed": HTTPStatus.NOT_IMPLEMENTED,
    "time_off_conflict": HTTPStatus.CONFLICT,
    "booking_changes_refused": HTTPStatus.CONFLICT,
    # Group sessions.
    "invalid_session": HTTPStatus.UNPROCESSABLE_ENTITY,
    "session_not_open": HTTPStatus.CONFLICT,
    "stale_session": HTTPStatus.PRECONDITION_FAILED,
    "already_booked": HTTPStatus.CONFLICT,
    "already_waiting": HTTPStatus.CONFLICT,
    "waitlist_refused": HTTPStatus.CONFLICT,
    # Series.
    "invalid_recurrence": HTTPStatus.UNPROCESSABLE_ENTITY,
    "series_conflict": HTTPStatus.CONFLICT,
    "dateutil_not_installed": HTTPStatus.NOT_IMPLEMENTED,
    # Payments.
    "invalid_payment": HTTPStatus.UNPROCESSABLE_ENTITY,
    "payment_currency": HTTPStatus.UNPROCESSABLE_ENTITY,
    "external_id_reused": HTTPStatus.CONFLICT,
    "payment_not_made": HTTPStatus.CONFLICT,
    "refund_exceeds_payment": HTTPStatus.CONFLICT,
    "waiver_exceeds_refund": HTTPStatus.CONFLICT,
    "invalid_refund_policy": HTTPStatus.UNPROCESSABLE_ENTITY,
    # Reports.
    "invalid_report": HTTPStatus.UNPROCESSABLE_ENTITY,
    "missing_library": HTTPStatus.NOT_IMPLEMENTED,
}
"""The status of a code. A finer code that is not here has the status of its class."""

SHOWN_ATTRIBUTES: Final = (
    "remaining",
    "limit",
    "most",
    "currency",
    "expected",
    "reason",
    "reference",
    "start_at",
    "first_start",
    "resource",
    "providers",
    "refusals",
    "skipped",
)
"""The attributes of errors that ``params`` has, if the error has them and they are not empty."""


def handle_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the problem that answers an error of a view; ``None`` for an error of the program.

    It is what ``get_exception_handler()`` of the bundled views returns. A host may name it as
    ``EXCEPTION_HANDLER`` of ``REST_FRAMEWORK``, for views of its own.
    """
    if isinstance(error, BookingError):
        return _answer_booking_error(error, context)
    if isinstance(error, Http404):
        error = rest.NotFound()
    elif isinstance(error, PermissionDenied):
        error = rest.PermissionDenied()
    if not isinstance(error, rest.APIException):
        return exception_handler(error, dict(context))
    headers: dict[str, str] = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    if isinstance(error, rest.ValidationError):
        errors = list(_validation_errors(error.detail, error.get_codes(), ""))
        detail = _("Values are not valid. Correct those that are named in errors.")
        return problem_response(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors, headers=headers
        )
    errors = list(_parameter_errors(error)) if isinstance(error, InvalidParameters) else []
    # One of a view may be finer than that of its class.
    code = error.detail.code if isinstance(error.detail, rest.ErrorDetail) else error.default_code
    return problem_response(
        HTTPStatus(error.status_code), str(code), str(error.detail), errors=errors, headers=headers
    )


def problem_response(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    params: Mapping[str, Any] | None = None,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a response with a problem: what is wrong, for programs and for people.

    :param status: the HTTP status.
    :param code: the stable code, which names the type of the problem.
    :param detail: what is wrong and what to do, translated.
    :param params: what a program may want to know besides, by name.
    :param errors: each wrong value: its ``pointer`` or ``parameter``, ``code`` and ``detail``.
    :param headers: further headers.
    """
    body = {
        **problem_type(code, status),
        "detail": detail,
        "params": dict(params or {}),
        "errors": errors or [],
    }
    response = Response(body, status=status, headers=dict(headers or {}), content_type=CONTENT_TYPE)
    patch_cache_control(response, no_store=True)
    return response


def problem_type(code: str, status: HTTPStatus) -> dict[str, Any]:
    """Return the members of a problem that are the same wherever the code occurs."""
    return {
        "type": f"{api_settings.API_PROBLEM_TYPES}{code}",
        "title": status.phrase,
        "status": int(status),
        "code": code,
    }


def status_of(error: BookingError) -> HTTPStatus:
    """Return the HTTP status of an error: that of its code, else of its nearest class."""
    if error.booking_code in STATUSES:
        return STATUSES[error.booking_code]
    codes = (str(vars(each).get("default_code")) for each in type(error).__mro__)
    return next(STATUSES[code] for code in codes if code in STATUSES)


def booking_problem(error: BookingError) -> dict[str, Any]:
    """Return the problem of a service's error, without pointers: what one of several failed by."""
    return {
        **problem_type(error.booking_code, status_of(error)),
        "detail": " ".join(error.messages),
        "params": dict(_params(error)),
    }


def _answer_booking_error(error: BookingError, context: Mapping[str, Any]) -> Response:
    status = status_of(error)
    headers = {}
    if etag := getattr(error, "etag", None):
        headers["ETag"] = etag
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(BUSY_RETRY_SECONDS)
    pointer_of = getattr(context.get("view"), "pointer_of", lambda _field: None)
    errors = []
    for field, messages in error.message_dict.items():
        pointer = None if field == NON_FIELD_ERRORS else pointer_of(field)
        if pointer is not None:
            errors += [
                {"pointer": pointer, "code": error.booking_code, "detail": str(message)}
                for message in messages
            ]
    return problem_response(
        status,
        error.booking_code,
        " ".join(error.messages),
        params=dict(_params(error)),
        errors=errors,
        headers=headers,
    )


def _params(error: BookingError) -> Iterator[tuple[str, Any]]:
    for name in SHOWN_ATTRIBUTES:
        value = getattr(error, name, None)
        if value not in (None, "", (), []):
            yield name, _as_json(value)


def _as_json(value: Any) -> Any:
    """Return an attribute of an error as JSON can hold it; an object is its key."""
    if isinstance(value, models.Model):
        return _as_json(value.pk)
    if isinstance(value, BookingError):
        return {"code": value.booking_code, "detail": " ".join(value.messages)}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bool | int | str) or value is None:
        return value
    if hasattr(value, "__dataclass_fields__"):
        return {name: _as_json(getattr(value, name)) for name in value.__dataclass_fields__}
    return str(value)


def _parameter_errors(error: InvalidParameters) -> Iterator[dict[str, str]]:
    for name, problems in error.errors.items():
        for code, message in problems:
            yield {"parameter": name, "code": code, "detail": message}


def _validation_errors(detail: Any, codes: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Yield each error of a serializer with its place in the body, as a JSON pointer (RFC 6901)."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            is_own = name == rest_settings.NON_FIELD_ERRORS_KEY
            step = "" if is_own else "/" + str(name).replace("~", "~0").replace("/", "~1")
            yield from _validation_errors(inner, codes[name], pointer + step)
    elif isinstance(detail, list):
        for number, (inner, code) in enumerate(zip(detail, codes, strict=True)):
            # The errors of a list's items are by their number; those of a value are a list.
            step = f"/{number}" if isinstance(inner, Mapping | list) else ""
            yield from _validation_errors(inner, code, pointer + step)
    else:
        yield {"pointer": pointer, "code": str(codes), "detail": str(detail)}


__all__ = [
    "CONTENT_TYPE",
    "STATUSES",
    "booking_problem",
    "handle_exception",
    "problem_response",
    "problem_type",
    "status_of",
]
