"""Racers who move a booking with something out of action that keeps moves apart."""

from __future__ import annotations

from collections.abc import Iterable
from time import sleep
from typing import Any
from unittest.mock import patch

from bookings.ledger import locks
from tests.races.actions import (
    Run,
    change,
    check_then_run,
    no_lock,
    no_overlap_check,
    without_guards,
)


def move_naively(**values: Any) -> Run:
    """Look first and move afterwards, with neither lock nor guard."""
    run = move_without_a_look(**values)
    return check_then_run(run, values["new_provider"], values["new_start_at"])


def move_without_a_look(**values: Any) -> Run:
    return without_guards(change(**values), no_lock, no_overlap_check)


def move_in_no_order(*, first: Any, **values: Any) -> Run:
    """As ``change``, but the calendar of the provider ``first`` is locked first."""

    def lock_in_no_order(provider_ids: Iterable[Any], *, using: str) -> dict[Any, int]:
        calendars = {}
        for provider_id in sorted(provider_ids, key=lambda key: bool(key != first)):
            calendars[provider_id] = locks.lock_calendar(provider_id, using=using)
            # For the others, who lock it second.
            sleep(0.5)
        return calendars

    run = change(**values)

    def locked() -> Any:
        with patch.object(locks, "lock_calendars", lock_in_no_order):
            return run()

    return locked
