"""The OpenAPI schema: what drf-spectacular cannot see by itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.apps import apps
from drf_spectacular import plumbing
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_basic_type
from drf_spectacular.settings import patched_settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from bookings.pools import MAX_POOL_SIZE, Strategy

Action = TypeVar("Action", bound=Callable[..., Any])

SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "Bookings",
    "VERSION": "1",
    "DESCRIPTION": "Bookings over HTTP. Errors are problems (RFC 9457) with stable codes.",
    "SERVERS": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Who is logged in, and how, is the project's.
    "AUTHENTICATION_WHITELIST": [],
    "ENUM_NAME_OVERRIDES": {
        "BookingStatus": "bookings.models.lifecycle.Status",
        "BookingEventType": "bookings.models.BookingEvent.EventType",
        "OnBehalfOf": "bookings.contrib.api.serializers.bodies.ON_BEHALF_OF",
        "PaymentStatus": "bookings.contrib.api.schema.payment_statuses",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "bookings.contrib.api.schema.add_problems",
    ],
}
"""The settings of drf-spectacular for the schema of the API."""

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What is wrong (RFC 9457). Programs read code, people read detail.",
    "required": ["type", "title", "status", "code", "detail", "params", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string", "description": "Translated, for people."},
        "params": {
            "type": "object",
            "additionalProperties": True,
            "description": "What a program may want to know besides, such as remaining.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "The place in the body (RFC 6901).",
                    },
                    "parameter": {"type": "string", "description": "The query parameter."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
CONTENT: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
RETRY_AFTER: Final = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}
}
RETRIABLE: Final = {"409", "429", "503"}
REASONS: Final = {
    "400": "The request is malformed, or has an unknown parameter.",
    "401": "Nobody is logged in.",
    "403": "The user may not do this, or the rules of the booking forbid it.",
    "404": "There is no such object that the user may see.",
    "406": "The response is JSON.",
    "409": "The time is taken, or a rule or the status does not permit it now.",
    "412": "The booking has changed since it was read.",
    "415": "The body must be JSON.",
    "422": "A value is not valid.",
    "428": "If-Match is missing.",
    "429": "There are too many requests.",
    "503": "The database is busy. Send the request again.",
}
READING: Final = ("400", "401", "403", "404", "406", "429")
WRITING: Final = (*READING, "409", "412", "415", "422", "428", "503")


ETAG_PARAMETER: Final = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    location=OpenApiParameter.HEADER,
    response=True,
    description="The version of the booking: send it as If-Match or If-None-Match.",
)
CONDITIONAL_PARAMETER: Final = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    location=OpenApiParameter.HEADER,
    description="The ETag of a version that the client has: the answer is 304 if it is this one.",
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What the schema of an action says that its code does not."""

    responses: Any = None
    """The serializer of the response, or responses by status; ``None`` for what the view uses."""
    parameters: tuple[OpenApiParameter, ...] = ()
    """Further parameters, and the headers of responses."""


def describe(**operation: Any) -> Callable[[Action], Action]:
    """Give an action of a view its :class:`Operation`.

    ``extend_schema`` of drf-spectacular would take the schema class from the project's settings.
    """

    def decorate(action: Action) -> Action:
        action.operation = Operation(**operation)  # type: ignore[attr-defined]
        return action

    return decorate


IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    location=OpenApiParameter.HEADER,
    description="The ETag of the version to change; * for any. By default it is required.",
)
IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    location=OpenApiParameter.HEADER,
    description="A value of your own, the same if you send the request again. By default it is "
    "required to create something.",
)
REPLAYED: Final = OpenApiParameter(
    "Idempotency-Replayed",
    OpenApiTypes.STR,
    location=OpenApiParameter.HEADER,
    response=True,
    description="true if this is the stored answer to the same request.",
)


