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


CLIENT_VERBS: Final = frozenset({"view", "events"})
PROVIDER_VERBS: Final = frozenset({"view", "events"})
STAFF_VERBS: Final = frozenset({"view", "events"})

STAFF_FIELDS: Final = frozenset(
    {"notes_internal", "metadata", "tenant", "client_user", "created_by", "created_by_name"}
)
"""The fields of a booking that only staff see."""


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

    def role_for(self, booking: Booking) -> Role:
        """Return what the user is to a booking that they see."""
        if self.is_staff and (self.tenants is None or booking.tenant_id in self.tenants):
            return Role.STAFF
        if booking.provider_id in self.own_providers:
            return Role.PROVIDER
        return Role.CLIENT if self.is_authenticated else Role.ANONYMOUS

    def allows(self, verb: str, booking: Booking | None = None) -> bool:
        """Return whether the user may do this.

        :param verb: what is to be done: ``"list"``, or of a ``booking`` that the user sees
            ``"view"``, ``"events"`` and so on.
        :param booking: the booking; ``None`` for a verb that is not about a single one.
        :returns: Default: anybody may look at services and providers, whoever is logged in may list
            bookings, and of a booking, the role decides.
        """
        if booking is None:
            return self.is_authenticated
        verbs = {
            Role.STAFF: STAFF_VERBS,
            Role.PROVIDER: PROVIDER_VERBS,
            Role.CLIENT: CLIENT_VERBS,
        }
        return verb in verbs.get(self.role_for(booking), frozenset())

    def events(self, booking: Booking) -> QuerySet[BookingEvent]:
        """Return the events of a booking that the user may see.

        Default: all for staff; for others, of the notes only those for the client.
        """
        events = booking.events.all()
        if self.role_for(booking) is Role.STAFF:
            return events
        is_note = Q(event_type=BookingEvent.EventType.NOTE_ADDED)
        return events.filter(~is_note | Q(data__for_client=True))

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
