"""For a host's own tests."""

from __future__ import annotations

from bookings.integrity import find_problems


def assert_bookings_are_sound(using: str | None = None) -> None:
    """Raise ``AssertionError`` with every problem, if an invariant does not hold.

    It is cheap on the few rows of a test: call it after whatever your test does to bookings.

    :param using: the alias of the database; by default the one that bookings are written to.
    """
    problems = [f"[{problem.invariant}] {problem.message}" for problem in find_problems(using)]
    if problems:
        raise AssertionError("\n".join(problems))
