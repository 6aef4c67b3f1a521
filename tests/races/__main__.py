"""Run the races on every database there is, one after the other; pytest's options follow.

``BOOKINGS_TEST_DATABASE`` chooses one of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.databases import DATABASE, MARIADB_URL

ROOT: Final = Path(__file__).resolve().parents[2]


def races() -> list[str]:
    """The folder of the core's races, and the modules of those of the bundled apps."""
    modules = (ROOT / "tests" / "contrib").rglob("test_*races.py")
    return ["tests/races", *sorted(path.relative_to(ROOT).as_posix() for path in modules)]


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
        command = [sys.executable, "-m", "pytest", *races(), *options]
        ended.append(subprocess.run(command, check=False, env=environment, cwd=ROOT).returncode)
    # A choice of the options may have left nothing on one database, but not on all.
    nothing = int(pytest.ExitCode.NO_TESTS_COLLECTED)
    return max((code for code in ended if code != nothing), default=nothing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
