"""MySQL's judge: a locking read, which no constraint backs up there.

Nothing in these tests translates what a constraint says, so on every database a conflict comes from
the read alone.
"""

from __future__ import annotations

import pytest
from django.db import connection

from bookings.exceptions import BookingConflict
from bookings.ledger import entries
from bookings.ledger.claims import Claim
from bookings.models import BusyInterval, Calendar
from tests.core.conftest import Take

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def judged_by_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "mysql")


@pytest.fixture
def taken(take: Take) -> BusyInterval:
    return take(100, 200)


@pytest.mark.parametrize(("starts", "ends"), [(100, 200), (0, 101), (199, 300), (120, 130)])
def test_a_claim_on_time_that_is_taken_is_refused(
    calendar: Calendar, taken: BusyInterval, starts: int, ends: int
) -> None:
    with pytest.raises(BookingConflict):
        entries.add(calendar.pk, Claim(starts=starts, ends=ends), using="default")


@pytest.mark.parametrize(("starts", "ends"), [(0, 100), (200, 300)])
def test_a_claim_that_touches_is_taken(
    calendar: Calendar, taken: BusyInterval, starts: int, ends: int
) -> None:
    assert entries.add(calendar.pk, Claim(starts=starts, ends=ends), using="default")


@pytest.mark.parametrize(("starts", "ends"), [(150, 250), (250, 350), (0, 500)])
def test_a_move_onto_another_is_refused(
    calendar: Calendar, taken: BusyInterval, take: Take, starts: int, ends: int
) -> None:
    take(200, 300)
    with pytest.raises(BookingConflict):
        entries.move(taken.pk, 1, calendar.pk, Claim(starts=starts, ends=ends), using="default")


def test_a_move_onto_oneself_alone_is_made(calendar: Calendar, taken: BusyInterval) -> None:
    claim = Claim(starts=150, ends=250)
    assert entries.move(taken.pk, 1, calendar.pk, claim, using="default") == taken.pk
