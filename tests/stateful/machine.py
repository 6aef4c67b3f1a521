"""Random sequences of verbs, each first predicted by the rules and then done for real."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final
from unittest.mock import patch

from django.apps import apps
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from bookings import services
from bookings.conf import app_settings
from bookings.exceptions import BookingError
from bookings.integrity import find_problems
from bookings.models import Booking, BookingAddon, BookingEvent
from tests.stateful.audit import audit
from tests.stateful.rules import Extra, Offer, Record, Refused, Rules, minutes, summary

OPENING: Final = datetime(2030, 1, 7, 8, 0, tzinfo=UTC)
CLASS: Final = OPENING + timedelta(hours=2, minutes=30)
CLOCK: Final = OPENING - timedelta(hours=2)

OFFERS: Final = {
    "massage": Offer(duration=60),
    "surgery": Offer(
        duration=30,
        before=10,
        after=15,
        approval=True,
        two_sided=True,
        cancel_notice=120,
        move_notice=60,
        price=Decimal("40.00"),
    ),
    "yoga": Offer(duration=60, seats=3, price=Decimal("12.50"), grace=0),
    "audience": Offer(duration=45, cancellable=False, movable=False, earliest=180, latest_days=3),
}
EXTRAS: Final = {
    "stones": Extra(duration=15, price=Decimal("10.00")),
    "tea": Extra(duration=0, price=None),
}
PROVIDERS: Final = ("Ada", "Grace")
CLIENTS: Final = (("Mary", ""), ("Mary", "mary@example.com"), ("Martha", "m@example.com"))

# Few enough that bookings meet, and for the clock to reach them.
STARTS: Final = st.one_of(
    st.integers(0, 11).map(lambda half: OPENING + minutes(30 * half)),
    st.integers(0, 3).map(lambda hour: OPENING + minutes(60 * hour)),
    st.just(OPENING + timedelta(days=4)),
)
SERVICES: Final = st.sampled_from(["massage", "massage", "surgery", "yoga", "yoga", "audience"])
CHOSEN_EXTRAS: Final = st.one_of(
    st.just([]), st.just([]), st.lists(st.sampled_from(sorted(EXTRAS)), unique=True)
)
# How far from the right version a caller's is; mostly none is given.
VERSIONS: Final = st.sampled_from([None] * 10 + [0, -1])
OVERRIDES: Final = st.sampled_from([False, False, True])
NUMBERS: Final = Bundle("numbers")

PLAIN_VERBS: Final[dict[str, Any]] = {
    "confirm": services.confirm_booking,
    "decline": services.decline_booking,
    "deliver": services.deliver_booking,
    "complete": services.complete_booking,
    "no_show": services.mark_no_show,
    "expire": services.expire_booking,
    "reopen": services.reopen_booking,
    "dispute": partial(services.dispute_booking, reason="Left out."),
    "note": partial(services.add_note, message="Rang."),
}


def model(setting: str) -> Any:
    return apps.get_model(app_settings.model_label(setting))


class BookingMachine(RuleBasedStateMachine):
    """``number`` names a booking in the rules; ``self.objects`` has what the caller holds of it."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(transaction.atomic())
        self.stack.callback(transaction.set_rollback, True)
        self.stack.enter_context(patch.object(timezone, "now", lambda: self.rules.now))
        self.objects: dict[int, Booking] = {}
        self.services: dict[str, Any] = {}
        self.extras: dict[str, Any] = {}
        self.providers: dict[str, Any] = {}

    def teardown(self) -> None:
        self.stack.close()

    @initialize(target=NUMBERS, guard=st.sampled_from([0, 60]))
    def open(self, guard: int) -> Any:
        """A host with a few bookings, for the others to get in the way of."""
        self.rules = Rules(OFFERS, EXTRAS, CLOCK, guard)
        self.stack.enter_context(override_settings(BOOKINGS_DUPLICATE_GUARD_MINUTES=guard))
        for name, offer in OFFERS.items():
            self.services[name] = model("SERVICE_MODEL").objects.create(
                name=name,
                duration_minutes=offer.duration,
                buffer_before_minutes=offer.before,
                buffer_after_minutes=offer.after,
                requires_approval=offer.approval,
                two_sided_completion=offer.two_sided,
                cancellation_allowed=offer.cancellable,
                cancellation_notice_minutes=offer.cancel_notice,
                reschedule_allowed=offer.movable,
                reschedule_notice_minutes=offer.move_notice,
                minimum_notice_minutes=offer.earliest,
                maximum_advance_days=offer.latest_days,
                allow_multiple_clients_per_slot=offer.seats > 1,
                capacity=offer.seats if offer.seats > 1 else None,
                price_amount=offer.price,
                auto_cancel_grace_hours=offer.grace,
            )
        for name, extra in EXTRAS.items():
            self.extras[name] = model("ADDON_MODEL").objects.create(
                name=name, extra_duration_minutes=extra.duration, price_amount=extra.price
            )
        for name in PROVIDERS:
            self.providers[name] = model("PROVIDER_MODEL").objects.create(name=name)
        made = [
            self.create(service, "Ada", OPENING + minutes(after), CLIENTS[2], party, hold=hold)
            for service, after, party, hold in (
                ("massage", 0, 1, None),
                ("surgery", 90, 1, None),
                ("yoga", (CLASS - OPENING) // minutes(1), 2, None),
                ("massage", 210, 1, 60),
            )
        ]
        return multiple(*made)

    def same(self, predict: Callable[[], Any], do: Callable[[], Any]) -> Any:
        """The rules and the app agree on success, or on the very class of the error."""
        try:
            predicted = predict()
        except Refused as refusal:
            predicted = refusal.error
        done = raised = None
        try:
            done = do()
        except BookingError as error:
            raised = error
        expected = predicted if isinstance(predicted, type) else type(None)
        event(expected.__name__ if raised else "done")
        assert type(raised) is expected, f"{raised!r} instead of {expected.__name__}"
        return None if raised else (predicted, done)

    def change(
        self, number: int, offset: int | None, predict: Any, verb: Any, **values: Any
    ) -> None:
        """Any verb on a booking that the caller may have read long ago."""
        version = self.version(number, offset)
        booking = self.objects[number]
        agreed = self.same(
            lambda: predict(number, expected_version=version),
            lambda: verb(booking, expected_version=version, now_dt=self.rules.now, **values),
        )
        if agreed is not None:
            assert agreed[1] is booking
            assert booking.version == len(self.rules.records[number].history)

    def version(self, number: int, offset: int | None) -> int | None:
        record = self.rules.records.get(number)
        return None if offset is None or record is None else len(record.history) + offset

    # Verbs

    @rule(
        target=NUMBERS,
        service=SERVICES,
        provider=st.sampled_from(PROVIDERS),
        start=STARTS,
        client=st.sampled_from(CLIENTS),
        party=st.sampled_from([1, 1, 1, 2, 2, 2, 4]),
        extras=CHOSEN_EXTRAS,
        hold=st.sampled_from([None, 10, 60]),
        key=st.sampled_from([None, None, None, "first", "second"]),
        override=OVERRIDES,
    )
    def create(
        self,
        service: str,
        provider: str,
        start: datetime,
        client: tuple[str, str],
        party: int = 1,
        extras: Sequence[str] = (),
        hold: int | None = None,
        key: str | None = None,
        override: bool = False,
        allow_past: bool = False,
    ) -> Any:
        expires = None if hold is None else self.rules.now + minutes(hold)
        name, email = client
        if party == 2 and OFFERS[service].seats == 1:
            party = 1
        wanted = Record(
            service=service,
            provider=provider,
            start=start,
            name=name,
            email=email,
            party=party,
            offer=OFFERS[service],
            extras={extra: EXTRAS[extra] for extra in extras},
            expires=expires,
            asked=(service, provider, start, client, party, tuple(sorted(extras)), hold),
            key=key,
        )
        agreed = self.same(
            lambda: self.rules.create(
                len(self.objects), wanted, override=override, allow_past=allow_past
            ),
            lambda: services.create_booking(
                service=self.services[service],
                provider=self.providers[provider],
                start_at=start,
                client_name=name,
                client_email=email,
                party_size=party,
                addon_ids=[self.extras[extra].pk for extra in extras],
                expires_at=expires,
                idempotency_key=key,
                now_dt=self.rules.now,
                override_policy=override,
                allow_past=allow_past,
            ),
        )
        if agreed is None:
            return multiple()
        number, booking = agreed
        if number in self.objects:
            assert booking.pk == self.objects[number].pk
            return multiple()
        self.objects[number] = booking
        return number

    @rule(
        target=NUMBERS,
        number=NUMBERS,
        later=st.sampled_from([0, 0, 0, 30]),
        client=st.sampled_from(CLIENTS),
        party=st.sampled_from([2, 1]),
        hold=st.sampled_from([None, 10]),
    )
    def create_where_another_is(
        self, number: int, later: int, client: tuple[str, str], party: int, hold: int | None
    ) -> Any:
        there = self.rules.records.get(number)
        if there is None:
            return multiple()
        start = there.start + minutes(later)
        return self.create(there.service, there.provider, start, client, party, hold=hold)

    @rule(
        target=NUMBERS,
        provider=st.sampled_from(PROVIDERS),
        client=st.sampled_from(CLIENTS),
        party=st.sampled_from([2, 1]),
        hold=st.sampled_from([None, None, 10]),
    )
    def join_the_class(
        self, provider: str, client: tuple[str, str], party: int, hold: int | None
    ) -> Any:
        return self.create("yoga", provider, CLASS, client, party, hold=hold)

    @rule(
        number=NUMBERS,
        start=STARTS,
        provider=st.sampled_from([None, *PROVIDERS]),
        extras=st.none() | CHOSEN_EXTRAS,
        override=OVERRIDES,
        offset=VERSIONS,
    )
    def reschedule(
        self,
        number: int,
        start: datetime,
        provider: str | None,
        extras: list[str] | None,
        override: bool,
        offset: int | None,
    ) -> None:
        self.change(
            number,
            offset,
            lambda which, **version: self.rules.reschedule(
                which, start=start, provider=provider, extras=extras, override=override, **version
            ),
            services.reschedule_booking,
            new_start_at=start,
            new_provider=None if provider is None else self.providers[provider],
            addon_ids=None if extras is None else [self.extras[name].pk for name in extras],
            override_policy=override,
        )

    @rule(number=NUMBERS, override=OVERRIDES, offset=VERSIONS)
    def cancel(self, number: int, override: bool, offset: int | None) -> None:
        self.change(
            number,
            offset,
            lambda which, **version: self.rules.cancel(which, override=override, **version),
            services.cancel_booking,
            override_policy=override,
        )

    @rule(number=NUMBERS, verb=st.sampled_from(["confirm", "decline", "expire"]), offset=VERSIONS)
    def decide(self, number: int, verb: str, offset: int | None) -> None:
        self.change(number, offset, getattr(self.rules, verb), PLAIN_VERBS[verb])

    @rule(number=NUMBERS, verb=st.sampled_from(["deliver", "complete", "no_show"]), offset=VERSIONS)
    def finish(self, number: int, verb: str, offset: int | None) -> None:
        self.change(number, offset, getattr(self.rules, verb), PLAIN_VERBS[verb])

    @rule(number=NUMBERS, offset=VERSIONS)
    def deliver_and_dispute(self, number: int, offset: int | None) -> None:
        self.change(number, None, self.rules.deliver, PLAIN_VERBS["deliver"])
        self.change(number, offset, self.rules.dispute, PLAIN_VERBS["dispute"])

    @rule(number=NUMBERS, offset=VERSIONS)
    def reopen(self, number: int, offset: int | None) -> None:
        self.change(number, offset, self.rules.reopen, PLAIN_VERBS["reopen"])

    @rule(number=NUMBERS, override=OVERRIDES, verb=st.sampled_from(["cancel", "decline"]))
    def end_and_reopen(self, number: int, override: bool, verb: str) -> None:
        if verb == "cancel":
            self.cancel(number, override, None)
        else:
            self.decide(number, verb, None)
        self.reopen(number, None)

    @rule(number=NUMBERS, name=st.sampled_from([None, "Mary", "Marie"]), offset=VERSIONS)
    def submit(self, number: int, name: str | None, offset: int | None) -> None:
        self.change(
            number,
            offset,
            lambda which, **version: self.rules.submit(which, name, **version),
            services.submit_hold,
            client_name=name,
        )

    @rule(number=NUMBERS, by=st.sampled_from([5, 30, 600]), offset=VERSIONS)
    def extend(self, number: int, by: int, offset: int | None) -> None:
        self.change(
            number,
            offset,
            lambda which, **version: self.rules.extend(which, by, **version),
            services.extend_hold,
            minutes=by,
        )

    @rule(
        number=NUMBERS,
        patch=st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(1, 2)),
        offset=VERSIONS,
    )
    def merge(self, number: int, patch: dict[str, int | None], offset: int | None) -> None:
        self.change(
            number,
            offset,
            lambda which, **version: self.rules.merge(which, patch, **version),
            services.merge_metadata,
            patch=patch,
        )

    @rule(number=NUMBERS, offset=VERSIONS)
    def note(self, number: int, offset: int | None) -> None:
        self.change(number, offset, self.rules.note, PLAIN_VERBS["note"])

    @rule(number=NUMBERS, name=st.sampled_from(["Mary", "Marie"]), offset=VERSIONS)
    def update(self, number: int, name: str, offset: int | None) -> None:
        self.change(
            number,
            offset,
            lambda which, **version: self.rules.update(which, name, **version),
            services.update_booking,
            client_name=name,
        )

    # What a host does without the verbs

    @rule(number=NUMBERS, quarters=st.sampled_from([-4, -1, 1, 4]), reread=st.booleans())
    def save(self, number: int, quarters: int, reread: bool) -> None:
        booking = self.objects[number]
        if reread:
            booking = Booking.objects.filter(pk=booking.pk).first() or booking
        by = minutes(15 * quarters)
        read, times = booking.version, (booking.start_at, booking.end_at)
        booking.start_at += by
        booking.end_at += by
        agreed = self.same(lambda: self.rules.move(number, by, read=read), booking.save)
        if agreed is None:
            booking.start_at, booking.end_at = times

    @rule(target=NUMBERS, number=consumes(NUMBERS), in_bulk=st.booleans(), is_kept=st.booleans())
    def delete(self, number: int, in_bulk: bool, is_kept: bool) -> Any:
        """Behind the caller's back, who may go on with the object."""
        self.rules.delete(number)
        rows = Booking.objects.filter(pk=self.objects[number].pk)
        if in_bulk:
            rows.delete()
        else:
            for booking in rows:
                booking.delete()
        return number if is_kept else multiple()

    @rule(step=st.sampled_from([5, 15, 60, 120]), chunk=st.sampled_from([None, None, 1, 2]))
    def time_passes(self, step: int, chunk: int | None) -> None:
        """And sometimes somebody sweeps."""
        self.rules.now += minutes(step)
        if chunk is not None:
            options: Any = {"now_dt": self.rules.now, "chunk_size": chunk}
            assert services.expire_bookings(**options) == self.rules.expire_all()
            assert services.auto_cancel_expired_bookings(**options) == self.rules.cancel_overdue()

    @rule(
        target=NUMBERS,
        service=st.sampled_from(["massage", "surgery"]),
        provider=st.sampled_from(PROVIDERS),
        client=st.sampled_from(CLIENTS),
        disputed=st.booleans(),
        then=st.sampled_from([5, 60]),
    )
    def enter_what_is_over(
        self, service: str, provider: str, client: tuple[str, str], disputed: bool, then: int
    ) -> Any:
        """Its grace is over already, but that begins when it is entered, and with a dispute anew;
        somebody sweeps before and after that is over too.
        """
        start = self.rules.now - minutes(90 + OFFERS[service].duration)
        number = self.create(service, provider, start, client, allow_past=True)
        if isinstance(number, int) and disputed:
            self.rules.now += minutes(55)
            self.deliver_and_dispute(number, None)
        self.time_passes(then, chunk=2)
        return number

    # After every step

    @invariant()
    def the_database_says_what_the_rules_say(self) -> None:
        names = {
            "service": {row.pk: name for name, row in self.services.items()},
            "provider": {row.pk: name for name, row in self.providers.items()},
        }
        histories, extras = defaultdict(list), defaultdict(dict)
        for line in BookingEvent.objects.order_by("pk"):
            histories[line.booking_id].append(line.event_type)
        for addon in BookingAddon.objects.all():
            extras[addon.booking_id][addon.name_snapshot] = (
                addon.extra_duration_minutes_snapshot,
                addon.price_amount_snapshot,
            )
        stored = {
            booking.pk: {
                "service": names["service"][booking.service_id],
                "provider": names["provider"][booking.provider_id],
                "start": booking.start_at,
                "end": booking.end_at,
                "name": booking.client_name,
                "party": booking.party_size,
                "status": booking.status,
                "expires": booking.expires_at,
                "requested": booking.requested_at,
                "metadata": booking.metadata,
                "auto_cancelled": booking.auto_cancelled,
                "total": booking.total_amount,
                "version": booking.version,
                "history": histories[booking.pk],
                "extras": extras[booking.pk],
            }
            for booking in Booking.objects.all()
        }
        assert stored == {
            self.objects[number].pk: summary(record)
            for number, record in self.rules.records.items()
        }

    @invariant()
    def nothing_is_wrong_with_the_database(self) -> None:
        assert audit() == []
        assert [problem.message for problem in find_problems()] == []
