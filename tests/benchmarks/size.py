"""What a booking costs besides time: statements, and bytes on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from bookings import services
from bookings.models import Booking, Calendar
from bookings.selectors import get_busy_intervals
from tests.benchmarks.options import Options
from tests.benchmarks.participants import Participants, ours_and_peers
from tests.benchmarks.timing import Result
from tests.benchmarks.workers.pool import WorkerPool
from tests.hosts.samples import make_host

STORED: Final = 100_000
FEW: Final = 1_000
DAY: Final = timedelta(days=1)


def run(options: Options) -> Iterator[Result]:
    yield Result(
        "size", "Statements that each verb takes", "statements", dict(_verbs()), compared=False
    )
    with ours_and_peers("size", options, ["create_booking"]) as participants:
        yield _statements(participants)
        yield from _bytes(participants)


def _verbs() -> Iterator[tuple[str, float]]:
    host = make_host()
    Calendar.objects.create(provider=host.provider)
    start = datetime(2100, 1, 1, tzinfo=UTC)

    def book(**values: Any) -> Booking:
        nonlocal start
        start += DAY
        given = {"service": host.service, "provider": host.provider, "start_at": start}
        return services.create_booking(**given, client_name="Ada", **values)

    def over(**values: Any) -> Booking:
        """A booking that has begun."""
        yesterday = timezone.now() - DAY - timedelta(hours=Booking.objects.count())
        given = {"service": host.service, "provider": host.provider, "start_at": yesterday}
        return services.create_booking(**given, client_name="Ada", allow_past=True, **values)

    book()
    yield "create_booking", _count(book)
    yield "create_booking, with an add-on", _count(lambda: book(addon_ids=[host.addon.pk]))
    yield "create_booking, with an idempotency key", _count(lambda: book(idempotency_key="one"))
    booking = book()
    later = start + timedelta(days=1000)
    yield (
        "reschedule_booking",
        _count(lambda: services.reschedule_booking(booking, new_start_at=later)),
    )
    yield "update_booking", _count(lambda: services.update_booking(booking, client_name="Eve"))
    yield "add_note", _count(lambda: services.add_note(booking, "Late"))
    yield "cancel_booking", _count(lambda: services.cancel_booking(booking))
    soon = timezone.now() + timedelta(hours=1)
    for verb in (services.confirm_booking, services.decline_booking):
        hold = book(expires_at=soon)
        yield verb.__name__, _count(lambda verb=verb, hold=hold: verb(hold))  # type: ignore[misc]
    hold = book(expires_at=soon)
    yield (
        "expire_booking",
        _count(lambda: services.expire_booking(hold, now_dt=soon + DAY)),
    )
    done = over()
    yield "deliver_booking", _count(lambda: services.deliver_booking(done))
    yield "complete_booking", _count(lambda: services.complete_booking(done))
    missed = over()
    yield "mark_no_show", _count(lambda: services.mark_no_show(missed))
    for _ in range(100):
        book(expires_at=soon)
    yield (
        "expire_bookings, 100 of them",
        _count(lambda: services.expire_bookings(now_dt=soon + DAY)),
    )
    yield "get_busy_intervals", _count(lambda: get_busy_intervals(host.provider, start, later))


def _count(action: Callable[[], Any]) -> int:
    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        action()
    return len(sent)


def _statements(participants: Participants) -> Result:
    figures = {}
    for name, contender in participants.contenders.items():
        # The first one may look things up that it remembers from then on.
        contender.pool.turn(contender.way)()
        provider, slot = contender.pool.next_task()
        figures[name] = contender.pool.ask(
            "statements", way=contender.way, provider=provider, slot=slot
        )
    return Result(
        "size", "Statements that a booking takes", "statements", figures, notes=participants.notes
    )


def _bytes(participants: Participants) -> Iterator[Result]:
    """What 100,000 bookings add, for even empty tables and indexes take some pages."""
    grown: dict[str, dict[str, float]] = {"tables": {}, "indexes": {}}
    for name, contender in participants.safest.items():
        before = _filled(contender.pool, FEW)
        after = _filled(contender.pool, FEW + STORED)
        for part in ("tables", "indexes"):
            grown[part][name] = (after[part] - before[part]) / STORED
    together = {name: grown["tables"][name] + grown["indexes"][name] for name in grown["tables"]}
    for part, figures in {"all": together, **grown}.items():
        title = "Bytes of a booking on disk"
        yield Result("size", title, "bytes", figures, at=part, notes=participants.notes)


def _filled(pool: WorkerPool, number: int) -> dict[str, int]:
    pool.ask("fill", past=0, ahead=number)
    answer: dict[str, int] = pool.ask("bytes_on_disk")
    return answer
