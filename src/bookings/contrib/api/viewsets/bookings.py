"""Bookings, as they are read."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from drf_spectacular.utils import OpenApiResponse
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.contrib.api.entity_tags import booking_etag, is_not_modified
from bookings.contrib.api.filters import BookingFilters
from bookings.contrib.api.schema import CONDITIONAL_PARAMETER, ETAG_PARAMETER, describe
from bookings.contrib.api.serializers.bookings import BookingEventSerializer, BookingSerializer
from bookings.contrib.api.viewsets.booking_changes import BookingChanges

SOONEST_FIRST = ("start_at", "-start_at")


class BookingViewSet(BookingChanges):
    """The bookings that the user may see: their own, those of providers they are, or all."""

    filterset_class: Any = BookingFilters
    orderings = (
        "-start_at",
        "start_at",
        "-created_at",
        "created_at",
        "-updated_at",
        "updated_at",
    )
    list_actions: ClassVar = frozenset({"list", "upcoming", "history", "provider", "events"})

    def is_list_action(self) -> bool:
        return self.action in self.list_actions

    def ordering_expression(self, name: str) -> Any:
        # As BookingQuerySet.upcoming(): PostgreSQL would read an index from the oldest booking on.
        is_upcoming = self.action == "upcoming" and name == "start_at"
        return Coalesce(name, name) if is_upcoming else super().ordering_expression(name)

    def list(self, request: Request) -> Response:
        """List bookings, the latest start first."""
        return self.list_rows(self.visible_bookings())

    @describe(responses=BookingSerializer(many=True))
    @action(detail=False, orderings=SOONEST_FIRST)
    def upcoming(self, request: Request) -> Response:
        """List the pending and confirmed bookings that have not ended, the next one first."""
        return self.list_rows(self.visible_bookings().upcoming())

    @describe(responses=BookingSerializer(many=True))
    @action(detail=False)
    def history(self, request: Request) -> Response:
        """List the bookings that have ended, whatever their status, the latest one first."""
        return self.list_rows(self.visible_bookings().past())

    @describe(responses=BookingSerializer(many=True))
    @action(detail=False)
    def provider(self, request: Request) -> Response:
        """List the bookings of the providers that the user is, the latest start first."""
        rows = self.visible_bookings().filter(provider__in=self.policy.own_providers)
        return self.list_rows(rows)

    @describe(
        parameters=(CONDITIONAL_PARAMETER, ETAG_PARAMETER),
        responses={
            200: BookingSerializer,
            304: OpenApiResponse(description="The client has this version already."),
        },
    )
    def retrieve(self, request: Request, uuid: str) -> Response:
        """Return a booking, with its version as entity tag."""
        booking = self.find_booking("view")
        etag = booking_etag(booking)
        if is_not_modified(request, etag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
        return Response(self.get_serializer(booking).data, headers={"ETag": etag})

    @describe(responses=BookingEventSerializer(many=True))
    @action(
        detail=True,
        filterset_class=None,
        orderings=("pk", "-pk"),
        serializer_class=BookingEventSerializer,
    )
    def events(self, request: Request, uuid: str) -> Response:
        """List the history of a booking, in the order in which it happened."""
        booking = self.find_booking("events")
        self.role = self.policy.role_for(booking)
        rows: QuerySet[Any] = self.policy.events(booking)
        return self.list_rows(rows)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "role": getattr(self, "role", None)}
