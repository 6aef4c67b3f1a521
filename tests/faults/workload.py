"""Workers under load that the server is taken away from: each makes, moves and cancels bookings."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Final, Self

from django.db import close_old_connections, connection
from django.db.utils import Error

from bookings.models import Booking, BookingEvent
from bookings.services import cancel_booking, create_booking, reschedule_booking
from tests.faults.fork_server import METHOD, TIMEOUT_SECONDS
from tests.faults.scenarios import HostRows
from tests.services.clock import HOUR, NOW, START

WORKERS: Final = 4
BROKEN_OFF: Final = "broken off"


@dataclass(frozen=True)
class Done:
    """A change that the worker's caller has been told of."""

    reference: str
    event: str


@dataclass
class Log:
    """What the workers have said: every change, and which of their calls the server broke off."""

    histories: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    changes: list[int] = field(default_factory=lambda: [0] * WORKERS)
    broken_off: list[int] = field(default_factory=lambda: [0] * WORKERS)


class Workload:
    """Workers, each with a connection of its own, until the block ends or they are stopped."""

    def __init__(self, settings: dict[str, Any], host_rows: HostRows) -> None:
        context: Any = multiprocessing.get_context(METHOD)
        self.log = Log()
        self._channels: list[Connection] = []
        self._processes: list[Any] = []
        for number in range(WORKERS):
            channel, other = context.Pipe()
            process = context.Process(
                target=work, args=(other, settings, host_rows, number), daemon=True
            )
            process.start()
            other.close()
            self._channels.append(channel)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.kill()
        for channel in self._channels:
            channel.close()

    def go_on(self, changes: int) -> None:
        """Wait until each worker has been told of so many changes more."""
        wanted = [done + changes for done in self.log.changes]
        while any(done < enough for done, enough in zip(self.log.changes, wanted, strict=True)):
            assert self._hear(), f"The workers have ended: {self.log.changes}."

    def stop(self) -> None:
        """Let each worker end what it has begun."""
        for channel in self._channels:
            channel.send(None)
        while self._hear():
            pass

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        while self._hear():
            pass

    def _hear(self) -> bool:
        """Take down what has been said; whether anybody is still there."""
        speaking = [channel for channel in self._channels if not channel.closed]
        if not speaking:
            return False
        heard: Any = wait(speaking, TIMEOUT_SECONDS)
        assert heard, f"Nothing said in {TIMEOUT_SECONDS} seconds: {self.log.changes}."
        for channel in heard:
            self._take_down(channel)
        return True

    def _take_down(self, channel: Connection) -> None:
        number = self._channels.index(channel)
        try:
            said = channel.recv()
        except EOFError:
            channel.close()
            return
        if isinstance(said, Done):
            self.log.histories[said.reference].append(said.event)
            self.log.changes[number] += 1
        elif said == BROKEN_OFF:
            self.log.broken_off[number] += 1
        else:
            raise AssertionError(said)


def work(channel: Connection, settings: dict[str, Any], host_rows: HostRows, number: int) -> None:
    connection.settings_dict.update(settings)
    try:
        for turn in count():
            if channel.poll():
                channel.recv()
                break
            _take_a_turn(channel, host_rows, number, turn)
    except Exception:  # noqa: BLE001 - the other end has to hear of it
        channel.send(traceback.format_exc())
    connection.close()
    channel.close()


def _take_a_turn(channel: Connection, host_rows: HostRows, number: int, turn: int) -> None:
    """Everybody wants the same two calendars, and nobody the same time."""

    def do(call: Callable[..., Booking], *args: Any, **kwargs: Any) -> Booking:
        """Make the call until it is answered, each time as a request of its own would."""
        while True:
            try:
                booking = call(*args, **kwargs, now_dt=NOW)
            except Error:
                channel.send(BROKEN_OFF)
                close_old_connections()
                time.sleep(0.05)
            else:
                return booking

    start_at = START + 2 * HOUR * (turn * WORKERS + number)
    booking = do(
        create_booking,
        service=host_rows.service,
        provider=host_rows.ana,
        start_at=start_at,
        client_name=f"Worker {number}",
        idempotency_key=f"{number}-{turn}",
    )
    channel.send(Done(booking.reference, "CREATED"))
    if turn % 2:
        do(reschedule_booking, booking, new_start_at=start_at, new_provider=host_rows.ben)
        channel.send(Done(booking.reference, "RESCHEDULED"))
    if turn % 3:
        do(cancel_booking, booking)
        channel.send(Done(booking.reference, "CANCELLED"))


def histories() -> dict[str, list[str]]:
    """What the database has of it."""
    found: dict[str, list[str]] = {
        reference: [] for reference in Booking.objects.values_list("reference", flat=True)
    }
    events = BookingEvent.objects.order_by("pk")
    for reference, event in events.values_list("booking__reference", "event_type"):
        found[reference].append(event)
    return found
