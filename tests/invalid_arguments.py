"""Invalid arguments, tried on every parameter of every service, by one table for each app.

A table says of each parameter what kind of value it takes. Everything else has to be refused with a
``BookingError`` and leave no trace, and what is taken for want of a reason against it must not fail
in any other way either.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, get_args, get_type_hints

from django.contrib.auth.models import Group
from django.db import models, transaction

from bookings.exceptions import BookingError
from tests.quick_run import values_of_a_test

NUL: Final = "before\x00after"

VALUES: Final[dict[str, Any]] = {
    "None": None,
    "True": True,
    "False": False,
    "0": 0,
    "-1": -1,
    "5": 5,
    "1.0": 1.0,
    "1.5": 1.5,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "a Decimal": Decimal("1.5"),
    "10**30": 10**30,
    "text": "x",
    "empty text": "",
    "digits": "1",
    "NUL": NUL,
    "bytes": b"x",
    "a list": ["x"],
    "an empty list": [],
    "a list of numbers": [1],
    "a list of None": [None],
    "a dict": {"a": 1},
    "an empty dict": {},
    "a dict by numbers": {5: 5},
    "a set": {1},
    "an object": object(),
    "a class": str,
    "a function": lambda *_args: None,
    "a date": date(2030, 1, 7),
    "a naive datetime": datetime(2030, 1, 7),  # noqa: DTZ001
    "a datetime": datetime(2131, 1, 7, tzinfo=UTC),
    "a timedelta": timedelta(hours=1),
}

NOTHING: Final = frozenset({"None"})
INTEGERS: Final = frozenset({"0", "-1", "5"})
TEXTS: Final = frozenset({"text", "empty text", "digits"})

OBJECT: Final[frozenset[str]] = frozenset()
INSTANT: Final = frozenset({"a datetime"})
DATE: Final = frozenset({"a date"})
DOCUMENT: Final = frozenset({"a dict", "an empty dict"})
AMOUNT: Final = frozenset({"0", "5", "1.0", "1.5", "a Decimal", "digits"})
LIST: Final = frozenset({"an empty list", "an empty dict"})
FUNCTION: Final = frozenset({"a class", "a function"})
FLAG: Final = frozenset({*VALUES, "a stranger"})
"""Whatever is true or false will do."""


def optional(kind: frozenset[str]) -> frozenset[str]:
    return kind | NOTHING


Table = Mapping[str, frozenset[str]]


def parameters(service: Callable[..., Any]) -> set[str]:
    """The names of a service's arguments, with those of its options if they have a type."""
    names = set()
    for parameter in inspect.signature(service).parameters.values():
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            names.add(parameter.name)
        elif options := get_args(get_type_hints(service)[parameter.name]):
            names |= get_type_hints(options[0]).keys()
    return names


def find_faults(
    service: Callable[..., Any],
    given: Mapping[str, Any],
    name: str,
    kind: frozenset[str],
    stored: Callable[[], Any],
    values: Mapping[str, Any] = MappingProxyType(VALUES),
) -> str:
    """How a service treats each value in the place of one of its arguments, unless it does well.

    ``values`` are those to try besides unrelated objects, by their labels.
    """
    faults = []
    before = stored()
    values = {**values, **unrelated_objects(given.get(name))}
    tried = values_of_a_test(values, f"{service.__qualname__} {name}")
    for label, value in tried.items():
        with transaction.atomic():
            fault = _fault(service, deepcopy(dict(given)) | {name: value}, may_be=label in kind)
            if fault is None and label not in kind and stored() != before:
                fault = "something was written"
            transaction.set_rollback(True)
        if fault is not None:
            faults.append(f"{label}: {fault}")
    return "\n".join(faults)


def _fault(service: Callable[..., Any], given: dict[str, Any], *, may_be: bool) -> str | None:
    try:
        service(**given)
    except BookingError as error:
        return None if error.code and str(error).strip() else f"{error!r} says nothing"
    # Whatever else there may be is what is looked for.
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return None if may_be else "was taken"


def unrelated_objects(right: Any) -> dict[str, Any]:
    """Model instances and classes that are not what the parameter takes."""
    stranger = Group(pk=getattr(right, "pk", 1), name="Staff")
    stranger._state.adding = False
    if not isinstance(right, models.Model):
        return {"a stranger": stranger}
    return {
        "a stranger": stranger,
        "an unsaved one": type(right)(),
        "an unsaved one with a key": type(right)(pk=right.pk),
        "its class": type(right),
        "its key": right.pk,
    }


def rows_of(*tables: type[models.Model]) -> list[list[dict[str, Any]]]:
    """All that is stored in these."""
    return [list(models.QuerySet(table).order_by("pk").values()) for table in tables]
