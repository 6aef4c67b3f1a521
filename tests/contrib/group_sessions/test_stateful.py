"""Whatever is asked of sessions and waitlists, in whatever order: seats add up, and turns hold."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import pytest
from django.apps import apps
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from bookings import services as core
from bookings.conf import app_settings
from bookings.contrib.group_sessions import services
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.exceptions import BookingError
from bookings.integrity import find_problems
from bookings.models import Booking
from tests.contrib.group_sessions.audit import audit_sessions
from tests.contrib.group_sessions.conftest import HOUR, NOW, START, stored_rows
from tests.quick_run import sequences
from tests.stateful.audit import audit

CLIENTS: Final = st.sampled_from(["Ann", "Bob", "Cid", "Dan", "Eve", "Fay"])
WHICH: Final = st.integers(0, 2)
NUMBER: Final = st.integers(0, 30)
PARTY: Final = st.sampled_from([1, 1, 1, 2, 3, 5])
VERBS: Final[dict[str, Callable[..., Any]]] = {
    "cancel": core.cancel_booking,
    "confirm": core.confirm_booking,
    "decline": core.decline_booking,
    "complete": core.complete_booking,
    "no show": core.mark_no_show,
    "deliver": core.deliver_booking,
    "dispute": partial(core.dispute_booking, reason="Nobody came."),
    "submit": core.submit_hold,
    "expire": core.expire_booking,
}


class SessionMachine(RuleBasedStateMachine):
    """Three classes of two teachers, with and without waitlists and offers."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(transaction.atomic())
        self.stack.callback(transaction.set_rollback, True)
        self.now = NOW
        self.stack.enter_context(patch.object(timezone, "now", lambda: self.now))

    def teardown(self) -> None:
        self.stack.close()

    @initialize(order=st.sampled_from(["best_fit", "strict"]), approval=st.booleans())
    def open(self, order: str, approval: bool) -> None:
        self.stack.enter_context(override_settings(BOOKINGS_WAITLIST_ORDER=order))
        self.order = order
        make = apps.get_model(app_settings.PROVIDER_MODEL)._default_manager.create
        service = apps.get_model(app_settings.SERVICE_MODEL)._default_manager.create(
            name="Yoga", duration_minutes=60, requires_approval=approval
        )
        self.teachers = [make(name="Ada"), make(name="Grace")]
        kinds: list[dict[str, Any]] = [
            {},
            {"enable_waitlist": True},
            {"enable_waitlist": True, "waitlist_offer_minutes": 90},
        ]
        self.sessions = [
            services.create_session(
                service=service,
                provider=self.teachers[number % 2],
                start_at=START + 2 * number * HOUR,
                capacity=4,
                now_dt=NOW,
                **kind,
            )
            for number, kind in enumerate(kinds)
        ]

    def all_or_nothing(self, do: Callable[[], Any]) -> None:
        before, is_stale = stored_rows(), Booking.objects.expired(self.now).exists()
        try:
            do()
        except BookingError:
            # A hold that has run out is expired by who finds it in the way, whatever comes of it.
            assert is_stale or stored_rows() == before

    def session(self, which: int) -> Session:
        return Session.objects.get(pk=self.sessions[which].pk)

    def booking(self, number: int) -> Booking | None:
        bookings = list(Booking.objects.order_by("-pk")[:12])
        return bookings[number % len(bookings)] if bookings else None

    @rule(
        which=WHICH,
        name=CLIENTS,
        seats=PARTY,
        hold=st.sampled_from([None, None, 1]),
        override=st.sampled_from([False, False, False, True]),
    )
    def sit(self, which: int, name: str, seats: int, hold: int | None, override: bool) -> None:
        self.all_or_nothing(
            lambda: services.book_seat(
                self.session(which),
                client_name=name,
                seats=seats,
                expires_at=None if hold is None else self.now + hold * HOUR,
                now_dt=self.now,
                override_policy=override,
            )
        )

    @rule(which=WHICH, name=CLIENTS, party=PARTY, priority=st.sampled_from([0, 0, 1]))
    def wait(self, which: int, name: str, party: int, priority: int) -> None:
        self.all_or_nothing(
            lambda: services.join_waitlist(
                self.session(which),
                client_name=name,
                party_size=party,
                priority=priority,
                now_dt=self.now,
            )
        )

    @rule(number=NUMBER)
    def leave(self, number: int) -> None:
        entries = list(WaitlistEntry.objects.order_by("-pk")[:6])
        if entries:
            entry = entries[number % len(entries)]
            self.all_or_nothing(lambda: services.leave_waitlist(entry, now_dt=self.now))

    @rule(number=NUMBER, verb=st.sampled_from(["cancel", "cancel", *sorted(VERBS)]))
    def act(self, number: int, verb: str) -> None:
        if booking := self.booking(number):
            self.all_or_nothing(lambda: VERBS[verb](booking, now_dt=self.now))

    @rule(number=NUMBER, party=PARTY, staff=st.booleans())
    def resize(self, number: int, party: int, staff: bool) -> None:
        if booking := self.booking(number):
            self.all_or_nothing(
                lambda: core.change_party_size(
                    booking, party, now_dt=self.now, override_policy=staff
                )
            )

    @rule(number=NUMBER, party=PARTY)
    def resize_by_save(self, number: int, party: int) -> None:
        if booking := self.booking(number):
            booking.party_size = party
            self.all_or_nothing(booking.save)

    @rule(number=NUMBER)
    def delete(self, number: int) -> None:
        if booking := self.booking(number):
            booking.delete()

    @rule(number=NUMBER, hours=st.integers(0, 6))
    def reschedule(self, number: int, hours: int) -> None:
        if booking := self.booking(number):
            self.all_or_nothing(
                lambda: core.reschedule_booking(
                    booking, new_start_at=START + hours * HOUR, now_dt=self.now
                )
            )

    @rule(number=NUMBER, which=WHICH)
    def move(self, number: int, which: int) -> None:
        if booking := self.booking(number):
            self.all_or_nothing(
                lambda: services.move_seat(booking, self.session(which), now_dt=self.now)
            )

    @rule(number=NUMBER, name=CLIENTS)
    def rename(self, number: int, name: str) -> None:
        if booking := self.booking(number):
            self.all_or_nothing(
                lambda: core.update_booking(booking, client_name=name, now_dt=self.now)
            )

    @rule(
        which=WHICH,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "capacity": st.integers(1, 6),
                "start_at": st.integers(0, 6).map(lambda hour: START + hour * HOUR),
                "enable_waitlist": st.booleans(),
                "waitlist_offer_minutes": st.sampled_from([None, 90]),
            },
        ),
        teacher=st.sampled_from([None, None, 0, 1]),
    )
    def update(self, which: int, changes: dict[str, Any], teacher: int | None) -> None:
        if teacher is not None:
            changes = changes | {"provider": self.teachers[teacher]}
        self.all_or_nothing(
            lambda: services.update_session(self.session(which), now_dt=self.now, **changes)
        )

    @rule(which=WHICH, verb=st.sampled_from(["close_session", "reopen_session"]))
    def turn(self, which: int, verb: str) -> None:
        self.all_or_nothing(lambda: getattr(services, verb)(self.session(which), now_dt=self.now))

    @rule(which=WHICH, sure=st.integers(0, 5))
    def cancel(self, which: int, sure: int) -> None:
        if not sure:
            self.all_or_nothing(
                lambda: services.cancel_session(self.session(which), now_dt=self.now)
            )

    @rule(which=WHICH)
    def mark(self, which: int) -> None:
        session = self.session(which)
        came = list(Booking.objects.active().filter(seat__session=session))
        self.all_or_nothing(
            lambda: services.mark_attendance(session, attended=came, now_dt=self.now)
        )

    @rule(hours=st.sampled_from([1, 1, 1, 2, 24]))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def sweep(self) -> None:
        core.expire_bookings(now_dt=self.now)
        core.auto_cancel_expired_bookings(now_dt=self.now)
        services.finish_sessions(now_dt=self.now)

    @invariant()
    def it_is_sound(self) -> None:
        assert audit() == []
        assert audit_sessions(self.now, is_strict=getattr(self, "order", "") == "strict") == []
        assert list(find_problems()) == []


