"""Evaluate a filter in Python, on rows that have been read already."""

from __future__ import annotations

from collections.abc import Callable
from operator import contains, eq, ge, gt, le, lt
from typing import Any, Final

from django.db.models import Q


def matches(condition: Q, row: Any) -> bool:
    """Return whether the database would find the row with this filter.

    The filter compares the row's own columns, and negates nothing.
    """
    children: list[Any] = condition.children
    results = (
        matches(child, row) if isinstance(child, Q) else _compare(row, *child) for child in children
    )
    return any(results) if condition.connector == Q.OR else all(results)


def _compare(row: Any, path: str, value: Any) -> bool:
    name, _separator, lookup = path.partition("__")
    stored = getattr(row, name)
    if lookup == "isnull":
        return (stored is None) is value
    # NULL equals nothing.
    return stored is not None and bool(_LOOKUPS[lookup or "exact"](stored, value))


def _is_equal_without_case(stored: str, value: str) -> bool:
    return stored.casefold() == value.casefold()


_LOOKUPS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "exact": eq,
    "iexact": _is_equal_without_case,
    "in": lambda stored, values: contains(values, stored),
    "gt": gt,
    "gte": ge,
    "lt": lt,
    "lte": le,
}
