"""Bookings, as they are made and changed: each verb is a service."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import services
from bookings.contrib.api.schema import (
    ETAG_PARAMETER,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    REPLAYED,
    describe,
)
from bookings.contrib.api.serializers import bodies
from bookings.contrib.api.serializers.bookings import BookingSerializer
from bookings.contrib.api.viewsets.booking_base import BookingBase, Service
from bookings.models import Booking
from bookings.services.metadata import json_merge_patch

Status = Booking.Status

CHANGE: dict[str, Any] = {
    "parameters": (IDEMPOTENCY_KEY, IF_MATCH, ETAG_PARAMETER, REPLAYED),
    "responses": BookingSerializer,
}
CREATION: dict[str, Any] = {
    "parameters": (IDEMPOTENCY_KEY, ETAG_PARAMETER, REPLAYED),
    "responses": {201: BookingSerializer},
}


class BookingChanges(BookingBase):
    """The verbs. A verb that is repeated returns the booking as it is."""

    body_classes: ClassVar[dict[str, Any]] = {
        "create": bodies.NewBooking,
        "partial_update": bodies.Details,
        "confirm": bodies.HoldCompletion,
        "accept": bodies.Override,
        "decline": bodies.Reason,
        "submit": bodies.HoldCompletion,
        "extend": bodies.HoldExtension,
        "reschedule": bodies.Move,
        "party_size": bodies.PartySize,
        "cancel": bodies.Cancellation,
        "deliver": bodies.Delivery,
        "dispute": bodies.RequiredReason,
        "complete": bodies.Override,
        "no_show": bodies.Nothing,
        "reopen": bodies.Override,
        "update_status": bodies.NewStatus,
        "notes": bodies.Note,
    }

    @describe(**CREATION)
    def create(self, request: Request) -> Response:
        """Book. Without a provider, any one who offers the service is booked."""
        return self.make(services.create_booking)

    @describe(**CHANGE)
    def partial_update(self, request: Request, uuid: str) -> Response:
        """Change details, notes and answers; null removes an answer.

        ``metadata`` is a merge patch (RFC 7396). Time and status have verbs of their own.
        """
        return self.change("update", update_details)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, uuid: str) -> Response:
        """Confirm a request or a hold; a hold needs its client's name by then."""
        return self.change("confirm", services.confirm_booking)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, uuid: str) -> Response:
        """Accept a request: the same as to confirm it."""
        return self.change("confirm", services.confirm_booking)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, uuid: str) -> Response:
        """Decline a request."""
        return self.change("decline", services.decline_booking)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, uuid: str) -> Response:
        """Submit a hold, which becomes a booking or a request."""
        return self.change("submit", services.submit_hold)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def extend(self, request: Request, uuid: str) -> Response:
        """Extend a hold."""
        return self.change("extend", services.extend_hold)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def reschedule(self, request: Request, uuid: str) -> Response:
        """Move a booking to another start, and if given, to another provider or length."""
        return self.change("reschedule", services.reschedule_booking, sets_by=True)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"], url_path="party-size")
    def party_size(self, request: Request, uuid: str) -> Response:
        """Take or give back seats."""
        return self.change("change_party_size", services.change_party_size, sets_by=True)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, uuid: str) -> Response:
        """Cancel a booking, and release its time."""
        return self.change("cancel", services.cancel_booking, sets_by=True)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def deliver(self, request: Request, uuid: str) -> Response:
        """Say that the service was delivered; the client confirms it."""
        return self.change("deliver", services.deliver_booking)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def dispute(self, request: Request, uuid: str) -> Response:
        """Say that it was not delivered."""
        return self.change("dispute", services.dispute_booking)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, uuid: str) -> Response:
        """Complete a booking."""
        return self.change("complete", services.complete_booking)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"], url_path="no-show")
    def no_show(self, request: Request, uuid: str) -> Response:
        """Record that the client did not come."""
        return self.change("no_show", services.mark_no_show)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, uuid: str) -> Response:
        """Make a cancelled or declined booking what it was, if its time is still free."""
        return self.change("reopen", services.reopen_booking)

    @describe(**CHANGE)
    @action(detail=True, methods=["post"])
    def notes(self, request: Request, uuid: str) -> Response:
        """Add a note to the history, for staff or for the client."""
        return self.change("add_note", services.add_note)

    @describe(**CHANGE)
    @action(detail=True, methods=["patch"])
    def update_status(self, request: Request, uuid: str) -> Response:
        """Lead a booking to a status, by the verb that leads there from the present one."""
        present = self.find_booking("view").status
        wanted = request.data.get("status") if isinstance(request.data, dict) else None
        verb, service, accepted = leading_to(wanted, present)

        def lead(booking: Booking, **values: Any) -> Booking:
            known = {"actor", "expected_version", *accepted}
            return service(
                booking, **{name: value for name, value in values.items() if name in known}
            )

        return self.change(verb, lead)


class HoldViewSet(BookingBase):
    """Holds, which are bookings that lapse."""

    resource = "holds"
    body_classes: ClassVar[dict[str, Any]] = {"create": bodies.NewHold}

    def collection_verb(self) -> str:
        return "hold"

    def throttle_scope(self) -> str:
        return "hold"

    @describe(**CREATION)
    def create(self, request: Request) -> Response:
        """Hold time while the client is still deciding. Submit it as the booking that it is."""
        return self.make(services.hold_booking)


def update_details(
    booking: Booking, *, actor: Any, expected_version: int | None, **values: Any
) -> Booking:
    """Update a booking, with ``metadata`` as a merge patch."""
    by = {"actor": actor, "expected_version": expected_version}
    if "metadata" in values:
        patch = values.pop("metadata")
        if not values.keys() - {"override_policy"}:
            return services.merge_metadata(booking, patch, **by)
        # It is merged into what was read, so that has to be what is stored.
        values["metadata"] = json_merge_patch(booking.metadata, patch)
        by["expected_version"] = booking.version
    return services.update_booking(booking, **by, **values)


def leading_to(wanted: Any, present: str) -> tuple[str, Service, tuple[str, ...]]:
    """Return the verb that leads to a status, its service, and what that takes of the body.

    The body is checked later: of what is no status, any verb will do.
    """
    is_over = present in {Status.CANCELLED, Status.DECLINED}
    if wanted == Status.PENDING or (wanted == Status.CONFIRMED and is_over):
        return "reopen", services.reopen_booking, ("override_policy",)
    if wanted == Status.CONFIRMED and present == Status.DELIVERED:
        return "dispute", services.dispute_booking, ("reason",)
    return LEADING.get(wanted, LEADING[Status.CONFIRMED])


LEADING: Final[dict[Any, tuple[str, Service, tuple[str, ...]]]] = {
    Status.CONFIRMED: ("confirm", services.confirm_booking, ("override_policy",)),
    Status.DECLINED: ("decline", services.decline_booking, ("reason",)),
    Status.CANCELLED: ("cancel", services.cancel_booking, ("reason", "override_policy")),
    Status.DELIVERED: ("deliver", services.deliver_booking, ()),
    Status.COMPLETED: ("complete", services.complete_booking, ("override_policy",)),
    Status.NO_SHOW: ("no_show", services.mark_no_show, ()),
}
