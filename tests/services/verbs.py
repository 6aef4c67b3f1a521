"""The verbs that change a booking, in one table, for what is true of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from bookings.models import Booking
from bookings.services import (
    add_note,
    cancel_booking,
    change_party_size,
    complete_booking,
    confirm_booking,
    decline_booking,
    deliver_booking,
    expire_booking,
    extend_hold,
    mark_no_show,
    reopen_booking,
    reschedule_booking,
    submit_hold,
    update_booking,
)
from tests.services.clock import DAY, NOW, START, minutes

EXPIRY: Final = NOW + minutes(15)


@dataclass(frozen=True)
class Verb:
    """``do`` works on a booking that the fixture ``on`` makes, at the instant ``at``."""

    name: str
    event: str
    on: str
    do: Callable[..., Booking]
    at: datetime = NOW

    def __call__(self, booking: Any, **kwargs: Any) -> Booking:
        return self.do(booking, **({"now_dt": self.at} | kwargs))


def _note(booking: Any, **kwargs: Any) -> Booking:
    return add_note(booking, "Called back.", **kwargs)


def _change_party_size(booking: Any, **kwargs: Any) -> Booking:
    return change_party_size(booking, 2, **kwargs)


VERBS: Final = (
    Verb("confirm", "CONFIRMED", "pending", confirm_booking),
    Verb("decline", "DECLINED", "pending", decline_booking),
    Verb("cancel", "CANCELLED", "booking", cancel_booking),
    Verb(
        "reschedule",
        "RESCHEDULED",
        "booking",
        partial(reschedule_booking, new_start_at=START + DAY),
    ),
    Verb("change_party_size", "UPDATED", "group_booking", _change_party_size),
    Verb("deliver", "DELIVERED", "booking", deliver_booking, START),
    Verb("complete", "COMPLETED", "booking", complete_booking, START),
    Verb("no_show", "NO_SHOW", "booking", mark_no_show, START),
    Verb("extend", "UPDATED", "hold", partial(extend_hold, minutes=20)),
    Verb("submit", "CONFIRMED", "hold", submit_hold),
    Verb("expire", "EXPIRED", "hold", expire_booking, EXPIRY),
    Verb("reopen", "REOPENED", "cancelled", reopen_booking),
    Verb("add_note", "NOTE_ADDED", "booking", _note),
    Verb("update", "UPDATED", "booking", partial(update_booking, client_name="Marie")),
)
BY_NAME: Final = {verb.name: verb for verb in VERBS}
