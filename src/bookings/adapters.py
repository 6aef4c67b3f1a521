"""The adapter: what a host decides differently. Subclass it and name it in ``BOOKINGS_ADAPTER``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from bookings import extensions
from bookings.conf import PREFIX, app_settings
from bookings.exceptions import InvalidBooking, NotAllowed
from bookings.protocols import AddonLike, BookingType, ProviderLike, ServiceLike
from bookings.rules.instants import add_elapsed
from bookings.rules.limits import Limits
from bookings.rules.money import round_amount
from bookings.rules.validation import MAX_HOURS, whole_number
from bookings.rules.zones import provider_zone

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from bookings.models import Booking
    from bookings.pools import AnyOf

__all__ = ["DefaultBookingAdapter", "Limits", "get_adapter", "round_amount"]

INACTIVE: Final = {
    "service": _("The service is not active. Choose another."),
    "provider": _("The provider is not active. Choose another."),
}


class DefaultBookingAdapter:
    """What a host may decide differently. One instance serves all threads: keep no state in it.

    A method refuses by raising a :class:`~bookings.exceptions.BookingError`. These are called while
    a calendar is locked, so they must not query for long, and all others before the lock, but for
    :meth:`meeting_link`, which is called after the commit:

    - :meth:`check_permission` and :meth:`generate_reference` always;
    - :meth:`limits` and :meth:`time_zone` if there are limits;
    - :meth:`time_zone` where ``save()`` changes the time of a booking by the day;
    - :meth:`named_seats` where clients are told apart;
    - :meth:`questions` when a hold is completed, and when answers are changed;
    - :meth:`check_bookable`, :meth:`requires_approval` and :meth:`approval_deadline` when a booking
      is confirmed or submitted, also by a payment;
    - :meth:`check_bookable`, :meth:`check_addon` and :meth:`approval_deadline` when it is moved;
    - :meth:`check_bookable` and :meth:`approval_deadline` when it is reopened;
    - :meth:`check_bookable` when it gets more seats;
    - :meth:`check_bookable`, :meth:`booking_types`, :meth:`price`, :meth:`requires_approval`,
      :meth:`max_reschedules` and :meth:`approval_deadline` when a client is promoted from a
      waitlist in the transaction that frees the seats: who that is, only the lock tells. When
      staff promote somebody, and when ``expire_bookings`` tries refused clients again, they are
      called before the lock, and under it only if the entry or the session has changed meanwhile.

    By default, :meth:`check_bookable` calls :meth:`check_active`. Any method may be called more
    than once.
    """

    def generate_reference(self, booking: Booking, now_dt: datetime) -> str:
        """Return the reference of a new booking.

        It is called again if the reference belongs to another booking.

        :param booking: the booking, not stored yet.
        :param now_dt: the instant that counts as now.
        :returns: 1 to 32 characters. Default: ``BK-<year>-`` and 8 random characters.
        """
        return booking.generate_reference(now_dt)

    def requires_approval(self, booking: Booking) -> bool:
        """Return whether a booking waits as PENDING for its provider's answer.

        :param booking: the booking, with its service, provider and client. A hold may have no
            client yet: the method is called again when the hold is submitted, with its first answer
            in ``booking.requires_approval``.
        :returns: Default: what the service says.
        """
        return booking.requires_approval

    def max_reschedules(self, booking: Booking) -> int | None:
        """Return how often the client may move a new booking; the booking keeps the number.

        :param booking: the booking, with its service, provider and client;
            ``booking.max_reschedules`` is what the service says.
        :returns: a number of moves, or ``None`` for no limit. Default: what the service says.
        """
        most: int | None = booking.max_reschedules
        return most

    def approval_deadline(self, booking: Booking, now_dt: datetime) -> datetime | None:
        """Return when a request that is made now lapses, if nobody answers it.

        :param booking: the request.
        :param now_dt: the instant that counts as now.
        :returns: an aware datetime; ``None`` for never. A request lapses at its start in any case.
            Default: ``BOOKINGS_APPROVAL_DEADLINE_HOURS`` from now.
        """
        hours = app_settings.APPROVAL_DEADLINE_HOURS
        if hours is None:
            return None
        whole_number(hours, f"{PREFIX}APPROVAL_DEADLINE_HOURS", at_least=1, at_most=MAX_HOURS)
        return add_elapsed(now_dt, timedelta(hours=hours))

    def price(self, booking: Booking, addons: Sequence[Any]) -> Decimal | None:
        """Return the price of the booking without its add-ons.

        :param booking: the booking; ``booking.price_amount`` is the default price.
        :param addons: the host's add-on objects.
        :returns: an amount with at most the decimals of ``booking.currency``
            (:func:`round_amount` rounds to them); ``None`` for no price. Default: the service's
            ``price_amount`` by its ``pricing_type``, in a session for each of the ``party_size``
            seats.
        """
        price: Decimal | None = booking.price_amount
        return price

    def booking_types(self, service: ServiceLike, provider: ProviderLike) -> Collection[str]:
        """Return which types of booking the service takes with this provider.

        :param service: the host's service.
        :param provider: the host's provider.
        :returns: values of :class:`~bookings.protocols.BookingType`; empty for a service that
            cannot be booked. Default: all of them.
        """
        return tuple(BookingType)

    def providers_of(self, service: ServiceLike) -> QuerySet[Any]:
        """Return the providers who offer a service.

        A booking or a session with another provider is refused, unless staff override. The
        selectors of slots offer nothing of them, and a pool passes them over. The core filters the
        answer by the keys of the providers in question, so that it reads no more than those.

        :param service: the host's service.
        :returns: a queryset of ``BOOKINGS_PROVIDER_MODEL`` that can be filtered, so without a slice
            or a union. Default: the service's relation ``providers``, if there is one and the
            service does not say ``has_providers = False``; else all active providers, of the
            service's tenant. Then no query is made for it: whether a provider is active,
            :meth:`check_active` says.
        """
        if restricts_providers(service):
            related: Any = service.providers  # type: ignore[attr-defined]
            every: QuerySet[Any] = getattr(related, "all", lambda: related)()
            return every
        model: Any = apps.get_model(app_settings.PROVIDER_MODEL)
        columns = {field.attname for field in model._meta.concrete_fields}
        conditions = {"is_active": True} if "is_active" in columns else {}
        tenant_id = getattr(service, "tenant_id", None)
        if app_settings.tenancy_enabled and tenant_id is not None and "tenant_id" in columns:
            conditions["tenant_id"] = tenant_id
        providers: QuerySet[Any] = model._default_manager.filter(**conditions)
        return providers

    def own_providers(self, user: Any) -> QuerySet[Any]:
        """Return the providers that a user is.

        In the admin, such a user sees only their own bookings, calendar and time off, unless they
        have the permission ``bookings.view_all_bookings``.

        :param user: the user who is logged in.
        :returns: a queryset of ``BOOKINGS_PROVIDER_MODEL`` that can be filtered. Default: those
            whose ``user`` is the user, if the model has such a foreign key; else none.
        """
        model: Any = apps.get_model(app_settings.PROVIDER_MODEL)
        fields = {field.name: field for field in model._meta.concrete_fields}
        user_model: Any = getattr(fields.get("user"), "related_model", None)
        providers: QuerySet[Any] = model._default_manager.all()
        if user_model is None or not isinstance(user, user_model):
            return providers.none()
        return providers.filter(user=user.pk)

    def resources(self, booking: Booking) -> Iterable[ProviderLike | AnyOf]:
        """Return the resources that a booking takes besides its provider.

        It is called for every new booking, and by the selectors of slots.

        :param booking: the booking, not stored yet, with its service, provider and start. Its
            ``requested_resources`` are those of the caller, which are taken besides.
        :returns: providers, each certain, and pools of which any one will do. Default: the
            service's ``resources``, a list or a relation; none if there is no such attribute.
        """
        resources = getattr(booking.service, "resources", ())
        related: Iterable[ProviderLike] | None = getattr(resources, "all", lambda: None)()
        return resources if related is None else related

    def resource_buffers(self, booking: Booking, resource: ProviderLike) -> tuple[int, int]:
        """Return how many minutes a resource is taken before the start and after the end.

        :param booking: the booking, not stored yet, with its start and end.
        :param resource: the host's provider that may become its resource.
        :returns: two whole numbers, not negative. Default: those of the booking.
        """
        return booking.buffer_before_minutes, booking.buffer_after_minutes

    def check_resource(
        self, booking: Booking, resource: ProviderLike, *, override_policy: bool
    ) -> None:
        """Raise an error unless the booking may take this resource.

        Of a pool, one that is refused is passed over.

        :param booking: the booking as it is to be; it is stored if it is moved or reopened.
        :param resource: the host's provider that may become its resource.
        :param override_policy: whether staff lift the rules.
        :raises NotAllowed: Default: it has ``is_active = False``, and staff do not override.
        """
        if not override_policy and not getattr(resource, "is_active", True):
            raise NotAllowed(
                _("The resource %(resource)s is not active. Choose another."),
                params={"resource": str(resource)},
                field="resources",
            )

    def limits(self, booking: Booking) -> Limits:
        """Return how many bookings there may be besides this one.

        It is called for every booking that is made or moved, and again under the lock if there are
        limits. If you override it, the selectors of slots and sessions call it for each start.

        :param booking: the booking as it is to be.
        :returns: Default: what the service, the provider and the settings say.
        """
        return Limits.of(
            booking.service,
            booking.provider,
            max_active_bookings_per_client=app_settings.MAX_ACTIVE_BOOKINGS_PER_CLIENT,
            max_bookings_per_client_per_day=app_settings.MAX_BOOKINGS_PER_CLIENT_PER_DAY,
            max_bookings_per_client_per_week=app_settings.MAX_BOOKINGS_PER_CLIENT_PER_WEEK,
            prevent_client_overlap=app_settings.PREVENT_CLIENT_OVERLAP,
        )

    def time_zone(self, booking: Booking) -> tzinfo:
        """Return the zone in which days begin and end: of the limits, of ``maximum_advance_days``,
        of prices by the day, and of bookings that last by the wall clock.

        It is called once for each provider, and only where a day matters.

        :param booking: the booking that is made, moved or counted.
        :returns: Default: the zone of the :mod:`schedule <bookings.contrib.schedule>` that the
            provider follows, else the provider's ``timezone``, an IANA name or a ``tzinfo``, else
            ``TIME_ZONE``.
        """
        return default_time_zones([booking])[booking.provider_id]

    def named_seats(self, service: ServiceLike) -> bool:
        """Return whether the clients of a service are told apart by their names too.

        Then a family on one e-mail address can hold several seats of a session, each in another
        name. It is called under the lock wherever clients are told apart.

        :param service: the host's service.
        :returns: Default: the service's ``named_seats``, which is false if there is none.
        """
        return bool(getattr(service, "named_seats", False))

    def questions(self, service: ServiceLike) -> Sequence[Mapping[str, Any]]:
        """Return the questions that a booking of the service asks; see :mod:`bookings.questions`.

        It is called for every new booking, and for every change of answers, then under the lock.

        :param service: the host's service.
        :returns: declarations of questions, in the order in which they are asked. A label may be a
            lazy translation: a booking keeps it in the language in which it is answered. Default:
            the service's ``questions``, none without such an attribute.
        """
        declared: Sequence[Mapping[str, Any]] = getattr(service, "questions", None) or ()
        return declared

    def meeting_link(self, booking: Booking) -> str:
        """Return the address of the online meeting of a confirmed booking, which has none yet.

        It is called after the commit, without a lock, so it may ask a provider of meetings. If it
        raises an error, that is logged, and ``request_meeting_links`` calls it again; so it does
        for a booking for which the method has returned nothing. Answer without a network where
        there is no meeting. The same booking may be asked about twice.

        :param booking: the booking as it is stored, with its service and provider.
        :returns: an ``http`` or ``https`` address, or ``""`` for none, the default.
        """
        return ""

    def check_addon(self, service: ServiceLike, addon: AddonLike) -> None:
        """Raise an error unless the add-on can be booked with the service.

        :param service: the host's service.
        :param addon: the host's add-on.
        :raises InvalidBooking: Default: the add-on has a ``service_id`` of another service.
        """
        if getattr(addon, "service_id", None) not in (None, service.pk):
            raise InvalidBooking(
                _("The add-on %(addon)s belongs to another service."),
                "wrong_addon",
                params={"addon": str(addon)},
            )

    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        """Raise an error unless the booking may be made, confirmed, reopened, or moved where it is.

        If you override it, the selectors of slots and sessions call it as well, once for each
        start: they do not offer what it refuses. The booking is a draft then: it has no add-ons,
        and a client only if the selector was told who it is.

        :param booking: the booking as it is to be, not stored yet.
        :param override_policy: whether staff lift the rules.
        :raises BookingError: Default: what :meth:`check_active` raises.
        """
        self.check_active(booking.service, booking.provider, override_policy=override_policy)

    def check_active(
        self, service: ServiceLike, provider: ProviderLike, *, override_policy: bool
    ) -> None:
        """Raise an error unless the service is sold with this provider.

        It is called for every booking, and for a session that is published or given to another
        provider.

        :param service: the host's service.
        :param provider: the host's provider.
        :param override_policy: whether staff lift the rules.
        :raises NotAllowed: Default: one of the two has ``is_active = False``, and staff do not
            override.
        """
        for name, instance in (("service", service), ("provider", provider)):
            if not override_policy and not getattr(instance, "is_active", True):
                raise NotAllowed(INACTIVE[name], field=name)

    def auto_cancel_grace_hours(self, service: ServiceLike, provider: ProviderLike) -> int | None:
        """Return after how many hours an ended booking that nobody closed is cancelled.

        It is called once in each run of ``auto_cancel_expired_bookings`` for each service and
        provider with bookings that have ended.

        :param service: the host's service.
        :param provider: the host's provider.
        :returns: hours after the end; ``None`` for ``BOOKINGS_AUTO_CANCEL_GRACE_HOURS``. Default:
            the service's ``auto_cancel_grace_hours``.
        """
        hours: int | None = getattr(service, "auto_cancel_grace_hours", None)
        return hours

    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        """Raise an error unless ``actor`` may do this to the booking.

        :param actor: the user who acts; ``None`` for nobody.
        :param verb: ``"create"``, ``"cancel"`` and so on.
        :param booking: the booking as it is stored; for ``"create"``, as it is to be.
        :raises NotAllowed: Default: never. Your own code calls the services, and decides in its
            views who gets there.
        """


def get_adapter() -> DefaultBookingAdapter:
    """Return the adapter that ``BOOKINGS_ADAPTER`` names."""
    return _adapter(app_settings.ADAPTER)


def default_time_zones(bookings: Collection[Booking]) -> dict[Any, tzinfo]:
    """Return the default of ``time_zone()`` for the providers of these bookings, by provider key.

    The bookings have one tenant.
    """
    providers: dict[Any, Any] = {booking.provider_id: booking.provider for booking in bookings}
    one = next(iter(bookings))
    known = extensions.time_zones(list(providers.values()), tenant_id=one.tenant_id)
    return {
        key: known[key] if key in known else provider_zone(getattr(provider, "timezone", None))
        for key, provider in providers.items()
    }


def is_overridden(method: str) -> bool:
    """Return whether the adapter that ``BOOKINGS_ADAPTER`` names overrides this method."""
    return getattr(type(get_adapter()), method) is not getattr(DefaultBookingAdapter, method)


def restricts_providers(service: Any) -> bool:
    """Return whether the service has a relation ``providers`` that says who offers it."""
    related = getattr(service, "providers", None)
    return related is not None and bool(getattr(service, "has_providers", True))


@lru_cache(maxsize=8)
def _adapter(path: str) -> DefaultBookingAdapter:
    adapter: DefaultBookingAdapter = import_string(path)()
    return adapter
