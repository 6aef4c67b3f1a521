"""What an app adds to the core: one object for each app, registered in its ``AppConfig.ready()``.

The bundled apps use it, and so may a host's own app::

    class LoyaltyExtension(Extension):
        name = "loyalty"

        def after_event(self, booking_ids, event_type, *, using, now):
            ...


    class LoyaltyConfig(AppConfig):
        name = "loyalty"

        def ready(self):
            extensions.register(LoyaltyExtension())

The core asks the extensions by ``order``, then by ``name``, whatever the order of
``INSTALLED_APPS``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.core.exceptions import ImproperlyConfigured

from bookings.rules.working_days import WorkingDays

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.contrib.admin.options import InlineModelAdmin
    from django.db.models import Model
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

    from bookings.exceptions import BookingError
    from bookings.integrity import Problem
    from bookings.ledger.claims import Claim
    from bookings.models import Booking
    from bookings.protocols import ProviderLike, ServiceLike
    from bookings.services.anonymize import ErasedClient


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """What an app shows in the admin's calendar besides bookings, such as a session or time off."""

    provider_id: Any
    start_at: datetime
    end_at: datetime
    title: str
    details: str = ""
    """A second line, such as how many seats are taken."""
    url: str = ""
    """The page of the object; empty for what the user may not open."""
    is_work: bool = True
    """Whether it is what clients come for. Else it is an absence: a shade behind the bookings."""
    busy_interval_id: int | None = None
    """The busy interval that the entry shows, which the calendar then shows no second time."""
    booking_ids: frozenset[Any] = frozenset()
    """The bookings that the entry shows together, as those of a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionRow:
    """One thing that somebody should look at."""

    text: str
    url: str
    details: str = ""
    start_at: datetime | None = None
    """When it takes place."""
    since: datetime | None = None
    """Since when it waits."""
    until: datetime | None = None
    """Until when something can be done."""
    action_label: str = ""
    """The text of a button that takes the thing off the board; empty for no button."""
    action_url: str = ""
    """Where the button posts to. That page leads back to the board if ``board`` is posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionSection:
    """A kind of things that need attention, on the board of the admin."""

    name: str
    """A short name, unique on the board."""
    title: str
    count: int
    """How many there are, of which ``rows`` are the most urgent."""
    rows: Sequence[AttentionRow] = ()
    url: str = ""
    """A list of all of them; empty if there is none."""


