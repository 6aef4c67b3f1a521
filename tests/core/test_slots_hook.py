"""The slot-engine hook: how a host's function is found, called and read."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from bookings import slots
from bookings.exceptions import SlotUnavailable
from bookings.models import Booking
from tests.core import engines
from tests.core.conftest import Book
from tests.core.moments import at

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def use(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Make this function the host's slot engine."""
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = engines.PATH
    return functools.partial(monkeypatch.setattr, engines, "chosen")


@pytest.fixture
def draft(service: Any, provider: Any) -> Booking:
    return Booking(service=service, provider=provider, start_at=at(10), end_at=at(11))


class Recorder:
    """What an engine was called with."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, **arguments: Any) -> list[datetime]:
        self.calls.append(arguments)
        return [at(10)]


def test_an_engine_of_instants_gets_the_booking_s_own(use: Any, draft: Booking) -> None:
    recorder = Recorder()

    def engine(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
        return recorder(service=service, provider=provider, start_dt=start_dt, end_dt=end_dt)

    use(engine)
    slots.validate(draft)
    assert recorder.calls == [
        {
            "service": draft.service,
            "provider": draft.provider,
            "start_dt": at(10),
            "end_dt": at(11),
        }
    ]


def test_an_engine_of_dates_is_asked_from_the_day_before(use: Any, draft: Booking) -> None:
    """Opening hours that cross midnight are listed under the day they begin on."""
    recorder = Recorder()

    def engine(service: Any, provider: Any, start_date: date, end_date: date) -> Any:
        return recorder(start_date=start_date, end_date=end_date)

    use(engine)
    slots.validate(draft)
    assert recorder.calls == [{"start_date": date(2131, 3, 5), "end_date": date(2131, 3, 6)}]


def test_the_dates_are_those_of_the_current_zone(use: Any, draft: Booking) -> None:
    recorder = Recorder()

    def engine(service: Any, provider: Any, start_date: date, end_date: date) -> Any:
        return recorder(start_date=start_date, end_date=end_date)

    use(engine)
    with timezone.override("Pacific/Kiritimati"):
        slots.validate(draft)
    assert recorder.calls == [{"start_date": date(2131, 3, 6), "end_date": date(2131, 3, 7)}]


def test_an_engine_that_takes_any_argument_gets_instants_and_the_tenant(
    use: Any, draft: Booking
) -> None:
    recorder = Recorder()

    def engine(**arguments: Any) -> Any:
        return recorder(**arguments)

    use(engine)
    slots.validate(draft)
    assert recorder.calls == [
        {
            "service": draft.service,
            "provider": draft.provider,
            "start_dt": at(10),
            "end_dt": at(11),
            "tenant": None,
        }
    ]


def test_an_engine_of_dates_that_takes_any_argument_too_gets_its_dates(
    use: Any, draft: Booking
) -> None:
    recorder = Recorder()

    def engine(*, start_date: date, end_date: date, **others: Any) -> Any:
        return recorder(start_date=start_date, **others)

    use(engine)
    slots.validate(draft)
    assert recorder.calls[0].keys() == {"service", "provider", "start_date", "tenant"}


def test_an_engine_that_takes_both_gets_instants(use: Any, draft: Booking) -> None:
    recorder = Recorder()

    def engine(
        *,
        service: Any,
        provider: Any,
        start_dt: Any = None,
        end_dt: Any = None,
        start_date: Any = None,
        end_date: Any = None,
    ) -> Any:
        return recorder(start_dt=start_dt, start_date=start_date)

    use(engine)
    slots.validate(draft)
    assert recorder.calls == [{"start_dt": at(10), "start_date": None}]


def test_an_engine_that_takes_a_tenant_gets_none_without_tenancy(use: Any, draft: Booking) -> None:
    recorder = Recorder()

    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any, tenant: Any = 1) -> Any:
        return recorder(tenant=tenant)

    use(engine)
    slots.validate(draft)
    assert recorder.calls == [{"tenant": None}]


def test_a_decorated_engine_is_called_as_what_it_wraps(use: Any, draft: Booking) -> None:
    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> Any:
        return [start_dt]

    @functools.wraps(engine)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return engine(*args, **kwargs)

    use(wrapper)
    slots.validate(draft)


class OnlyContains:
    """A container that cannot be iterated, such as a rule of recurrence without an end."""

    def __init__(self, *starts: datetime) -> None:
        self.starts = starts

    def __contains__(self, start: object) -> bool:
        return start in self.starts


@dataclass
class Slot:
    start: datetime


def generated(*starts: datetime) -> Iterator[datetime]:
    yield from starts


ANSWERS: dict[str, Callable[..., Any]] = {
    "a list": lambda *starts: list(starts),
    "a tuple": lambda *starts: starts,
    "a set": lambda *starts: set(starts),
    "a generator": generated,
    "a container that only answers": OnlyContains,
    "objects with start": lambda *starts: [Slot(start) for start in starts],
    "objects with start_at": lambda *starts: [SimpleNamespace(start_at=start) for start in starts],
    "a dict of days": lambda *starts: {start.date(): [start] for start in starts} | {None: []},
    "a dict of days of slots": lambda *starts: {start.date(): [Slot(start)] for start in starts},
    "another zone": lambda *starts: [start.astimezone(BERLIN) for start in starts],
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_start_in_the_answer_is_accepted(
    use: Any, draft: Booking, answer: Callable[..., Any]
) -> None:
    use(lambda service, provider, start_dt, end_dt: answer(at(9), at(10)))
    slots.validate(draft)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_start_that_is_not_in_the_answer_is_refused(
    use: Any, draft: Booking, answer: Callable[..., Any]
) -> None:
    use(lambda service, provider, start_dt, end_dt: answer(at(9), at(10, 15)))
    with pytest.raises(SlotUnavailable, match="not available for this service") as caught:
        slots.validate(draft)
    assert caught.value.params == {"start_at": at(10)}


def test_an_empty_answer_refuses(use: Any, draft: Booking) -> None:
    use(lambda service, provider, start_dt, end_dt: [])
    with pytest.raises(SlotUnavailable):
        slots.validate(draft)


@pytest.mark.parametrize("fold", [0, 1], ids=["the first time", "the second time"])
def test_the_hour_that_a_zone_repeats_can_be_booked(use: Any, draft: Booking, fold: int) -> None:
    """Python says that no datetime of another zone equals one in the repeated hour."""
    wall_clock = datetime(2030, 10, 27, 2, 30, tzinfo=BERLIN, fold=fold)
    draft.start_at = wall_clock.astimezone(UTC)
    assert wall_clock != draft.start_at
    use(lambda service, provider, start_dt, end_dt: [wall_clock])
    slots.validate(draft)

    draft.start_at += timedelta(hours=1 - 2 * fold)
    with pytest.raises(SlotUnavailable):
        slots.validate(draft)


@pytest.mark.parametrize(
    "answer",
    [None, True, 7, "2131-03-06", ["2131-03-06T10:00"], [None], [date(2131, 3, 6)], [("a", "b")]],
    ids=repr,
)
def test_an_answer_that_is_no_answer_is_the_host_s_mistake(
    use: Any, draft: Booking, answer: Any
) -> None:
    use(lambda service, provider, start_dt, end_dt: answer)
    with pytest.raises(ImproperlyConfigured, match="BOOKINGS_SLOTS_AVAILABLE_FUNC must give"):
        slots.validate(draft)


@pytest.mark.parametrize(
    "slot", [at(10).replace(tzinfo=None), Slot(at(10).replace(tzinfo=None))], ids=["bare", "slot"]
)
def test_a_naive_start_is_the_host_s_mistake(use: Any, draft: Booking, slot: Any) -> None:
    """It equals no aware one, so every start would seem to be taken."""
    use(lambda service, provider, start_dt, end_dt: [slot])
    with pytest.raises(ImproperlyConfigured, match="aware"):
        slots.validate(draft)


def test_an_engine_s_own_type_error_comes_through(use: Any, draft: Booking) -> None:
    def engine(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
        return start_dt + "an hour"

    use(engine)
    with pytest.raises(TypeError, match="unsupported operand"):
        slots.validate(draft)


def test_a_signature_is_read_once(
    use: Any, draft: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []

    def signature(func: Any) -> inspect.Signature:
        read.append(func)
        return inspect.Signature.from_callable(func)

    monkeypatch.setattr(slots.inspect, "signature", signature)
    use(lambda service, provider, start_dt, end_dt: [start_dt])
    slots.validate(draft)
    slots.validate(draft)
    assert read == [engines.chosen]


WRONG = {
    "no bounds": lambda service, provider: [],
    "half of each": lambda service, provider, start_dt, end_date: [],
    "other names": lambda service, provider, begin, end: [],
    "no name of its own": functools.partial(lambda service, provider: [], service=None),
}


@pytest.mark.parametrize("engine", WRONG.values(), ids=WRONG)
def test_an_engine_with_another_signature_is_the_host_s_mistake(
    use: Any, draft: Booking, engine: Any
) -> None:
    use(engine)
    with pytest.raises(ImproperlyConfigured, match=r"start_dt, end_dt, .* start_date, end_date"):
        slots.validate(draft)


def test_mode_none_asks_nobody(settings: Any, draft: Booking) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "NONE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = "nowhere.at_all"
    assert slots.load_engine() is None
    slots.validate(draft)


def test_the_default_engine_that_nobody_installed_validates_nothing(
    settings: Any, draft: Booking
) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    assert not hasattr(settings, "BOOKINGS_SLOTS_AVAILABLE_FUNC")
    assert slots.load_engine() is None
    slots.validate(draft)


def test_an_engine_that_the_host_named_has_to_be_there(settings: Any, draft: Booking) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = "nowhere.at_all"
    with pytest.raises(ImportError):
        slots.validate(draft)


def test_the_claim_left_behind_is_remembered_while_the_engine_is_asked(
    use: Any, book: Book
) -> None:
    booking = book(skip_slot_validation=True)
    seen: list[Any] = []

    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> Any:
        seen.append(slots.left_behind.get())
        return [start_dt]

    use(engine)
    slots.validate(booking)
    assert seen == [booking.busy_interval_id]
    assert slots.left_behind.get() is None


def test_the_claim_left_behind_is_forgotten_when_the_engine_fails(use: Any, book: Book) -> None:
    booking = book(skip_slot_validation=True)

    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> Any:
        raise RuntimeError("out of order")

    use(engine)
    with pytest.raises(RuntimeError, match="out of order"):
        slots.validate(booking)
    assert slots.left_behind.get() is None


def test_a_generator_is_read_while_the_claim_is_left_behind(use: Any, book: Book) -> None:
    """A generator asks for busy time when it is read, which is after it was returned."""
    booking = book(skip_slot_validation=True)
    seen: list[Any] = []

    def engine(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> Iterator[datetime]:
        seen.append(slots.left_behind.get())
        yield start_dt

    use(engine)
    slots.validate(booking)
    assert seen == [booking.busy_interval_id]
