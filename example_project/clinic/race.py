"""Clients in processes of their own, who all press "Book" for the same time at the same moment."""

from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context
from threading import Barrier
from typing import Any

import django

from bookings.exceptions import BookingError
from bookings.models import Booking
from bookings.services import create_booking

LONGEST_WAIT = 60  # seconds


def book_at_once(clients: Sequence[str], **wish: Any) -> list[Booking | BookingError]:
    """What each of the clients gets, who all wish for the same."""
    processes = get_context("spawn")
    with (
        processes.Manager() as manager,
        processes.Pool(len(clients), initializer=django.setup) as pool,
    ):
        book = partial(book_together, manager.Barrier(len(clients)), wish)
        return pool.map(book, clients, chunksize=1)


def book_together(barrier: Barrier, wish: dict[str, Any], client: str) -> Booking | BookingError:
    """Wait until all processes are here, then book."""
    barrier.wait(LONGEST_WAIT)
    try:
        return create_booking(client_name=client, **wish)
    except BookingError as refusal:
        return refusal
