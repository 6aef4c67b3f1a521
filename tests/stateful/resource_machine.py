"""Random sequences of verbs on bookings with resources and pools.

What is refused for want of a free provider or room is searched for by brute force.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final

from django.apps import apps
from django.db import transaction
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from bookings import services
from bookings.conf import app_settings
from bookings.exceptions import BookingConflict, BookingError
from bookings.integrity import find_problems
from bookings.models import Booking, BusyInterval
from bookings.pools import AnyOf
from tests.stateful.audit import audit

OPENING: Final = datetime(2030, 1, 8, 8, 0, tzinfo=UTC)
CLOCK: Final = OPENING - timedelta(days=1)
HALF_HOUR: Final = timedelta(minutes=30)
NUMBER: Final = 4

WHO: Final = st.one_of(
    st.integers(0, NUMBER - 1),
    st.lists(st.integers(0, NUMBER - 1), min_size=1, max_size=3, unique=True),
)
STRATEGIES: Final = st.sampled_from(["first", "least_busy", "round_robin"])
STARTS: Final = st.integers(0, 5).map(lambda number: OPENING + number * HALF_HOUR)
KEYS: Final = Bundle("keys")

LATER_VERBS: Final[dict[str, Any]] = {
    "cancel": services.cancel_booking,
    "complete": services.complete_booking,
    "deliver": services.deliver_booking,
    "no-show": services.mark_no_show,
    "confirm": services.confirm_booking,
    "reopen": services.reopen_booking,
}


class ResourceMachine(RuleBasedStateMachine):
    """Providers 0 to 3 are people and rooms at once, so that they meet in both roles."""

    @initialize()
    def begin(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        provider = apps.get_model(app_settings.PROVIDER_MODEL)
        service = apps.get_model(app_settings.SERVICE_MODEL)
        self.providers = [provider.objects.create(name=f"P{n}") for n in range(NUMBER)]
        self.service = service.objects.create(
            name="Massage", duration_minutes=60, buffer_after_minutes=10
        )
        self.now = CLOCK

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def spec(self, who: Any, strategy: str) -> Any:
        if isinstance(who, int):
            return self.providers[who]
        return AnyOf([self.providers[number] for number in who], strategy)

    @rule(
        target=KEYS,
        who=WHO,
        rooms=st.lists(WHO, max_size=2),
        start=STARTS,
        strategy=STRATEGIES,
        is_hold=st.booleans(),
    )
    def create(
        self, who: Any, rooms: list[Any], start: datetime, strategy: str, is_hold: bool
    ) -> Any:
        try:
            booking = services.create_booking(
                service=self.service,
                provider=self.spec(who, strategy),
                resources=[self.spec(room, strategy) for room in rooms],
                start_at=start,
                client_name="Kim",
                now_dt=self.now,
                allow_past=True,
                expires_at=self.now + HALF_HOUR if is_hold and start > self.now else None,
            )
        except BookingError as error:
            event(error.booking_code)
            self.check_refusal(error, who, rooms, start)
            return multiple()
        event("created")
        return booking.pk

    def check_refusal(self, error: BookingError, who: Any, rooms: list[Any], start: Any) -> None:
        if isinstance(error, BookingConflict):
            found = self.search(who, rooms, start)
            assert found is None, (found, error)

    def search(self, who: Any, rooms: list[Any], start: datetime) -> Any:
        """Return providers that are all free, the one who is booked first; ``None`` for none."""
        busy = {
            (interval.calendar.provider_id, interval.starts, interval.ends)
            for interval in BusyInterval.objects.select_related("calendar")
            if interval.lapses is None or interval.lapses > self.now.timestamp()
        }
        begins = start.timestamp()
        ends = begins + 70 * 60
        free = [
            not any(
                key == provider.pk and starts < ends and begins < until
                for key, starts, until in busy
            )
            for provider in self.providers
        ]
        candidates = [[each] if isinstance(each, int) else each for each in (who, *rooms)]
        for chosen in product(*candidates):
            if len(set(chosen)) == len(chosen) and all(free[number] for number in chosen):
                return chosen
        return None

    @rule(key=KEYS, start=STARTS, who=st.one_of(st.none(), WHO))
    def move(self, key: Any, start: datetime, who: Any) -> None:
        booking = Booking.objects.filter(pk=key).first()
        with suppress(BookingError):
            if booking is not None:
                services.reschedule_booking(
                    booking,
                    new_start_at=start,
                    new_provider=None if who is None else self.spec(who, "first"),
                    now_dt=self.now,
                    override_policy=True,
                )
                event("moved")

    @rule(key=KEYS, rooms=st.lists(WHO, max_size=2))
    def exchange(self, key: Any, rooms: list[Any]) -> None:
        booking = Booking.objects.filter(pk=key).first()
        with suppress(BookingError):
            if booking is not None:
                services.reschedule_booking(
                    booking,
                    new_start_at=booking.start_at,
                    new_resources=[self.spec(room, "least_busy") for room in rooms],
                    now_dt=self.now,
                    override_policy=True,
                )
                event("exchanged")

    @rule(key=KEYS, verb=st.sampled_from(sorted(LATER_VERBS)))
    def call(self, key: Any, verb: str) -> None:
        booking = Booking.objects.filter(pk=key).first()
        with suppress(BookingError):
            if booking is not None:
                LATER_VERBS[verb](booking, now_dt=self.now)
                event(verb)

    @rule(key=KEYS)
    def dispute(self, key: Any) -> None:
        booking = Booking.objects.filter(pk=key).first()
        with suppress(BookingError):
            if booking is not None:
                services.dispute_booking(booking, reason="Cold.", now_dt=self.now)
                event("dispute")

    @rule(key=KEYS, start=STARTS)
    def save(self, key: Any, start: datetime) -> None:
        booking = Booking.objects.filter(pk=key).first()
        with suppress(BookingError):
            if booking is not None:
                booking.start_at, booking.end_at = start, start + timedelta(hours=1)
                booking.save()

    @rule(key=KEYS)
    def delete(self, key: Any) -> None:
        Booking.objects.filter(pk=key).delete()

    @rule()
    def sweep(self) -> None:
        services.expire_bookings(now_dt=self.now)
        services.auto_cancel_expired_bookings(now_dt=self.now)

    @rule(hours=st.sampled_from([1, 8, 20]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @invariant()
    def everything_is_sound(self) -> None:
        if hasattr(self, "atomic"):
            assert audit() == []
            assert list(find_problems()) == []
