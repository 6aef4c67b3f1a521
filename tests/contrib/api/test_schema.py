"""The schema: valid, without warnings, and served where the API is mounted."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.urls import include, path
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.validation import validate_schema
from rest_framework import serializers
from rest_framework.test import APIClient

from bookings.contrib.api.routers import BookingsRouter
from bookings.contrib.api.schema import generate_schema
from bookings.contrib.api.serializers.base import InstantField, StrictSerializer
from bookings.contrib.api.serializers.bodies import Move
from bookings.contrib.api.serializers.bookings import BookingSerializer
from bookings.contrib.api.serializers.references import ReferenceField
from bookings.contrib.api.viewsets.booking_changes import HoldViewSet
from bookings.contrib.api.viewsets.bookings import BookingViewSet
from tests.contrib.api.conftest import API, As


class RoomSerializer(BookingSerializer):
    field_names: ClassVar = {"provider": "roomId", "start_at": "startTime"}


class RoomMove(Move):
    field_names: ClassVar = {"start_at": "startTime", "provider": "roomId"}


class RoomViewSet(BookingViewSet):
    serializer_class: Any = RoomSerializer
    body_classes: ClassVar = {**BookingViewSet.body_classes, "reschedule": RoomMove}


class Rooms(BookingsRouter):
    def viewsets(self) -> dict[str, Any]:
        return {"rooms": RoomViewSet, "room-holds": HoldViewSet}


urlpatterns = [path("", include(Rooms(trailing_slash=False).urls))]


@pytest.mark.parametrize("urlconf", ["bookings.contrib.api.urls", __name__])
def test_the_schema_is_valid_and_complete(urlconf: str) -> None:
    reset_generator_stats()
    schema = generate_schema(urlconf, "/api/v1")
    validate_schema(schema)
    assert not GENERATOR_STATS
    assert schema["servers"] == [{"url": "/api/v1"}]
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation["description"]
            assert "404" in operation["responses"]


@pytest.mark.django_db
def test_a_list_is_described_as_a_list(as_: As, people: Any) -> None:
    """Every address without a key that answers with results, and no other."""
    schema, client = generate_schema(), as_("staff")
    for address, methods in schema["paths"].items():
        if "get" in methods and "{" not in address:
            parameters = {each["name"] for each in methods["get"].get("parameters", ())}
            answer = client.get(f"{API}{address.strip('/')}/").json()
            assert ("limit" in parameters) == ("results" in answer), address


def test_fields_that_not_everybody_sees_are_not_required() -> None:
    schemas = generate_schema()["components"]["schemas"]
    required = set(schemas["Booking"]["required"])
    assert "uuid" in required
    assert not {"notes_internal", "metadata"} & required
    assert "timezone" not in schemas["Provider"]["required"]


def test_the_schema_and_its_page_are_for_anybody() -> None:
    client = APIClient()
    response = client.get(f"{API}schema/")
    assert response.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert response.json()["servers"] == [{"url": "/api/v1"}]
    page = client.get(f"{API}docs/").content.decode()
    assert "GET /api/v1/bookings/{uuid}/" in page
    assert "<script" not in page


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_a_host_gives_fields_and_addresses_other_names(
    as_: As, booking: Any, settings: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    shown = as_("client").get(f"/rooms/{booking.uuid}").json()
    assert shown["roomId"] == booking.provider_id
    assert shown["startTime"] == "2131-03-06T10:00:00Z"
    assert not {"provider", "start_at"} & shown.keys()
    later = {"startTime": "2131-03-06T12:00:00Z"}
    headers = {"If-Match": "*", "Idempotency-Key": "1"}
    address = f"/rooms/{booking.uuid}/reschedule"
    moved = as_("client").post(address, later, format="json", headers=headers)
    assert moved.json()["startTime"] == later["startTime"]
    wish = {
        "service": booking.service_id,
        "provider": booking.provider_id,
        "start_at": "2131-03-06T14:00:00Z",
    }
    made = as_("client").post(
        "/rooms", wish, format="json", headers=headers | {"Idempotency-Key": "2"}
    )
    assert made.headers["Location"] == f"http://testserver/rooms/{made.json()['uuid']}"
    # There is no address of bookings to which that of a hold could lead.
    wish["start_at"] = "2131-03-06T16:00:00Z"
    held = as_("client").post("/room-holds", wish, format="json", headers={"Idempotency-Key": "3"})
    assert (held.status_code, "Location" in held.headers) == (201, False)


class Visit(StrictSerializer):
    field_names: ClassVar = {"service": "serviceId"}

    service = ReferenceField("SERVICE_MODEL")
    note = serializers.CharField(required=False)


@pytest.mark.django_db
def test_a_body_has_no_fields_that_are_not_known(service: Any) -> None:
    class Policy:
        def referable(self, setting: str) -> Any:
            return type(service).objects.all()

    def errors(body: Any) -> dict[str, Any]:
        visit = Visit(data=body, context={"policy": Policy()})
        visit.is_valid()
        return {name: [error.code for error in errors] for name, errors in visit.errors.items()}

    assert errors({"serviceId": service.pk}) == {}
    assert errors({"serviceId": service.pk, "service": 1}) == {"service": ["unknown_field"]}
    for nothing in (0, "x", True, [], 2**70):
        assert errors({"serviceId": nothing}) == {"serviceId": ["does_not_exist"]}
    assert errors([]) == {"non_field_errors": ["invalid"]}


def test_instants_are_received_with_their_offset() -> None:
    class At(StrictSerializer):
        instant = InstantField()

    assert At(data={"instant": "2131-03-06T10:00:00+01:00"}).is_valid()
    for wrong in ("2131-03-06T10:00:00", "2131-13-06T10:00:00Z", "now", 7):
        received = At(data={"instant": wrong})
        assert not received.is_valid()
        assert received.errors["instant"][0].code == "naive_datetime"


def test_an_error_is_about_the_field_as_the_body_names_it() -> None:
    view = RoomViewSet(action="reschedule")
    assert view.pointer_of("new_start_at") == view.pointer_of("start_at") == "/startTime"
    assert view.pointer_of("client_name") is None
    assert RoomViewSet(action="create").pointer_of("answers.size") == "/answers/size"
    assert RoomViewSet(action="list").pointer_of("provider") is None