@pytest.mark.django_db
def test_seats_add_up_and_turns_hold() -> None:
    run_state_machine_as_test(SessionMachine, settings=sequences(steps=30))


@pytest.mark.django_db
def test_the_second_opinion_finds_what_is_wrong() -> None:
    """The control: an audit that never finds anything proves nothing."""
    machine = SessionMachine()
    try:
        machine.open("best_fit", False)
        machine.sit(1, "Ann", 3, None, False)
        machine.sit(1, "Bob", 1, None, False)
        machine.wait(1, "Cid", 1, 0)
        assert audit_sessions(NOW, is_strict=False) == []
        for rows, values in (
            (Session._base_manager.filter(pk=machine.sessions[1].pk), {"capacity": 3}),
            (Session._base_manager.filter(pk=machine.sessions[1].pk), {"capacity": 6}),
            (Session._base_manager.filter(pk=machine.sessions[0].pk), {"status": "BOOKING_CLOSED"}),
            (Seat.objects.filter(booking__client_name="Ann"), {"client_key": None}),
            (Booking._base_manager.filter(client_name="Ann"), {"start_at": START}),
            (WaitlistEntry.objects.all(), {"status": "OFFERED"}),
            (WaitlistEntry.objects.all(), {"client_key": None}),
        ):
            with transaction.atomic():
                rows.update(**values)
                assert audit_sessions(NOW, is_strict=False) != [], values
                transaction.set_rollback(True)
    finally:
        machine.teardown()
