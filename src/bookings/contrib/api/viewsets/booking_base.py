"""What the views of bookings share: find one, make one, change one, answer with it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.urls import NoReverseMatch, reverse
from rest_framework import status
from rest_framework.response import Response

from bookings.adapters import get_adapter
from bookings.contrib.api.entity_tags import booking_etag, expected_version
from bookings.contrib.api.idempotency import OnceOnly
from bookings.contrib.api.policy import Role
from bookings.contrib.api.serializers.bookings import BookingSerializer
from bookings.contrib.api.viewsets.base import ApiViewSet, MergePatchParser
from bookings.exceptions import StaleBooking
from bookings.models import Booking, BookingAddon, BookingResource
from bookings.models.querysets import BookingQuerySet
from bookings.pools import AnyOf

Service = Callable[..., Booking]


class BookingBase(ApiViewSet):
    """A view whose objects are bookings."""

    resource = "bookings"
    queryset: Any = Booking.objects.none()
    serializer_class: Any = BookingSerializer
    parser_classes: Any = (*ApiViewSet.parser_classes, MergePatchParser)
    basename: str
    lookup_field = "uuid"
    lookup_url_kwarg = "uuid"

    def visible_bookings(self) -> BookingQuerySet:
        """Return the bookings that the user may see, with what is sent of them."""
        rows: Any = self.policy.bookings().select_related("service")
        related: BookingQuerySet = rows.prefetch_related("addons", "resources")
        return related

    def find_booking(self, verb: str) -> Booking:
        """Return the booking of the address, if the user may do this to it.

        Raises ``Http404`` if the user does not see it, whether or not there is one.
        """
        try:
            key = UUID(self.kwargs[self.lookup_url_kwarg])
        except ValueError:
            raise Http404 from None
        booking = self.visible_bookings().filter(uuid=key).first()
        if booking is None:
            raise Http404
        if not self.policy.allows(verb, booking):
            self.permission_denied(self.request)
        return booking

    def make(self, make_booking: Service, *, service: Any = None) -> Response:
        """Return the answer to a request for a new booking.

        :param make_booking: the service, which gets what the body says, and who books.
        :param service: what is booked, if the body does not say it.
        """
        once = OnceOnly(self.request, self.policy.principal, creates=True)
        if replayed := once.replay():
            return replayed
        body = self.read_body(
            lambda attrs: self.policy.role_to_create(attrs.get("service", service)),
            service=service,
        )
        unnamed = {"client_name": ""}
        values = unnamed | self.policy.client_defaults(body.role) | body.validated_data
        values.setdefault("service", service)
        if service is None and values.get("provider") is None:
            values["provider"] = AnyOf(get_adapter().providers_of(values["service"]))
        values["tenant"] = self.policy.tenant_of(values["service"])
        values["created_by"] = self.policy.user
        # Else it is looked up for the answer, while the calendar is locked.
        _ = self.policy.own_providers

        def carry_out() -> tuple[Response, Booking]:
            booking = make_booking(**values)
            forget_related(booking, has_addons=bool(values.get("addon_ids")))
            return self.answer_with(booking, status_code=status.HTTP_201_CREATED), booking

        return once.run(carry_out)

    def write(
        self,
        act: Callable[[dict[str, Any]], Any],
        *,
        status_code: int = status.HTTP_200_OK,
        show: Callable[[Any], Any] | None = None,
        role_for: Callable[[dict[str, Any]], Role] = lambda _attrs: Role.STAFF,
    ) -> Response:
        """Return the answer to a request to write something that is no booking.

        :param act: does it with what the body says; it may be called several times.
        :param status_code: the status of the answer; a new object needs an ``Idempotency-Key``.
        :param show: returns what is sent; by default the serializer of the view does.
        :param role_for: says in which role the user acts, by what was read.
        """
        creates = status_code == status.HTTP_201_CREATED
        once = OnceOnly(self.request, self.policy.principal, creates=creates)
        if replayed := once.replay():
            return replayed
        values = self.read_body(role_for).validated_data

        def carry_out() -> tuple[Response, None]:
            written = act(dict(values))
            data = self.get_serializer(written).data if show is None else show(written)
            return Response(data, status=status_code), None

        return once.run(carry_out)

    def change(self, verb: str, service: Service, *, sets_by: bool = False) -> Response:
        """Return the answer to a request to change the booking of the address.

        :param verb: what the policy is asked for.
        :param service: makes the change; it gets the booking, the actor, the expected version and
            what the body says.
        :param sets_by: whether the service is told on whose behalf it is done.
        """
        once = OnceOnly(self.request, self.policy.principal, creates=False)
        if replayed := once.replay():
            return replayed
        booking = self.find_booking(verb)
        role = self.policy.acting_role(verb, booking)
        body = self.read_body(lambda attrs: role, service=booking.service)
        values = dict(body.validated_data)
        if sets_by and role is Role.PROVIDER:
            values["by"] = "provider"
        try:
            version = expected_version(self.request, booking)
            return once.run(lambda: self._change(copy(booking), service, version, values))
        except StaleBooking as error:
            found = Booking.objects.filter(pk=booking.pk).first()
            if found is not None:
                error.etag = booking_etag(found)  # type: ignore[attr-defined]
            raise

    def _change(
        self, booking: Booking, service: Service, version: int | None, values: dict[str, Any]
    ) -> tuple[Response, Booking]:
        has_addons = bool(values.get("addon_ids") or booking.addons.all())
        changed = service(booking, actor=self.policy.user, expected_version=version, **values)
        forget_related(changed, has_addons=has_addons)
        return self.answer_with(changed), changed

    def answer_with(self, booking: Booking, *, status_code: int = status.HTTP_200_OK) -> Response:
        """Return the answer that has the booking, with its version and, if it is new, its place."""
        headers = {"ETag": booking_etag(booking)}
        if status_code == status.HTTP_201_CREATED and (place := self.place_of(booking)):
            headers["Location"] = place
        return Response(self.get_serializer(booking).data, status=status_code, headers=headers)

    def place_of(self, booking: Booking) -> str | None:
        """Return the address of a booking; ``None`` if these views have none."""
        # A view that was called by itself has been found at no address.
        namespaces = getattr(self.request.resolver_match, "namespaces", [])
        basename = self.basename if hasattr(self, "retrieve") else "bookings"
        names = [*namespaces, f"{basename}-detail"]
        try:
            path = reverse(":".join(names), kwargs={"uuid": str(booking.uuid)})
        except NoReverseMatch:
            return None
        return self.request.build_absolute_uri(path)


def forget_related(booking: Booking, *, has_addons: bool) -> None:
    """Let what belongs to a booking be read again, unless there is none: it may have changed."""
    known: dict[str, Any] = {}
    if not booking.resource_count:
        known["resources"] = BookingResource.objects.none()
    if not has_addons:
        known["addons"] = BookingAddon.objects.none()
    booking._prefetched_objects_cache = known  # type: ignore[attr-defined]


def find_row(rows: QuerySet[Any], key: str) -> Any:
    """Return the row with this key; raise ``Http404`` if the user sees none."""
    is_key = key.isascii() and key.isdecimal() and len(key) < 19
    row = rows.filter(pk=key).first() if is_key else None
    if row is None:
        raise Http404
    return row
