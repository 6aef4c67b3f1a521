"""Validate the values that callers pass. Pure functions: no ORM, no clock, no settings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking

MAX_MINUTES: Final = 60 * 24 * 366 * 10
"""Ten years: longer durations and buffers are typing errors."""


MAX_HOURS: Final = MAX_MINUTES // 60


class Readable(str):
    """A value as an error message writes it: as ``repr()`` does, but cut where it is long.

    Python refuses to write an integer of thousands of digits, which a client can send as JSON.
    """

    __slots__ = ()

    def __new__(cls, value: Any, most: int = 80) -> Readable:
        try:
            text = repr(value)
        except ValueError:
            text = f"<{type(value).__name__}>"
        return super().__new__(cls, text[:most])

    def __repr__(self) -> str:
        return str(self)


def whole_number(
    value: Any, name: str, *, at_least: int, at_most: int = 2**31 - 1, code: str | None = None
) -> int:
    """Return ``value`` if it is an ``int`` within the bounds, or raise ``InvalidBooking``."""
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most:
        raise InvalidBooking(
            _("%(name)s must be a whole number from %(least)d to %(most)d, not %(value)r."),
            code,
            params={
                "name": name,
                "least": at_least,
                "most": at_most,
                "value": Readable(value),
            },
        )
    return value


# Below the size of a packet of MySQL, with the old and the new value in one event.
MAX_TEXT_LENGTH: Final = 100_000


MAX_DOCUMENT_LENGTH: Final = 1_000_000


# MariaDB takes 32 levels, and the event that records a document adds one.
MAX_DOCUMENT_DEPTH: Final = 30


def expected_version(value: int | None) -> int | None:
    """Validate an ``expected_version``; ``None`` expects none."""
    if value is None:
        return None
    return whole_number(value, "expected_version", at_least=0)


def one_of(value: Any, name: str, known: Iterable[str]) -> str:
    """Return ``value`` if it is one of the known texts, or raise ``InvalidBooking``."""
    for text in known:
        if value == text:
            return text
    raise InvalidBooking(
        _("%(name)s must be one of %(known)s."), params={"name": name, "known": ", ".join(known)}
    )


def optional_callable(value: Any, name: str) -> Any:
    """Return ``value`` if it is callable or ``None``; raise ``InvalidBooking`` otherwise."""
    if value is not None and not callable(value):
        raise InvalidBooking(
            _("%(name)s must be a function, not %(type)s."),
            params={"name": name, "type": type(value).__name__},
        )
    return value


def calendar_date(value: Any, name: str, refusal: type[InvalidBooking] = InvalidBooking) -> date:
    """Return ``value`` if it is a date; raise the error for anything else.

    A datetime is a date to Python, but on which day it lies depends on the zone.
    """
    if not isinstance(value, date) or isinstance(value, datetime):
        raise refusal(
            _("%(name)s must be a date, not %(type)s."),
            "invalid_date",
            params={"name": name, "type": type(value).__name__},
        )
    return value


def as_list(values: Any, name: str, refusal: type[InvalidBooking] = InvalidBooking) -> list[Any]:
    """Return an iterable as a list; raise the error for text and for anything else."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise refusal(
            _("%(name)s must be a list, not %(type)s."),
            params={"name": name, "type": type(values).__name__},
        )
    return list(values)


def validate_text(name: str, value: Any) -> str:
    """Return ``value`` if it is text that every database can store."""
    if not isinstance(value, str):
        raise InvalidBooking(
            _("%(name)s must be text, not %(type)s."),
            params={"name": name, "type": type(value).__name__},
        )
    check_characters(name, value)
    if len(value) > MAX_TEXT_LENGTH:
        raise InvalidBooking(
            _("%(name)s has %(length)d characters; it may have %(most)d."),
            params={"name": name, "length": len(value), "most": MAX_TEXT_LENGTH},
        )
    return value


def check_characters(name: str, value: str) -> None:
    """Raise ``InvalidBooking`` for text with a NUL or a lone surrogate, which databases refuse."""
    if "\x00" in value:
        raise InvalidBooking(
            _("%(name)s contains a NUL character. Remove it."), params={"name": name}
        )
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidBooking(
            _("%(name)s contains half of a surrogate pair. Decode it as UTF-8."),
            params={"name": name},
        )


def validate_document(name: str, value: Any, kind: type = dict) -> Any:
    """Return ``value`` if it is of this ``kind``, and every database can store it as JSON."""
    if not isinstance(value, kind):
        raise InvalidBooking(MUST_BE[kind], params={"name": name, "type": type(value).__name__})
    _check_document(name, value, 1)
    try:
        length = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidBooking(
            _("%(name)s cannot be stored as JSON: %(error)s."),
            params={"name": name, "error": str(error)},
        ) from None
    if length > MAX_DOCUMENT_LENGTH:
        raise InvalidBooking(
            _("%(name)s takes %(length)d characters of JSON; it may take %(most)d."),
            params={"name": name, "length": length, "most": MAX_DOCUMENT_LENGTH},
        )
    return value


MUST_BE: Final[dict[type, Any]] = {
    dict: _("%(name)s must be a dict, not %(type)s."),
    list: _("%(name)s must be a list, not %(type)s."),
}

SCALARS: Final = frozenset({int, float, bool, type(None)})
"""What a document may contain without a closer look; JSON refuses what is not finite."""


def _check_document(name: str, value: Any, depth: int) -> None:
    if isinstance(value, str):
        check_characters(name, value)
    elif isinstance(value, dict | list | tuple):
        if depth > MAX_DOCUMENT_DEPTH:
            raise InvalidBooking(
                _("%(name)s is nested deeper than %(most)d levels."),
                params={"name": name, "most": MAX_DOCUMENT_DEPTH},
            )
        if isinstance(value, dict):
            _check_keys(name, value)
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        for part in parts:
            if type(part) not in SCALARS:
                _check_document(name, part, depth + 1)


def _check_keys(name: str, value: dict[Any, Any]) -> None:
    """Raise ``InvalidBooking`` for keys that are not text: JSON would store them as text."""
    for key in value:
        if not isinstance(key, str):
            raise InvalidBooking(
                _("%(name)s has the key %(key)s, which is not text. Write it as text."),
                "key_not_text",
                params={"name": name, "key": Readable(key)},
            )
