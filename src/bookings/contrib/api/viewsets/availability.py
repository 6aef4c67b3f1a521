"""What could be booked: slots, days, and the next slot. It needs ``bookings.contrib.schedule``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.forms import Form
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.contrib.api import availability_parameters as parameters
from bookings.contrib.api.conf import api_settings
from bookings.contrib.api.entity_tags import is_not_modified
from bookings.contrib.api.exceptions import InvalidParameters
from bookings.contrib.api.schema import (
    CONDITIONAL_PARAMETER,
    ETAG_PARAMETER,
    Action,
    describe,
)
from bookings.contrib.api.serializers.availability import (
    DaysSerializer,
    NextSlotSerializer,
    SlotsSerializer,
    slot_data,
)
from bookings.contrib.api.viewsets.base import ApiViewSet
from bookings.contrib.schedule.selectors import (
    availability_etag,
    day_summary,
    first_available,
    slots_between,
)
from bookings.exceptions import InvalidBooking
from bookings.models import Booking

Find = Callable[[Any, list[Any], dict[str, Any]], Any]

NAMES = {
    "start_dt": "start",
    "start_date": "start",
    "end_dt": "end",
    "end_date": "end",
    "after": "start",
    "duration_minutes": "duration",
    "addons": "addon",
    "providers": "provider",
}
"""The parameters by what the selectors call their arguments, where that differs."""


def _parameter(
    name: str, kind: Any, description: str, *, required: bool = False, many: bool = False
) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=description, required=required, many=many)


SELECTION = (
    _parameter("service", OpenApiTypes.STR, "The key of the service; required without booking."),
    _parameter("provider", OpenApiTypes.STR, "Of these providers; by default of any.", many=True),
    _parameter("addon", OpenApiTypes.STR, "With these add-ons, by their keys.", many=True),
    _parameter("duration", OpenApiTypes.INT, "Minutes, where the client chooses the length."),
    _parameter("duration_days", OpenApiTypes.INT, "Days, where the client chooses the length."),
    _parameter("party_size", OpenApiTypes.INT, "The number of seats."),
    _parameter("booking", OpenApiTypes.UUID, "A booking to be moved: its own time is free."),
    _parameter("time_zone", OpenApiTypes.STR, "The zone of days and offsets, an IANA name."),
)
CACHED: dict[int, Any] = {304: OpenApiResponse(description="Nothing that matters has changed.")}


def _describe(response: Any, *more: OpenApiParameter) -> Callable[[Action], Action]:
    return describe(
        parameters=(*SELECTION, *more, CONDITIONAL_PARAMETER, ETAG_PARAMETER),
        responses={200: response, **CACHED},
    )


class AvailabilityViewSet(ApiViewSet):
    """The slots of a service. Anybody may ask; a client is not offered what limits forbid."""

    resource = "availability"
    queryset = Booking.objects.none()
    filter_backends: Any = ()
    pagination_class: Any = None
    serializer_class: Any = SlotsSerializer
    forms: ClassVar[dict[str, type[parameters.RequestedBooking]]] = {
        "list": parameters.Range,
        "days": parameters.Days,
        "next": parameters.Next,
    }

    def collection_verb(self) -> str:
        return "availability"

    def throttle_scope(self) -> str:
        return "availability"

    def known_parameters(self) -> frozenset[str]:
        form: type[Form] = self.forms[str(self.action)]
        return frozenset(form.base_fields)

    @_describe(
        SlotsSerializer(),
        _parameter("start", OpenApiTypes.DATETIME, "The first start.", required=True),
        _parameter("end", OpenApiTypes.DATETIME, "The instant before which.", required=True),
    )
    def list(self, request: Request) -> Response:
        """List the slots that start between two instants, soonest first."""

        def find(service: Any, providers: list[Any], options: dict[str, Any]) -> Any:
            start, end = self.values["start"], self.values["end"]
            slots = slots_between(service, providers, start, end, **options)
            return {"slots": [slot_data(slot) for slot in slots]}

        return self.answer(find)

    @_describe(
        DaysSerializer,
        _parameter("start", OpenApiTypes.DATE, "The first day.", required=True),
        _parameter("end", OpenApiTypes.DATE, "The last day, included.", required=True),
    )
    @action(detail=False, serializer_class=DaysSerializer)
    def days(self, request: Request) -> Response:
        """Say for each day whether it is open, full or closed, and how many starts it has."""

        def find(service: Any, providers: list[Any], options: dict[str, Any]) -> Any:
            days = day_summary(
                service, providers, self.values["start"], self.values["end"], **options
            )
            return {
                "days": [
                    {
                        "date": day.date.isoformat(),
                        "status": str(day.status),
                        "slots": day.slots,
                        "reason": str(day.reason),
                    }
                    for day in days
                ]
            }

        return self.answer(find)

    @_describe(NextSlotSerializer, _parameter("start", OpenApiTypes.DATETIME, "From then on."))
    @action(detail=False, serializer_class=NextSlotSerializer)
    def next(self, request: Request) -> Response:
        """Return the soonest slot within the days that may be asked for at once, or null."""

        def find(service: Any, providers: list[Any], options: dict[str, Any]) -> Any:
            within = api_settings.API_AVAILABILITY_DAYS
            start = self.values["start"]
            slot = first_available(service, providers, start, within_days=within, **options)
            return {"slot": None if slot is None else slot_data(slot)}

        return self.answer(find)

    def answer(self, find: Find) -> Response:
        """Return what ``find`` finds, with an entity tag that changes whenever it may change."""
        self.values = parameters.clean(self.forms[str(self.action)], self.request.query_params)
        service, providers, options = parameters.selection(self.policy, self.values)
        try:
            etag = availability_etag(service, providers, **options)
            if is_not_modified(self.request, etag):
                return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
            return Response(find(service, providers, options), headers={"ETag": etag})
        except InvalidBooking as error:
            name = NAMES.get(error.field, error.field)
            known = name if name in self.known_parameters() else "service"
            problems = [(error.booking_code, " ".join(error.messages))]
            raise InvalidParameters({known: problems}) from None
