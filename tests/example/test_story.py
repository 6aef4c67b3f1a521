from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.example.conftest import PROJECT, Run

EXPECTED_LINES = [
    "FREE       08:00 08:30 09:00 09:30 10:00 10:30 11:00 11:30",
    "13:30 14:00 14:30 15:00 15:30 16:00 16:30 17:00",
    "REFUSED    SlotUnavailable (outside_hours)",
    "(8 a.m.-12:30 p.m., 1:30 p.m.-6 p.m.). Choose another start.",
    "CONFIRMED  BK-",
    "REFUSED    SlotUnavailable (taken)",
    "That time is taken. Choose another.",
    "REFUSED    BookingConflict (conflict)",
    "Booking conflicts with an existing booking.",
    "10:30-11:30  82.00 EUR  Anna",
    "REFUSED    3 x BookingConflict",
    "1 seat is left at that time. Choose another, or fewer seats.",
    "BUSY       10:30-11:45, 14:00-15:00, 16:00-17:00",
    "REFUSED    NoticeWindow (notice_window)",
    "Cannot cancel within the notice window (1440 minutes).",
    "CANCELLED  BK-",
    "COMPLETED  BK-",
    "Rescheduled",
    "Cancelled, by demo: Called in ill.",
    "manage.py check_bookings: All invariants hold.",
]

# The story, in a world where anybody may cancel at any time. The race starts new processes of this
# very script, so it must not do anything when it is only imported.
LENIENT = """
if __name__ == "__main__":
    import django

    django.setup()
    from clinic.management.commands import story

    story.cancel_booking = lambda booking, **details: booking

    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "story"])
"""


def assert_told(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    rest = done.stdout
    for line in EXPECTED_LINES:
        before, found, rest = rest.partition(line)
        assert found, f"{line!r} is missing from what follows the lines before it:\n{before}"


def assert_readable_anywhere(text: str) -> None:
    assert max(map(len, text.splitlines())) <= 100
    assert text.isascii()
    assert "\x1b" not in text


def test_the_story_is_told_as_often_as_one_likes(run: Run) -> None:
    first = run("run.py", "--no-server")
    second = run("run.py", "--no-server")

    assert_told(first)
    assert_told(second)
    assert_readable_anywhere(first.stdout)
    assert first.stdout.startswith("Demo data loaded: 2 clinics, 5 practitioners, 8 treatments, ")
    assert second.stdout.startswith("Demo data is there: 2 clinics, 5 practitioners, 8 treatments")


def test_the_demo_data_show_every_status(run: Run) -> None:
    run("manage.py", "migrate", "--verbosity=0")
    run("manage.py", "load_demo")

    done = run(
        "manage.py",
        "shell",
        "-c",
        "from bookings.models import Booking\n"
        "print(set(Booking.Status) - set(Booking.objects.values_list('status', flat=True)))",
    )

    assert done.stdout.splitlines()[-1] == "set()"


def test_a_story_that_goes_otherwise_fails(
    run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    run("manage.py", "migrate", "--verbosity=0")
    run("manage.py", "load_demo")
    script = tmp_path / "lenient.py"
    script.write_text(LENIENT)
    paths = [str(PROJECT), os.environ.get("PYTHONPATH", "")]

    done = subprocess.run(
        [sys.executable, script],
        env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1
    assert re.search(r"NoticeWindow was due, but BK-\S+ went through", done.stderr)


def test_changed_demo_data_are_named_as_the_reason(run: Run) -> None:
    run("manage.py", "migrate", "--verbosity=0")

    done = run("manage.py", "story")

    assert done.returncode == 1
    assert "Delete the database to start anew." in done.stderr
    assert "Traceback" not in done.stderr
