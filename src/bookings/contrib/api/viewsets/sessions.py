"""Sessions: what is published, its seats and its waitlist.

It needs ``bookings.contrib.group_sessions``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.contrib.api.availability_parameters import check_length, clean, find_objects
from bookings.contrib.api.exceptions import InvalidParameters
from bookings.contrib.api.filters import InstantFilter, KeysFilter
from bookings.contrib.api.policy import Role
from bookings.contrib.api.schema import IDEMPOTENCY_KEY, REPLAYED, describe
from bookings.contrib.api.serializers import sessions as serializers
from bookings.contrib.api.serializers.base import StrictSerializer
from bookings.contrib.api.serializers.bookings import BookingSerializer
from bookings.contrib.api.viewsets.booking_base import BookingBase, find_row
from bookings.contrib.group_sessions import selectors, services
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.exceptions import InvalidBooking, MissingReference
from bookings.models import Booking

ONCE = (IDEMPOTENCY_KEY, REPLAYED)


class SessionFilters(filters.FilterSet):  # type: ignore[misc]
    """The filters of lists of sessions."""

    status = filters.MultipleChoiceFilter(
        choices=Session.Status.choices, help_text=_("Any of these statuses.")
    )
    service = KeysFilter("service", help_text=_("Of any of these services."))
    provider = KeysFilter("provider", help_text=_("With any of these providers."))
    start_from = InstantFilter("start_at", "gte", help_text=_("That start then or later."))
    start_before = InstantFilter("start_at", "lt", help_text=_("That start before then."))

    class Meta:
        model = Session
        fields: tuple[str, ...] = ()


class AvailableForm(forms.Form):
    """The sessions that are looked for."""

    provider = forms.CharField()
    service = forms.CharField(required=False)
    date_from = forms.DateField(input_formats=["%Y-%m-%d"])
    date_to = forms.DateField(input_formats=["%Y-%m-%d"])
    party_size = forms.IntegerField(required=False, min_value=1)


class SessionViewSet(BookingBase):
    """Sessions. Anybody sees those to come; staff see all, and publish and change them."""

    resource = "sessions"
    queryset = Session.objects.none()
    serializer_class: Any = serializers.SessionSerializer
    filterset_class: Any = SessionFilters
    lookup_field = "pk"
    lookup_url_kwarg = "pk"
    orderings = ("start_at", "-start_at")
    public_actions: ClassVar = frozenset({"list", "retrieve", "available"})
    body_classes: ClassVar[dict[str, Any]] = {
        "create": serializers.NewSession,
        "partial_update": serializers.SessionChanges,
        "generate": serializers.SlotsToGenerate,
        "cancel": serializers.SessionCancellation,
        "close": StrictSerializer,
        "reopen": StrictSerializer,
        "book": serializers.NewSeat,
        "join": serializers.Waiting,
        "attendance": serializers.Attendance,
    }

    def is_list_action(self) -> bool:
        return self.action in {"list", "seats", "waitlist"}

    def known_parameters(self) -> frozenset[str]:
        if self.action == "available":
            return frozenset(AvailableForm.base_fields)
        return super().known_parameters()

    def visible_sessions(self) -> QuerySet[Session]:
        """Return the sessions that the user may see: those to come, and for staff all."""
        rows: QuerySet[Session] = Session.objects.with_seats()
        if not self.policy.is_staff:
            return rows.filter(pk__in=Session.objects.upcoming().order_by().values("pk"))
        tenants = self.policy.tenants
        return rows if tenants is None else rows.filter(tenant__in=tenants)

    def find_session(self, *, rows: Any = None) -> Session:
        """Return the session of the address, if the user sees it; raise ``Http404`` if not."""
        visible = self.visible_sessions() if rows is None else rows
        session: Session = find_row(visible, self.kwargs["pk"])
        return session

    def find_to_manage(self, permission: str = "change") -> Session:
        """Return the session of the address, if the user may change it; refuse others."""
        session = self.find_session()
        self.check_staff(permission, session.tenant_id)
        return session

    def check_staff(self, permission: str, tenant_id: Any) -> None:
        """Refuse who is no staff of the tenant with Django's permission for sessions."""
        codename = f"bookings_group_sessions.{permission}_session"
        if not (self.policy.is_staff_of(tenant_id) and self.policy.user.has_perm(codename)):
            self.permission_denied(self.request)

    def list(self, request: Request) -> Response:
        """List the sessions to come, the next one first; staff see others, too."""
        return self.list_rows(self.visible_sessions())

    def retrieve(self, request: Request, pk: str) -> Response:
        """Return a session, with the number of its free seats."""
        return Response(self.get_serializer(self.find_session()).data)

    @describe(parameters=ONCE, responses={201: serializers.SessionSerializer})
    def create(self, request: Request) -> Response:
        """Publish a session."""

        def publish(values: dict[str, Any]) -> Session:
            tenant = self.policy.tenant_of(values["service"])
            return services.create_session(tenant=tenant, created_by=self.policy.user, **values)

        self.check_staff_of_service("add")
        return self.write(publish, status_code=status.HTTP_201_CREATED, role_for=self.role_of_body)

    @describe(parameters=ONCE, responses=serializers.SessionSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a session; another time or provider moves its bookings, too."""
        return self.change_session(services.update_session)

    @describe(parameters=ONCE, responses=serializers.SessionSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a session and its bookings."""
        return self.change_session(services.cancel_session)

    @describe(parameters=ONCE, responses=serializers.SessionSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Close a session for booking."""
        return self.change_session(_without_actor(services.close_session))

    @describe(parameters=ONCE, responses=serializers.SessionSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Open a session for booking again."""
        return self.change_session(_without_actor(services.reopen_session))

    @describe(parameters=ONCE, responses=serializers.GeneratedSerializer)
    @action(detail=False, methods=["post"])
    def generate(self, request: Request) -> Response:
        """Publish sessions in business hours. Those that there are are not published again."""

        def publish(values: dict[str, Any]) -> Any:
            tenant = self.policy.tenant_of(values["service"])
            return services.generate_sessions(tenant=tenant, created_by=self.policy.user, **values)

        def show(generated: Any) -> dict[str, Any]:
            return {
                "created": generated.created,
                "existing": generated.existing,
                "conflicts": len(generated.conflicts),
            }

        self.check_staff_of_service("add")
        return self.write(publish, show=show, role_for=self.role_of_body)

    @describe(
        parameters=(
            OpenApiParameter("provider", OpenApiTypes.STR, required=True),
            OpenApiParameter("service", OpenApiTypes.STR),
            OpenApiParameter("date_from", OpenApiTypes.DATE, required=True),
            OpenApiParameter("date_to", OpenApiTypes.DATE, required=True),
            OpenApiParameter("party_size", OpenApiTypes.INT),
        ),
        responses=serializers.AvailableSessionsSerializer,
    )
    @action(detail=False, filterset_class=None)
    def available(self, request: Request) -> Response:
        """List the sessions of a provider that can be booked, by day."""
        values = clean(AvailableForm, request.query_params)
        check_length(values["date_from"], values["date_to"], "date_to")
        policy = self.policy
        [provider] = find_objects(policy.providers(), "provider", [values["provider"]])
        service = None
        if values["service"]:
            [service] = find_objects(policy.services(), "service", [values["service"]])
        try:
            by_day = selectors.available_sessions(
                provider,
                values["date_from"],
                values["date_to"],
                service=service,
                party_size=values["party_size"] or 1,
                client_user=policy.user if policy.is_authenticated else None,
            )
        except InvalidBooking as error:
            problems = [(error.booking_code, " ".join(error.messages))]
            raise InvalidParameters({"date_to": problems}) from None
        days = [
            {"date": day.isoformat(), "sessions": self.get_serializer(found, many=True).data}
            for day, found in by_day.items()
        ]
        return Response({"days": days})

    @describe(responses=BookingSerializer(many=True))
    @action(
        detail=True,
        filterset_class=None,
        serializer_class=BookingSerializer,
        orderings=("created_at", "-created_at"),
    )
    def seats(self, request: Request, pk: str) -> Response:
        """List the active bookings of a session that the user may see."""
        session = self.find_session()
        rows = self.visible_bookings().active().filter(seat__session=session)
        return self.list_rows(rows)

    @describe(parameters=ONCE, responses={201: BookingSerializer})
    @seats.mapping.post
    def book(self, request: Request, pk: str) -> Response:
        """Book seats of a session."""

        def take(**values: Any) -> Booking:
            del values["service"], values["tenant"]
            return services.book_seat(session, **values)

        session = self.find_session()
        return self.make(take, service=session.service)

    @describe(responses=serializers.WaitlistEntrySerializer(many=True))
    @action(
        detail=True,
        filterset_class=None,
        serializer_class=serializers.WaitlistEntrySerializer,
        orderings=("joined_at",),
    )
    def waitlist(self, request: Request, pk: str) -> Response:
        """List who waits for a session: for clients, their own entries."""
        session = self.find_session()
        rows = WaitlistEntry.objects.waiting().filter(session=session)
        if not self.policy.is_staff_of(session.tenant_id):
            rows = rows.filter(client_user=self.policy.user)
        return self.list_rows(rows)

    @describe(parameters=ONCE, responses={201: serializers.WaitlistEntrySerializer})
    @waitlist.mapping.post
    def join(self, request: Request, pk: str) -> Response:
        """Wait for seats of a full session."""
        session = self.find_session()
        role = self.policy.role_to_create(session.service)

        def wait(values: dict[str, Any]) -> WaitlistEntry:
            client = self.policy.client_defaults(role) | values
            return services.join_waitlist(
                session, created_by=self.policy.user, **{"client_name": "", **client}
            )

        return self.write(wait, status_code=status.HTTP_201_CREATED)

    @describe(parameters=ONCE, responses=serializers.SessionSerializer)
    @action(detail=True, methods=["post"])
    def attendance(self, request: Request, pk: str) -> Response:
        """Record who came to a session, and who did not. For staff and its provider."""
        own = Session.objects.with_seats().filter(provider__in=self.policy.own_providers)
        session = self.find_session(rows=self.visible_sessions() | own)
        if session.provider_id not in self.policy.own_providers:
            self.check_staff("change", session.tenant_id)

        def mark(values: dict[str, Any]) -> Session:
            lists = {
                name: [self._booking_of(session, uuid) for uuid in values.get(name, ())]
                for name in ("attended", "missed")
            }
            services.mark_attendance(
                session,
                attended=lists["attended"],
                missed=lists["missed"],
                actor=self.policy.user,
            )
            return session

        return self.write(mark)

    def _booking_of(self, session: Session, uuid: Any) -> Booking:
        booking = Booking.objects.filter(seat__session=session, uuid=uuid).first()
        if booking is None:
            raise MissingReference(
                _("The booking %(uuid)s is not in this session."),
                "not_in_session",
                {"uuid": str(uuid)},
            )
        return booking

    def check_staff_of_service(self, permission: str) -> None:
        """Refuse who is no staff; the tenant of the service is checked with the body."""
        if not self.policy.is_staff:
            self.permission_denied(self.request)
        codename = f"bookings_group_sessions.{permission}_session"
        if not self.policy.user.has_perm(codename):
            self.permission_denied(self.request)

    def role_of_body(self, attrs: dict[str, Any]) -> Role:
        """Return in which role the user acts: staff only of the tenants that they belong to."""
        service = attrs.get("service")
        if service is not None and not self.policy.is_staff_of(getattr(service, "tenant_id", None)):
            self.permission_denied(self.request)
        return Role.STAFF

    def change_session(self, service: Callable[..., Session]) -> Response:
        """Return the answer to a request of staff to change the session of the address."""
        session = self.find_to_manage()
        return self.write(lambda values: service(session, actor=self.policy.user, **values))


def _without_actor(service: Callable[..., Session]) -> Callable[..., Session]:
    """Return a service that records no actor, as one that does."""

    def call(session: Session, *, actor: Any) -> Session:
        return service(session)

    return call


class WaitlistEntryViewSet(BookingBase):
    """Places in queues; a client leaves by deleting their own."""

    resource = "sessions"
    queryset = WaitlistEntry.objects.none()
    serializer_class: Any = serializers.WaitlistEntrySerializer
    lookup_field = "pk"
    lookup_url_kwarg = "pk"
    body_classes: ClassVar[dict[str, Any]] = {"promote": StrictSerializer}

    def find_entry(self) -> WaitlistEntry:
        """Return the entry of the address, if it is the user's own or of their tenants."""
        rows = WaitlistEntry.objects.select_related("session")
        entry: WaitlistEntry = find_row(rows, self.kwargs["pk"])
        if not (self.is_staff_of(entry) or entry.client_user_id == self.policy.user.pk):
            raise Http404
        return entry

    def is_staff_of(self, entry: WaitlistEntry) -> bool:
        return self.policy.is_staff_of(entry.session.tenant_id)

    def destroy(self, request: Request, pk: str) -> Response:
        """Leave the waitlist."""
        services.leave_waitlist(self.find_entry(), actor=self.policy.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describe(parameters=ONCE, responses=serializers.WaitlistEntrySerializer)
    @action(detail=True, methods=["post"])
    def promote(self, request: Request, pk: str) -> Response:
        """Give free seats to a client who waits, out of turn. For staff."""
        entry = self.find_entry()
        permission = "bookings_group_sessions.change_session"
        if not (self.is_staff_of(entry) and self.policy.user.has_perm(permission)):
            self.permission_denied(request)
        return self.write(
            lambda values: services.promote_from_waitlist(entry, actor=self.policy.user)
        )
