"""Pages by key: each stable row is on exactly one page, whatever is inserted or deleted meanwhile.

A cursor is the place after the last row of a page, in one of few orderings that end in the key. It
is opaque to clients, and no secret: rows that the user may not see are not behind any.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.encoding import force_str
from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from bookings.contrib.api.conf import api_settings
from bookings.contrib.api.exceptions import InvalidParameters
from bookings.models.keys import LARGEST_KEY

MAX_LIMIT: Final = 200


class KeysetPagination(BasePagination):
    """Reads ``limit``, ``cursor``, ``ordering`` and ``count`` of a request.

    The view names its ``orderings``, the first of which is the default.
    """

    parameters: ClassVar = ("limit", "cursor", "ordering", "count")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page that the request asks for.

        Raises ``InvalidParameters`` if one of the parameters is invalid.
        """
        parameters = request.query_params
        self.request = request
        orderings: Sequence[str] = view.orderings
        ordering = parameters.get("ordering", orderings[0])
        if ordering not in orderings:
            raise _invalid(
                "ordering",
                _("Choose one of: %(choices)s.") % {"choices": ", ".join(orderings)},
            )
        limit = self._limit(parameters.get("limit"))
        is_counted = parameters.get("count", "false")
        if is_counted not in {"true", "false"}:
            raise _invalid("count", _("Write true or false."))
        self.count = queryset.order_by().count() if is_counted == "true" else None

        name = ordering.removeprefix("-")
        is_descending = ordering.startswith("-")
        names = (name,) if name == "pk" else (name, "pk")
        keys = [view.ordering_expression(each) for each in names]
        rows = queryset.order_by(*(key.desc() if is_descending else key.asc() for key in keys))
        if cursor := parameters.get("cursor"):
            rows = rows.filter(self._after(rows.model, cursor, ordering, names))
        page = list(rows[: limit + 1])
        self.next_cursor = None
        if len(page) > limit:
            page = page[:limit]
            values = [_as_text(getattr(page[-1], each)) for each in names]
            self.next_cursor = encode_cursor([ordering, *values])
        return page

    def get_paginated_response(self, data: Any) -> Response:
        body = {"results": data, "next": self._next_link()}
        if self.count is not None:
            body["count"] = self.count
        return Response(body)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {
                    "type": "string",
                    "format": "uri",
                    "nullable": True,
                    "description": "The address of the next page; null on the last one.",
                },
                "count": {
                    "type": "integer",
                    "description": "The number of all rows, with count=true only.",
                },
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            _parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
                "The most rows on a page.",
            ),
            _parameter("cursor", {"type": "string"}, "The place of a page, from next."),
            _parameter(
                "ordering", {"type": "string", "enum": list(view.orderings)}, "The order of rows."
            ),
            _parameter("count", {"type": "boolean"}, "Whether to count all rows, too."),
        ]

    def _limit(self, text: str | None) -> int:
        if text is None:
            return api_settings.API_PAGE_SIZE
        if text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MAX_LIMIT:
            return int(text)
        raise _invalid("limit", _("Write a number from 1 to %(most)d.") % {"most": MAX_LIMIT})

    def _after(self, model: Any, cursor: str, ordering: str, names: Sequence[str]) -> Q:
        """Return the filter for the rows after the cursor; a cursor is of one ordering."""
        try:
            its_ordering, *texts = decode_cursor(cursor)
            if its_ordering != ordering or len(texts) != len(names):
                raise ValueError(cursor)
            fields = [
                model._meta.pk if each == "pk" else model._meta.get_field(each) for each in names
            ]
            values = [field.to_python(text) for field, text in zip(fields, texts, strict=True)]
            if not all(map(_is_comparable, values)):
                raise ValueError(cursor)
        except (ValueError, TypeError, ValidationError):
            raise _invalid(
                "cursor", _("Take the cursor from next, and keep the ordering.")
            ) from None
        operator = "lt" if ordering.startswith("-") else "gt"
        # The first condition alone can use an index on every database.
        return Q((f"{names[0]}__{operator}e", values[0])) & (
            Q((f"{names[0]}__{operator}", values[0])) | Q((f"pk__{operator}", values[-1]))
        )

    def _next_link(self) -> str | None:
        if self.next_cursor is None:
            return None
        url = force_str(self.request.build_absolute_uri())
        return replace_query_param(url, "cursor", self.next_cursor)


def encode_cursor(values: Sequence[Any]) -> str:
    return urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode()


def decode_cursor(cursor: str) -> list[Any]:
    """Return the values of a cursor; raise ``ValueError`` if it is none."""
    values = json.loads(urlsafe_b64decode(cursor.encode("ascii")))
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise ValueError(cursor)
    return values


def _is_comparable(value: Any) -> bool:
    """Return whether every database can compare a column with this value of a cursor."""
    if isinstance(value, datetime):
        return value.tzinfo is not None
    return value is not None and (not isinstance(value, int) or abs(value) <= LARGEST_KEY)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _invalid(name: str, message: str) -> InvalidParameters:
    return InvalidParameters({name: [("invalid", message)]})


def _parameter(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": dict(schema),
        "description": description,
    }
