"""Who may see and do what: the one class that a host overrides.

Name a subclass of :class:`ApiPolicy` as ``BOOKINGS_API_POLICY``.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db.models import Q
from django.utils.module_loading import import_string
from rest_framework.request import Request

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.contrib.api.conf import api_settings
from bookings.models import Booking, BookingEvent

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from bookings.models.querysets import BookingQuerySet


class Role(StrEnum):
    """What the user of a request is to a booking. The strongest role counts."""

    ANONYMOUS = "anonymous"
    """Nobody is logged in."""
    CLIENT = "client"
    """The booking's client, or a user who may become the client of a new one."""
    PROVIDER = "provider"
    """The booking's provider."""
    STAFF = "staff"
    """A user with Django's permission to view bookings, of the booking's tenant."""


PUBLIC_VERBS: Final = frozenset({"availability"})
"""What anybody may ask for. Services and providers are public, too."""

READING_VERBS: Final = frozenset({"view", "events", "payments"})
CLIENT_VERBS: Final = READING_VERBS | {
    "update",
    "submit",
    "extend",
    "reschedule",
    "change_party_size",
    "cancel",
    "complete",
    "dispute",
}
"""What the client may do; ``complete`` only where the completion is two-sided."""
PROVIDER_VERBS: Final = READING_VERBS | {
    "update",
    "confirm",
    "decline",
    "reschedule",
    "change_party_size",
    "cancel",
    "deliver",
    "complete",
    "no_show",
    "add_note",
}
STAFF_VERBS: Final = CLIENT_VERBS | PROVIDER_VERBS | {"reopen"}
"""What staff may do who have Django's permission to change bookings."""

STAFF_FIELDS: Final = frozenset(
    {"notes_internal", "metadata", "tenant", "client_user", "created_by", "created_by_name"}
)
"""The fields of a booking that only staff see."""

STAFF_BODY_FIELDS: Final = frozenset(
    {
        "client_user",
        "metadata",
        "notes_internal",
        "location",
        "meeting_link",
        "by",
        "override_policy",
        "skip_slot_validation",
        "allow_past",
    }
)
"""The fields of bodies that only staff may set."""

PROVIDER_BODY_FIELDS: Final = frozenset({"location", "meeting_link"})
"""Those of them that the booking's provider may set."""


