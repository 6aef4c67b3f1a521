"""Compare values of fields that may be JSON documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def differs(old: Any, new: Any) -> bool:
    """Return whether two values of a field differ; documents as JSON, where 1 is not ``true``."""
    if not isinstance(old, dict | list) or not isinstance(new, dict | list):
        return bool(old != new)
    try:
        return json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        # It cannot be stored, which its validation says.
        return True


def are_equal(values: Sequence[Any]) -> bool:
    """Return whether none of the values of a field differs from the first, as :func:`differs`."""
    first = values[0]
    if not isinstance(first, dict | list):
        return values.count(first) == len(values)
    try:
        text = json.dumps(first, sort_keys=True)
        return all(
            value is first
            or (isinstance(value, dict | list) and json.dumps(value, sort_keys=True) == text)
            for value in values
        )
    except (TypeError, ValueError, RecursionError):
        return False
