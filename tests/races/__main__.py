"""Run the races on every database there is, one after the other; pytest's options follow.

Those of an app beside the core need a host that has it installed, and so a run of their own.

``BOOKINGS_TEST_DATABASE`` chooses one of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import pytest

from tests.databases import DATABASE, MARIADB_URL

RACES: Final = (
    ("tests/races", "tests/contrib/series/test_races.py"),
    ("--ds=tests.settings.payments", "tests/contrib/payments/test_races.py"),
    ("--ds=tests.settings.group_sessions", "tests/contrib/group_sessions/test_races.py"),
)


def main(options: list[str]) -> int:
    chosen = os.environ.get(DATABASE)
    databases = [chosen] if chosen else ["sqlite", "postgres", "mariadb"]
    ended = []
    for database in databases:
        if database == "mariadb" and not os.environ.get(MARIADB_URL):
            print(f"mariadb: did NOT run: no server is named in {MARIADB_URL}")
            continue
        print(f"{database}:", flush=True)
        environment = os.environ | {DATABASE: database}
        for races in RACES:
            command = [sys.executable, "-m", "pytest", *races, *options]
            ended.append(subprocess.run(command, check=False, env=environment).returncode)
    # A choice of the options may have left nothing of one run, but not of all.
    nothing = int(pytest.ExitCode.NO_TESTS_COLLECTED)
    return max((code for code in ended if code != nothing), default=nothing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
