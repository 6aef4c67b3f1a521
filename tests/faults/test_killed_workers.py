"""``kill -9`` of the worker at every point of every verb."""

from __future__ import annotations

import pytest

from tests.faults import tasks
from tests.faults.baseline import Baseline
from tests.faults.killing import is_found_half_done, kill_everywhere
from tests.faults.scenarios import SCENARIOS

ONE_TRANSACTION = [
    scenario for scenario in SCENARIOS if scenario.changes == 1 and not scenario.is_one_statement
]


def test_a_call_that_is_killed_anywhere_is_done_or_was_never_made(
    baseline: Baseline, is_in_a_hurry: bool
) -> None:
    """Where a call takes several transactions, each of them is."""
    kill_everywhere(baseline, is_in_a_hurry=is_in_a_hurry)


def test_the_time_is_taken_before_and_after_as_the_bookings_say(baseline: Baseline) -> None:
    """Which is all there is to find, says the test above."""
    host_rows = baseline.host_rows
    before, after = baseline.fork_server.run(tasks.who_is_free, *baseline.call_arguments)
    assert after == tasks.is_free(baseline.after.rows, host_rows)
    if not baseline.scenario.is_broken:
        assert before == tasks.is_free(baseline.before.rows, host_rows)


@pytest.mark.parametrize("baseline", ONE_TRANSACTION, indirect=True, ids=str)
def test_without_its_transaction_a_call_is_found_half_done(baseline: Baseline) -> None:
    """If it were not, the first test would not say anything."""
    assert is_found_half_done(baseline), "Every state was the one before or the one after."
