"""Many verbs in one request, each with its own outcome. For administration."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any, ClassVar, Final

from django.core.handlers.wsgi import WSGIRequest
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.contrib.api.schema import describe
from bookings.contrib.api.serializers.base import StrictSerializer
from bookings.contrib.api.viewsets.base import ApiViewSet
from bookings.contrib.api.viewsets.bookings import BookingViewSet
from bookings.models import Booking

MAX_OPERATIONS: Final = 100
VERBS: Final = {
    "confirm": "confirm",
    "accept": "accept",
    "decline": "decline",
    "reschedule": "reschedule",
    "cancel": "cancel",
    "deliver": "deliver",
    "complete": "complete",
    "no-show": "no_show",
    "reopen": "reopen",
    "notes": "notes",
}
"""The actions of the view by the last part of their addresses."""


class OperationBody(StrictSerializer):
    """A verb on a booking. ``version`` is the one that was read; without it, any will do."""

    booking = serializers.UUIDField()
    verb = serializers.ChoiceField(choices=list(VERBS))
    version = serializers.IntegerField(required=False, min_value=0)
    body = serializers.DictField(required=False)


class BatchBody(StrictSerializer):
    """The operations, which are carried out in their order."""

    operations: Any = serializers.ListField(
        child=OperationBody(), allow_empty=False, max_length=MAX_OPERATIONS
    )


class OutcomeSerializer(StrictSerializer):
    """What an operation was answered with: a booking, or a problem."""

    status = serializers.IntegerField(read_only=True)
    body = serializers.DictField(read_only=True)


class OutcomesSerializer(StrictSerializer):
    """The outcomes, in the order of the operations."""

    results = OutcomeSerializer(many=True, read_only=True)


class BatchViewSet(ApiViewSet):
    """Up to a hundred verbs. Each is a transaction by itself, as if it had been sent alone."""

    resource = "bookings"
    queryset = Booking.objects.none()
    filter_backends: Any = ()
    serializer_class: Any = OutcomesSerializer
    body_classes: ClassVar[dict[str, Any]] = {"create": BatchBody}
    booking_viewset: ClassVar[Any] = BookingViewSet
    """The view whose actions are called."""

    @describe(responses=OutcomesSerializer)
    def create(self, request: Request) -> Response:
        """Carry out many verbs; one that is refused does not keep the others. For staff."""
        if not self.policy.is_staff:
            self.permission_denied(request)
        operations = self.read_body(lambda attrs: None).validated_data["operations"]
        return Response({"results": [self._outcome(each) for each in operations]})

    def _outcome(self, operation: dict[str, Any]) -> dict[str, Any]:
        view = self.booking_viewset.as_view({"post": VERBS[operation["verb"]]})
        response = view(self._request_of(operation), uuid=str(operation["booking"]))
        return {"status": response.status_code, "body": response.data}

    def _request_of(self, operation: dict[str, Any]) -> WSGIRequest:
        """Return the request that the operation would be by itself, of the same user."""
        body = json.dumps(operation.get("body", {})).encode()
        version = operation.get("version")
        request = WSGIRequest(
            {
                **{name: value for name, value in self.request.META.items() if _is_kept(name)},
                "REQUEST_METHOD": "POST",
                "PATH_INFO": f"{self.request.path}{operation['booking']}/{operation['verb']}/",
                "CONTENT_TYPE": "application/json",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_IF_MATCH": "*" if version is None else f'"{version}"',
                "wsgi.input": BytesIO(body),
            }
        )
        # As the framework's own tests say who is logged in.
        request._force_auth_user = self.request.user  # type: ignore[attr-defined]
        request._force_auth_token = self.request.auth  # type: ignore[attr-defined]
        return request


def _is_kept(name: str) -> bool:
    """Return whether a part of the request is the same for each operation."""
    return name.startswith(("SERVER_", "REMOTE_", "wsgi.")) or name == "HTTP_ACCEPT_LANGUAGE"
