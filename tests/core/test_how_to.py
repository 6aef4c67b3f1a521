"""The slot engine of the guide offers exactly the starts that can be booked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from django.db import transaction

from bookings.exceptions import BookingConflict, CapacityExceeded
from bookings.services import reschedule_booking
from tests.core.conftest import Book, Take
from tests.core.moments import NOW, at, second

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "slot-engine.md"
QUARTERS: Final = [at(9) + timedelta(minutes=15) * number for number in range(32)]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, settings: Any) -> ModuleType:
    """The module of the guide's first block, as the host's slot engine."""
    text = PAGE.read_text(encoding="utf-8")
    block = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    module = ModuleType("guide_slots")
    exec(compile(block, str(PAGE), "exec"), module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, "guide_slots", module)
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = "guide_slots.list_available_slots"
    return module


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def can_be_booked(book: Book, start: datetime, service: Any) -> bool:
    with rolled_back():
        try:
            book(start, service=service, skip_slot_validation=True)
        except (BookingConflict, CapacityExceeded):
            return False
        return True


@pytest.mark.parametrize("is_shared", [False, True], ids=["alone", "shared"])
def test_it_offers_what_can_be_booked(
    engine: ModuleType,
    make_service: Any,
    provider: Any,
    book: Book,
    take: Take,
    is_shared: bool,
) -> None:
    buffers = {"buffer_before_minutes": 15, "buffer_after_minutes": 15}
    service = make_service(allow_multiple_clients_per_slot=is_shared, capacity=2, **buffers)
    book(at(10, 30), service=service)
    for _seat in range(2 if is_shared else 1):
        book(at(14), service=service)
    take(second(16, 30), second(17))
    offered = engine.list_available_slots(service, provider, at(0), at(1))
    expected = [
        start
        for start in QUARTERS
        if start + timedelta(hours=1) <= at(17) and can_be_booked(book, start, service)
    ]
    assert offered == expected
    assert (at(10, 30) in offered) is is_shared


def test_it_lets_a_booking_move(engine: ModuleType, book: Book) -> None:
    booking = book(at(10))
    reschedule_booking(booking, new_start_at=at(10, 15), now_dt=NOW)
    assert booking.start_at == at(10, 15)
