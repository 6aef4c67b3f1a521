"""The host's rows for the scenarios of the bundled apps, all of which are installed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bookings.contrib.group_sessions.models import (
    Seat,
    Session,
    SessionResource,
    WaitlistEntry,
)
from bookings.contrib.payments.models import Payment, Refund, RefundDue
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import create_schedule
from bookings.contrib.series.models import Occurrence, Series
from tests.contrib.group_sessions.audit import audit_sessions
from tests.contrib.payments import audit
from tests.faults import scenarios
from tests.faults.scenarios import HostRows
from tests.services.clock import NOW

TABLES = (
    *(Payment, Refund, RefundDue, Session, SessionResource, Seat, WaitlistEntry),
    *(Series, Occurrence, TimeOff),
)
AUDITS = (audit.audit, partial(audit_sessions, NOW, is_strict=False))


def make_host_rows() -> HostRows:
    """A service for a hundred, in everybody's hours of seven a day."""
    core = scenarios.make_host_rows(price_amount=100, currency="USD")
    create_schedule(timezone="UTC", hours={day: [("09:00", "16:00")] for day in range(7)})
    return replace(core, tables=core.tables + TABLES, audits=core.audits + AUDITS)