class ApiPolicy:
    """Answers three questions about one request: which rows are visible, which verbs are allowed,
    and which fields are visible and writable.

    There is one instance for each request, so it may keep what it has looked up.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.user: Any = request.user

    @cached_property
    def is_authenticated(self) -> bool:
        """Whether a user is logged in."""
        return bool(self.user is not None and self.user.is_authenticated)

    @cached_property
    def is_staff(self) -> bool:
        """Whether the user is staff to the bookings of :meth:`tenants`.

        Default: whether the user has Django's permission to view bookings.
        """
        return self.is_authenticated and self.user.has_perm("bookings.view_booking")

    @cached_property
    def tenants(self) -> Collection[Any] | None:
        """The keys of the tenants whose rows staff see; ``None`` for all.

        Default: all for superusers and without tenancy; else none, because a user has no tenant
        that Django knows of.
        """
        if not app_settings.tenancy_enabled or self.user.is_superuser:
            return None
        return ()

    @cached_property
    def own_providers(self) -> Collection[Any]:
        """The keys of the providers that the user is.

        Default: what the adapter's ``own_providers()`` says.
        """
        if not self.is_authenticated:
            return frozenset()
        providers = get_adapter().own_providers(self.user).order_by()
        return frozenset(providers.values_list("pk", flat=True))

    def bookings(self) -> BookingQuerySet:
        """Return the bookings that the user may see. All others are not found.

        Default: the user's own ones, those of the providers that the user is, and for staff those
        of their tenants.
        """
        if not self.is_authenticated:
            return Booking.objects.none()
        if self.is_staff and self.tenants is None:
            return Booking.objects.all()
        visible = Q(client_user=self.user.pk)
        if self.own_providers:
            visible |= Q(provider__in=self.own_providers)
        if self.is_staff and self.tenants:
            visible |= Q(tenant__in=self.tenants)
        return Booking.objects.filter(visible)

    def services(self) -> QuerySet[Any]:
        """Return the services that the user may see and book. Default: the active ones."""
        return _active("SERVICE_MODEL")

    def providers(self) -> QuerySet[Any]:
        """Return the providers that the user may see and book. Default: the active ones."""
        return _active("PROVIDER_MODEL")

    def managed_providers(self) -> QuerySet[Any]:
        """Return the providers whose business hours and time off the user may change.

        Default: those that the user is, and for staff with Django's permission to change schedules
        those of their tenants.
        """
        model = _model("PROVIDER_MODEL")
        providers: QuerySet[Any] = model._default_manager.all()
        if self.is_staff and self.user.has_perm("bookings_schedule.change_schedule"):
            if self.tenants is None:
                return providers
            # A model without tenants has providers of everybody.
            names = {field.attname for field in model._meta.concrete_fields}
            of_tenants = Q(tenant__in=self.tenants) if "tenant_id" in names else Q(pk__in=())
            return providers.filter(of_tenants | Q(pk__in=self.own_providers))
        return providers.filter(pk__in=self.own_providers)

    def referable(self, setting: str) -> QuerySet[Any]:
        """Return the objects that a body may refer to; any other key does not exist.

        :param setting: ``"SERVICE_MODEL"``, ``"PROVIDER_MODEL"``, ``"ADDON_MODEL"`` or
            ``"USER_MODEL"``.
        :returns: Default: :meth:`services`, :meth:`providers`, the active add-ons, and for staff
            the active users.
        """
        if setting == "SERVICE_MODEL":
            return self.services()
        if setting == "PROVIDER_MODEL":
            return self.providers()
        rows = _active(setting)
        return rows if setting == "ADDON_MODEL" or self.is_staff else rows.none()

    def roles(self, booking: Booking) -> list[Role]:
        """Return what the user is to a booking that they see, the strongest role first."""
        held = {
            Role.STAFF: self.is_staff_of(booking.tenant_id),
            Role.PROVIDER: booking.provider_id in self.own_providers,
            Role.CLIENT: self.is_authenticated and booking.client_user_id == self.user.pk,
        }
        return [role for role, is_held in held.items() if is_held]

    def role_for(self, booking: Booking) -> Role:
        """Return the strongest role of the user: by it fields are shown."""
        return next(iter(self.roles(booking)), Role.ANONYMOUS)

    def is_staff_of(self, tenant_id: Any) -> bool:
        """Return whether the user is staff to the bookings of a tenant."""
        return self.is_staff and (self.tenants is None or tenant_id in self.tenants)

    def role_to_create(self, service: Any) -> Role:
        """Return in which role the user books a service.

        Default: as staff, with Django's permission to add bookings; else as a client.
        """
        is_staff = self.is_staff_of(getattr(service, "tenant_id", None))
        if is_staff and self.user.has_perm("bookings.add_booking"):
            return Role.STAFF
        return Role.CLIENT if self.is_authenticated else Role.ANONYMOUS

    def acting_role(self, verb: str, booking: Booking) -> Role | None:
        """Return the strongest role in which the user may do this; ``None`` if they may not.

        ``verb`` is what :meth:`allows` is asked for.
        """
        verbs = {
            Role.STAFF: STAFF_VERBS if self._may_change(verb) else READING_VERBS,
            Role.PROVIDER: PROVIDER_VERBS,
            Role.CLIENT: CLIENT_VERBS,
        }
        if not booking.two_sided_completion:
            verbs[Role.CLIENT] = CLIENT_VERBS - {"complete"}
        return next((role for role in self.roles(booking) if verb in verbs[role]), None)

    def _may_change(self, verb: str) -> bool:
        return verb in READING_VERBS or self.user.has_perm("bookings.change_booking")

    def tenant_of(self, service: Any) -> Any:
        """Return the tenant of a new booking; ``None`` without tenancy. Default: the service's."""
        return service.tenant if app_settings.tenancy_enabled else None

    def client_defaults(self, role: Role) -> dict[str, Any]:
        """Return the client of a new booking, as far as the body does not say it.

        Default: the user, but for staff.
        """
        if role is not Role.CLIENT:
            return {}
        return {
            "client_user": self.user,
            "client_name": self.user.get_full_name() or self.user.get_username(),
            "client_email": getattr(self.user, self.user.get_email_field_name(), ""),
        }

    @property
    def principal(self) -> str:
        """Who sends a request with an ``Idempotency-Key``, whichever way they log in.

        Nobody is told what others were answered: who is not logged in is told by the address, and a
        policy that lets them hold time may know more, such as a token.
        """
        if self.is_authenticated:
            return f"user:{self.user.pk}"
        return f"address:{self.request.META.get('REMOTE_ADDR', '')}"

    def allows(self, verb: str, booking: Booking | None = None) -> bool:
        """Return whether the user may do this.

        :param verb: what is to be done: ``"list"``, ``"create"``, ``"hold"``, ``"availability"``
            and so on, or of a ``booking`` that the user sees, ``"view"``, ``"cancel"`` and so on.
        :param booking: the booking; ``None`` for a verb that is not about a single one.
        :returns: Default: anybody may ask for :data:`PUBLIC_VERBS`, whoever is logged in may do
            the rest, and of a booking, the role decides.
        """
        if booking is None:
            return verb in PUBLIC_VERBS or self.is_authenticated
        return self.acting_role(verb, booking) is not None

    def events(self, booking: Booking) -> QuerySet[BookingEvent]:
        """Return the events of a booking that the user may see.

        Default: all for staff; for others, of the notes only those for the client.
        """
        events = booking.events.all()
        if self.role_for(booking) is Role.STAFF:
            return events
        is_note = Q(event_type=BookingEvent.EventType.NOTE_ADDED)
        return events.filter(~is_note | Q(data__for_client=True))

    def unwritable_fields(self, role: Role) -> Collection[str]:
        """Return the fields that somebody who acts in this role may not set.

        Default: :data:`STAFF_BODY_FIELDS` for all but staff, of which a provider may set
        :data:`PROVIDER_BODY_FIELDS`.
        """
        if role is Role.STAFF:
            return frozenset()
        may_set = PROVIDER_BODY_FIELDS if role is Role.PROVIDER else frozenset()
        return STAFF_BODY_FIELDS - may_set

    def hidden_fields(self, role: Role) -> Collection[str]:
        """Return the fields of a booking that somebody in this role does not see.

        Default: :data:`STAFF_FIELDS` for all but staff.
        """
        return frozenset() if role is Role.STAFF else STAFF_FIELDS


def policy_of(request: Request) -> ApiPolicy:
    """Return the policy of a request, an instance of ``BOOKINGS_API_POLICY``."""
    policy: ApiPolicy | None = getattr(request, "bookings_policy", None)
    if policy is None:
        policy = import_string(api_settings.API_POLICY)(request)
        request.bookings_policy = policy  # type: ignore[attr-defined]
    return policy


def _model(setting: str) -> Any:
    return apps.get_model(app_settings.model_label(setting))


def _active(setting: str) -> QuerySet[Any]:
    model = _model(setting)
    names = {field.name for field in model._meta.concrete_fields}
    rows: QuerySet[Any] = model._default_manager.all()
    return rows.filter(is_active=True) if "is_active" in names else rows
