"""Compare and copy values of fields that may be JSON documents."""

from __future__ import annotations

import json
import marshal
from collections.abc import Sequence
from copy import deepcopy
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
    """Return whether all values of a field are known to equal the first.

    Documents equal each other if they have the same ``document_content()``.
    """
    first = values[0]
    if not isinstance(first, dict | list):
        return values.count(first) == len(values)
    content = document_content(first)
    return content is not None and all(document_content(value) == content for value in values)


def document_content(value: Any) -> bytes | None:
    """Return bytes that two documents share only if one is a copy of the other.

    A copy has values of the same types (1 is not ``true``) in the same order. The result is
    ``None`` if the document has an instance of any other than Python's own types. It takes a tenth
    of the time that JSON would take.
    """
    try:
        # Since version 3, the bytes also depend on which parts are the same object.
        return marshal.dumps(value, 2)
    except ValueError:
        return None


def copy_document(value: Any) -> Any:
    """Return a copy of a document, as ``deepcopy()`` does, which takes several times as long."""
    content = document_content(value)
    return deepcopy(value) if content is None else marshal.loads(content)  # noqa: S302 - our own