class BookingsSchema(AutoSchema):
    """The schema of a view: its tag is the resource, and fields that may be missing say so."""

    @property
    def operation(self) -> Operation:
        """What the action that is described was decorated with."""
        action = getattr(self.view, getattr(self.view, "action", ""), None)
        operation: Operation = getattr(action, "operation", Operation())
        return operation

    def get_tags(self) -> list[str]:
        return [str(getattr(self.view, "resource", self._tokenize_path()[0]))]

    def get_override_parameters(self) -> Any:
        return [*super().get_override_parameters(), *self.operation.parameters]

    def _get_filter_parameters(self) -> Any:
        parent: Any = super()
        parameters = parent._get_filter_parameters()
        filterset: Any = getattr(self.view, "filterset_class", None)
        for parameter in parameters:
            known = {} if filterset is None else filterset.base_filters
            if getattr(known.get(parameter["name"]), "is_repeatable", False):
                parameter["schema"] = {"type": "array", "items": parameter["schema"]}
                parameter |= {"explode": True, "style": "form"}
        return parameters

    def get_request_serializer(self) -> Any:
        bodies = getattr(self.view, "body_classes", {})
        return bodies.get(getattr(self.view, "action", "")) or super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        return self.operation.responses or super().get_response_serializers()

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: Any) -> Any:
        parent: Any = super()
        schema = parent._postprocess_serializer_schema(schema, serializer, direction)
        optional: frozenset[str] = getattr(serializer, "optional_names", frozenset())
        if optional and "required" in schema:
            schema["required"] = [name for name in schema["required"] if name not in optional]
        return schema


class _KeyFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "bookings.contrib.api.serializers.base.KeyField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        schema = auto_schema._map_model_field(self.target.model._meta.pk, direction)
        return {name: value for name, value in schema.items() if name in {"type", "format"}}


class _ReferenceFieldExtension(_KeyFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "bookings.contrib.api.serializers.references.ReferenceField"


class _RawKeyFieldExtension(_KeyFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "bookings.contrib.api.serializers.references.RawKeyField"


class _ProviderFieldExtension(_KeyFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "bookings.contrib.api.serializers.references.ProviderField"
    # Before that of its base class.
    priority = 1

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        key = super().map_serializer_field(auto_schema, direction)
        keys = {"type": "array", "items": key, "minItems": 1, "maxItems": MAX_POOL_SIZE}
        strategies = {"type": "string", "enum": [str(each) for each in Strategy]}
        pool = {
            "type": "object",
            "required": ["any_of"],
            "properties": {"any_of": keys, "strategy": strategies},
            "additionalProperties": False,
        }
        return {"oneOf": [key, pool]}


class _OptionalFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "bookings.contrib.api.serializers.catalogue.OptionalField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        kinds = {
            "integer": OpenApiTypes.INT,
            "boolean": OpenApiTypes.BOOL,
            "string": OpenApiTypes.STR,
            "time": OpenApiTypes.TIME,
        }
        schema = build_basic_type(kinds[self.target.kind])
        return {**(schema or {}), "nullable": True} if self.target.null else schema


def payment_statuses() -> Any:
    """Return the statuses of payments, whose app may not be installed."""
    if not apps.is_installed("bookings.contrib.payments"):
        return ["PAID"]
    from bookings.contrib.payments.models import Payment

    return Payment.Status.choices


def add_problems(result: Any, generator: Any, **kwargs: Any) -> Any:
    """Declare the problems of every operation; a hook of drf-spectacular."""
    components = result["components"]
    components["schemas"] = dict(sorted({**components["schemas"], "Problem": PROBLEM}.items()))
    components["responses"] = {
        f"Problem{status}": {
            "description": reason,
            "content": CONTENT,
            **({"headers": RETRY_AFTER} if status in RETRIABLE else {}),
        }
        for status, reason in REASONS.items()
    }
    for method, operation in _operations(result):
        for status in READING if method == "get" else WRITING:
            problem = {"$ref": f"#/components/responses/Problem{status}"}
            operation["responses"].setdefault(status, problem)
    return result


def _operations(schema: Any) -> Iterator[tuple[str, Any]]:
    for path in schema["paths"].values():
        yield from path.items()


@contextmanager
def _own_names() -> Iterator[None]:
    """Let drf-spectacular read the names of enumerations anew: it reads them once."""
    cached: Any = getattr(plumbing, "_load_enum_name_overrides", plumbing.load_enum_name_overrides)
    cached.cache_clear()
    try:
        yield
    finally:
        cached.cache_clear()


_LOCK: Final = threading.Lock()


def generate_schema(urlconf: str = "bookings.contrib.api.urls", prefix: str = "") -> Any:
    """Return the schema of the views of a URLconf.

    :param urlconf: the dotted path of the URLconf.
    :param prefix: the address at which the project mounts it, without a trailing slash.
    """
    # drf-spectacular changes its settings for the whole process meanwhile.
    with _LOCK, patched_settings(SETTINGS), _own_names():
        generator: Any = SchemaGenerator(urlconf=urlconf)  # type: ignore[no-untyped-call]
        schema = generator.get_schema(request=None, public=True)
    if prefix:
        schema["servers"] = [{"url": prefix}]
    return json.loads(json.dumps(schema, default=str))
