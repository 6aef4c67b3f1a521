"""Create a series of sessions: one at every start of a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from bookings.conf import app_settings
from bookings.contrib.series.alternative_starts import InstanceTemplate
from bookings.contrib.series.recurrences import DEFAULT_LIMIT
from bookings.contrib.series.services.new_series import (
    OnConflict,
    SeriesRequest,
    find_replay,
    save_new_series,
    validate_request,
)
from bookings.contrib.series.services.results import Refusals, SeriesResult
from bookings.exceptions import BookingError
from bookings.protocols import ProviderLike, ServiceLike
from bookings.rules import instants, service_rules, validation
from bookings.rules.lengths import WallLength

if TYPE_CHECKING:
    from bookings.contrib.group_sessions.models import Session


class SessionOptions(TypedDict, total=False):
    """The parameters of :func:`~bookings.contrib.group_sessions.services.create_session` that all
    sessions of a series share.
    """

    capacity: int
    title: str
    price_amount: Decimal | None
    location: str
    meeting_link: str
    enable_waitlist: bool
    waitlist_offer_minutes: int | None
    allow_past: bool | None
    override_policy: bool


def create_session_series(
    *,
    rrule: str,
    timezone: str,
    start_at: datetime,
    service: ServiceLike,
    provider: ProviderLike,
    duration_minutes: int | None = None,
    exdates: Iterable[datetime] = (),
    on_conflict: str = OnConflict.REFUSE,
    alternatives: int = 0,
    limit: int = DEFAULT_LIMIT,
    idempotency_key: str = "",
    created_by: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
    **options: Unpack[SessionOptions],
) -> SeriesResult:
    """Publish a session at every start of a rule, all in one transaction.

    :mod:`bookings.contrib.group_sessions` has to be installed.

    :param rrule: the recurrence rule, as ``FREQ=WEEKLY;COUNT=10``: see
        :func:`~bookings.contrib.series.rrule.parse_rrule`.
    :param timezone: the IANA name of the time zone whose clocks the series follows.
    :param start_at: the first start: an instant, or a naive datetime that the clocks of
        ``timezone`` show.
    :param service: the service of the sessions.
    :param provider: the provider of the sessions.
    :param duration_minutes: how long each session lasts; the default is the service's duration,
        by the wall clock of the provider if the service is booked by the day.
    :param exdates: starts of the rule to leave out, in either form that ``start_at`` can have.
    :param on_conflict: what to do if a session cannot be published: ``refuse`` writes nothing,
        ``skip`` leaves such starts out of the series. See :class:`OnConflict`.
    :param alternatives: how many free starts to find for each start at which there cannot be a
        session, within the week after it: from 0 to 20. The provider's time is free then; a slot
        engine is not asked.
    :param limit: how many starts the rule may have, ``exdates`` included: from 1 to 10,000.
    :param idempotency_key: a key of the request, unique within the tenant. The same request again
        returns the same series, with the sessions that it has by then.
    :param created_by: the user who makes the series; ``None`` for nobody.
    :param tenant: the tenant of the series; required if, and only if, tenancy is enabled.
    :param now_dt: the instant of the request; the default is now.
    :param options: any of :class:`SessionOptions`, for every session.
    :returns: the series, its sessions, and the starts that were skipped.
    :raises InvalidRecurrence: the rule, the first start or the excluded starts are invalid.
    :raises SeriesConflict: there cannot be a session at some starts, or at none with ``skip``;
        nothing was written.
    :raises IdempotencyKeyReused: the key belongs to another request.
    :raises InvalidBooking: an argument is invalid.
    :raises MissingReference: something the sessions refer to does not exist, or no longer exists.
    :raises TenantMismatch: the tenant is missing, or something belongs to another one.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    :raises ImproperlyConfigured: the app of sessions is not installed.
    """
    if not apps.is_installed("bookings.contrib.group_sessions"):
        raise ImproperlyConfigured(
            "A series of sessions needs the app of sessions. Add bookings.contrib.group_sessions "
            "to INSTALLED_APPS."
        )
    from bookings.contrib.group_sessions.services.create_session import new_session

    request = validate_request(
        kind="sessions",
        rrule=rrule,
        timezone=timezone,
        start_at=start_at,
        exdates=exdates,
        limit=limit,
        service=service,
        provider=provider,
        tenant=tenant,
        created_by=created_by,
        on_conflict=on_conflict,
        alternatives=alternatives,
        idempotency_key=idempotency_key,
        instance={"duration_minutes": duration_minutes, **options},
        now_dt=now_dt,
    )
    if replayed := find_replay(request):
        return replayed
    wall_length = None
    if duration_minutes is None:
        rules = service_rules.ServiceRules.of(
            service, default_currency=app_settings.DEFAULT_CURRENCY
        )
        # By the day, these are about as many as the first session lasts.
        duration_minutes, wall_length = rules.duration_minutes, rules.wall_length
    validation.whole_number(
        duration_minutes, "duration_minutes", at_least=1, at_most=validation.MAX_MINUTES
    )
    length = timedelta(minutes=duration_minutes)
    template = InstanceTemplate(
        service=service,
        provider=provider,
        tenant=tenant,
        now=request.now,
        session_length=wall_length or length,
    )
    values: dict[str, Any] = dict(options)
    allow_past = values.pop("allow_past", None)
    override_policy = values.pop("override_policy", False)
    first = request.recurrence.starts()[0]
    session, rules = new_session(
        service=service,
        provider=provider,
        start_at=first,
        end_at=instants.add_elapsed(first, length),
        tenant=tenant,
        created_by=created_by,
        now=request.now,
        **values,
    )
    sessions = NewSessions(
        request,
        session,
        rules,
        length=wall_length,
        allow_past=allow_past,
        override_policy=override_policy,
    )
    return save_new_series(request, sessions, template)


class NewSessions:
    """The sessions of a new series, as :class:`NewInstances`."""

    def __init__(
        self,
        request: SeriesRequest,
        session: Session,
        rules: service_rules.ServiceRules,
        *,
        length: WallLength | None,
        allow_past: bool | None,
        override_policy: bool,
    ) -> None:
        from bookings.contrib.group_sessions.bulk_creation import BulkSessions

        self._request = request
        self._session = session
        self._rules = rules
        self._allow_past = allow_past
        self._override_policy = override_policy
        self._sessions = BulkSessions(
            session,
            now=request.now,
            using=request.using,
            override_policy=override_policy,
            length=length,
        )

    def prepare(self, refusals: Refusals) -> None:
        from bookings.contrib.group_sessions.services.create_session import check_new_session
        from bookings.contrib.group_sessions.session_rules import check_publishable

        starts, session = self._request.recurrence.starts(), self._session
        check_new_session(session, self._rules)
        try:
            check_publishable(
                session.service, session.provider, override_policy=self._override_policy
            )
        except BookingError as error:
            for start_at in starts:
                refusals.add(start_at, error)
        else:
            self._sessions.prepare(starts, refusals.add, self._allow_past)

    @property
    def resource_ids(self) -> set[Any]:
        return self._sessions.resource_ids

    def check(self, calendars: Mapping[Any, int], refusals: Refusals) -> Sequence[Session]:
        return self._sessions.check(calendars, refusals.add)

    def write(self) -> None:
        self._sessions.write()
