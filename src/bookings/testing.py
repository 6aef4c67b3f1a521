"""For a host's own tests."""

from __future__ import annotations

from bookings.integrity import find_problems


def assert_bookings_are_sound(using: str | None = None) -> None:
    """Fail with what is wrong if any invariant does not hold over the whole database.

    Cheap on a test's few rows: call it after whatever your test does to bookings.
    """
    problems = [f"[{problem.invariant}] {problem.message}" for problem in find_problems(using)]
    if problems:
        raise AssertionError("\n".join(problems))