class Extension:
    """Override the methods that your app needs; each does nothing by default.

    An extension keeps no state: one instance serves all threads.
    """

    name: ClassVar[str]
    """The label of the app. :attr:`~bookings.models.Booking.terms` are stored under it."""

    order: ClassVar[int] = 100
    """Lower comes first. The bundled apps use 10 to 50."""

    guarded_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields of a booking that the app's own rows follow, by name.

    ``Booking.objects.update()`` and ``bulk_update()`` call no extension, so they refuse these
    fields, as they refuse those that the ledger follows.
    """

    terms_vary_with: ClassVar[Collection[str] | None] = None
    """The attributes of a booking that :meth:`terms` depends on. A series then asks once for all
    bookings that are equal in them; with ``None``, it asks for each."""

    def terms(self, booking: Booking, *, using: str) -> dict[str, Any] | None:
        """Return what is agreed on for a new booking, as JSON; ``None`` for nothing.

        The core calls it once for each new booking, before it takes the lock, and stores the result
        in ``Booking.terms`` under :attr:`name`. Only for a client who is promoted from a waitlist
        in the transaction that frees the seats, it is called under the lock. The booking is not
        stored yet and has everything but its reference. ``using`` is the alias of the database that
        it will be written to.
        To refuse the booking, raise a :class:`~bookings.exceptions.BookingError`.
        """
        return None

    def after_event(
        self, booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
    ) -> None:
        """Write what follows from one event of each of these bookings, in the same transaction.

        The core calls it under the calendar's lock, after it has written the bookings and their
        events, for every event but CREATED (use :meth:`terms` for that). A signal is sent after the
        commit and is lost if the process dies in between; this is not. The bookings are locked.
        There may be hundreds of them: use a constant number of statements. What it raises undoes
        the change.
        """

    def after_deletion(self, interval_ids: Sequence[int], *, using: str) -> None:
        """Write what follows from the deletion of bookings, in the same transaction.

        A deleted booking leaves no event. ``interval_ids`` are the keys of the busy intervals that
        the deleted bookings held; an interval that no other booking uses is deleted by then.
        """

    def sweep(self, *, using: str, now: datetime) -> None:
        """Do what is due by now, and what an earlier call could not do.

        ``expire_bookings`` calls it in the end, every minute or so, with no calendar locked; in a
        transaction of the caller, once that is committed. An error is logged.
        """

    def anonymize_client(
        self, client: ErasedClient, *, using: str, now: datetime, dry_run: bool
    ) -> int:
        """Remove who a client is from the app's own rows; return how many rows these are.

        ``anonymize_client`` calls it before it changes the bookings, outside of its transactions,
        with no calendar locked unless the caller has opened a transaction. ``client.rows()`` is a
        filter for rows with the fields of a client and a tenant, and ``client.values(row)`` returns
        what to write to such a row. With ``dry_run``, count the rows and change nothing.
        """
        return 0

    def find_problems(self, using: str) -> Iterable[Problem]:
        """Yield what is wrong with the app's rows in this database; see :mod:`bookings.integrity`.

        An app that claims time by itself checks its claims here.
        """
        return ()

    def claim(self, booking: Booking, *, using: str) -> Claim | None:
        """Return the claim of a stored booking that is to hold time; ``None`` for its own time.

        The core calls it under the lock of the booking's calendar when a booking holds time again,
        as after a dispute, and when ``check_bookings --fix`` restores a lost claim. The method may
        write what the claim rests on. To refuse the time, raise a
        :class:`~bookings.exceptions.BookingError`.
        """
        return None

    def check_more_seats(
        self, booking: Booking, *, now: datetime, using: str, override_policy: bool
    ) -> None:
        """Raise a ``BookingError`` unless an active booking may take more seats than it holds.

        The core calls it under the lock of the booking's calendar, before the seats are taken.
        ``booking.party_size`` is the new number of seats, which is not stored yet;
        ``override_policy`` says that staff lift the rules. Whether the seats are free is checked
        after it.
        """

    def working_days(
        self, providers: Collection[ProviderLike], first: date, last: date
    ) -> Mapping[Any, WorkingDays]:
        """Return on which dates from ``first`` to ``last`` (both included) providers work.

        The result is keyed by provider; leave out the providers that the app knows nothing about.
        There may be thousands of them: use a constant number of queries. The first extension that
        knows a provider is asked for the others no more.
        """
        return {}

    def time_zones(
        self, providers: Collection[ProviderLike], *, tenant_id: Any
    ) -> Mapping[Any, tzinfo]:
        """Return the zones in which the days of providers begin and end, keyed by provider.

        The limits count days and weeks in them, and ``maximum_advance_days`` does too. Leave out
        the providers that the app knows nothing about: those have their own ``timezone``, or
        ``TIME_ZONE``. ``tenant_id`` is the tenant of providers whose model has none. There may be
        many providers: use a constant number of queries. The zone of the first extension that knows
        a provider is taken.
        """
        return {}

    def closed_resources(
        self, resources: Sequence[ProviderLike], bookings: Sequence[Booking]
    ) -> Sequence[Mapping[Any, BookingError]]:
        """Return for each booking why resources are closed at its time, by the resource's key.

        The core asks before the lock, where a slot engine is configured and the caller does not
        skip it. Leave out the resources that are open, and those that the app knows nothing about.
        Use a constant number of queries. The bookings have a start and an end, and one tenant; they
        may not be stored yet.
        """
        return [{} for _booking in bookings]

    def open_time(
        self,
        providers: Collection[ProviderLike],
        start_at: datetime,
        end_at: datetime,
        *,
        tenant_id: Any,
    ) -> Mapping[Any, Sequence[tuple[datetime, datetime]]]:
        """Return when providers are open between two instants, keyed by provider.

        Each value is a sorted list of half-open intervals in UTC, which may reach beyond the two
        instants; time that is taken is not left out. A provider that the app knows nothing about is
        left out, and open at all times. Use a constant number of queries. The hours of the first
        extension that knows a provider are taken. ``tenant_id`` is as in :meth:`time_zones`.
        """
        return {}

    def free_starts(
        self, service: ServiceLike, provider: ProviderLike, start_at: datetime, end_at: datetime
    ) -> Iterable[datetime]:
        """Return the starts that are free between two instants, for staff who make a booking.

        The admin asks the first extension that has the method. Without one, staff write the time.
        """
        return ()

    def calendar_entries(
        self,
        providers: Collection[ProviderLike],
        start_at: datetime,
        end_at: datetime,
        *,
        site: AdminSite,
        request: HttpRequest,
    ) -> Iterable[CalendarEntry]:
        """Yield what the admin's calendar shows of these providers between two instants.

        Name and link only what the user of the request may see. Use a constant number of queries.
        """
        return ()

    def attention(
        self, *, site: AdminSite, request: HttpRequest, rows: int
    ) -> Iterable[AttentionSection]:
        """Yield what needs attention, with at most so many rows in each section.

        Count and name only what the user of the request may see. Use a constant number of queries.
        """
        return ()

    def booking_inlines(self) -> Sequence[type[InlineModelAdmin[Any, Any]]]:
        """Return inlines for the page of a booking in the admin, shown before its history."""
        return ()

    def refusal_link(
        self, code: str, booking: Booking, *, site: AdminSite, request: HttpRequest
    ) -> SafeString | None:
        """Return a link to the page where staff do what was refused with this error code.

        The admin appends it to the message. Return ``None`` if the site has no such page, or if the
        user of the request may not open it.
        """
        return None

    def cancellation_notes(
        self, bookings: Sequence[Booking], *, by: str, site: AdminSite, request: HttpRequest
    ) -> Mapping[Any, Sequence[str]]:
        """Return what follows if bookings are cancelled now, such as a refund, by key.

        ``by`` is on whose behalf, ``client`` or ``provider``. The admin shows it before staff
        cancel. Tell only what the user of the request may see. Use a constant number of queries.
        """
        return {}

    def list_links(
        self, model: type[Model], site: AdminSite, request: HttpRequest
    ) -> Iterable[tuple[str, str]]:
        """Yield labels and addresses of pages to offer above the list of a model in the admin.

        The list of sessions asks. Yield only what the user of the request may open.
        """
        return ()

    def related_links(
        self, instance: Model, site: AdminSite, request: HttpRequest
    ) -> Iterable[tuple[str, SafeString]]:
        """Yield labels and links from an object's page in the admin to what it belongs to.

        Yield only what the user of the request may see.
        """
        return ()


__all__ = [
    "AttentionRow",
    "AttentionSection",
    "CalendarEntry",
    "Extension",
    "WorkingDays",
    "implementing",
    "register",
    "registered",
]

_extensions: Final[dict[str, Extension]] = {}


def register(extension: Extension) -> None:
    """Add an extension; call it in ``AppConfig.ready()``.

    Raises ``ImproperlyConfigured`` if another class has registered the same name. Registering the
    same class again does nothing.
    """
    known = _extensions.setdefault(extension.name, extension)
    if type(known) is not type(extension):
        raise ImproperlyConfigured(
            f"Two extensions are named {extension.name!r}: {type(known).__qualname__} and "
            f"{type(extension).__qualname__}. Name each after its app's label."
        )


def registered() -> list[Extension]:
    """Return all extensions in their declared order."""
    return sorted(_extensions.values(), key=lambda extension: (extension.order, extension.name))


def implementing(method: str) -> list[Extension]:
    """Return the extensions that override this method, in their declared order."""
    default = getattr(Extension, method)
    return [
        extension for extension in registered() if getattr(type(extension), method) is not default
    ]


def time_zones(providers: Collection[ProviderLike], *, tenant_id: Any) -> dict[Any, tzinfo]:
    """Return the zones that the extensions know, by provider key."""
    known: dict[Any, tzinfo] = {}
    for extension in implementing("time_zones"):
        known = {**extension.time_zones(providers, tenant_id=tenant_id), **known}
    return known


def open_time(
    providers: Collection[ProviderLike],
    start_at: datetime,
    end_at: datetime,
    *,
    tenant_id: Any = None,
) -> dict[Any, Sequence[tuple[datetime, datetime]]]:
    """Return when the extensions say that providers are open, by provider key."""
    known: dict[Any, Sequence[tuple[datetime, datetime]]] = {}
    for extension in implementing("open_time"):
        known = {
            **extension.open_time(providers, start_at, end_at, tenant_id=tenant_id),
            **known,
        }
    return known
