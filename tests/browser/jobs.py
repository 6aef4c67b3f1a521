"""What staff do all day, and how many clicks and keys it may take.

``python -m tests.browser.jobs`` does it in Chromium and prints the table; so does every run of the
tests that measure.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from tests.browser.staff import Clicks

FILES: Final = ("quick_entry", "calendar", "hours", "payment", "weekly_class")


class Job(NamedTuple):
    name: str
    clicks: int
    """At most; a drag is one."""
    keys: int
    """At most."""
    actions: int | None = None
    """At most so many clicks and fields that are filled in together."""


JOBS: Final = {
    job.name: job
    for job in (
        Job("take a booking on the phone", clicks=6, keys=30),
        Job("find a client by the phone number", clicks=0, keys=20),
        Job("move a booking by dragging", clicks=1, keys=0),
        Job("move a booking without dragging", clicks=3, keys=5),
        Job("mark a no-show, from the calendar", clicks=2, keys=0),
        Job("publish a weekly class", clicks=12, keys=30, actions=12),
        Job("record cash, from the calendar", clicks=4, keys=0),
        Job("enter a week of equal hours", clicks=3, keys=10),
    )
}

measured: dict[str, Clicks] = {}


def assert_within_limits(name: str, staff: Clicks) -> None:
    """Check what the job has taken, and keep it for the table."""
    measured[name], limit = staff, JOBS[name]
    assert staff.clicks <= limit.clicks, f"To {name} takes {staff.clicks} clicks."
    assert staff.keys <= limit.keys, f"To {name} takes {staff.keys} keys."
    assert limit.actions is None or staff.actions <= limit.actions


def table() -> Iterator[str]:
    """Yield the lines of the table of what was measured."""
    yield f"{'':36} {'clicks':>14} {'keys':>14}"
    for name, job in JOBS.items():
        if (found := measured.get(name)) is not None:
            clicks, keys = f"{found.clicks} of {job.clicks}", f"{found.keys} of {job.keys}"
            yield f"{name:36} {clicks:>14} {keys:>14}"


if __name__ == "__main__":
    files = [f"tests/browser/test_{name}.py" for name in FILES]
    sys.exit(pytest.main(["--ds=tests.settings.default", "-q", *files]))
