"""Create a series of sessions: one is published at every start of a rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from bookings import policies
from bookings.conf import app_settings
from bookings.contrib.series.alternatives import Wish
from bookings.contrib.series.recurrences import MOST_STARTS
from bookings.contrib.series.services.make import OnConflict, make, read
from bookings.contrib.series.services.result import SeriesResult
from bookings.protocols import ProviderLike, ServiceLike

if TYPE_CHECKING:
    from bookings.contrib.group_sessions.models import Session


class SessionOptions(TypedDict, total=False):
    """What every session of a series gets: see ``create_session``."""

    capacity: int
    title: str
    price_amount: Decimal | None
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
    limit: int = MOST_STARTS,
    idempotency_key: str = "",
    created_by: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
    **options: Unpack[SessionOptions],
) -> SeriesResult:
    """Publish a session of ``service`` with ``provider`` at every start of a rule.

    Each is a session of :mod:`bookings.contrib.group_sessions`, which has to be installed, and
    lasts ``duration_minutes``, or as long as its service. The rest is as with
    :func:`create_series`; alternatives are free time of the provider's, for a slot engine does not
    offer sessions.
    """
    if not apps.is_installed("bookings.contrib.group_sessions"):
        raise ImproperlyConfigured(
            "A series of sessions needs the app of sessions. Add bookings.contrib.group_sessions "
            "to INSTALLED_APPS."
        )
    from bookings.contrib.group_sessions.services import create_session

    asked = read(
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
        now_dt=now_dt,
    )
    if duration_minutes is None:
        rules = policies.ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)
        duration_minutes = rules.duration_minutes
    policies.whole_number(
        duration_minutes, "duration_minutes", at_least=1, at_most=policies.MAX_MINUTES
    )
    length = timedelta(minutes=duration_minutes)
    wish = Wish(
        service=service,
        provider=provider,
        tenant=tenant,
        now=asked.now,
        using=asked.using,
        session_length=length,
    )

    def create(at: datetime) -> Session:
        return create_session(
            service=service,
            provider=provider,
            start_at=at,
            end_at=policies.elapsed_end(at, length),
            tenant=tenant,
            created_by=created_by,
            now_dt=asked.now,
            **options,
        )

    return make(asked, create, wish)
