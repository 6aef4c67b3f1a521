"""Run the races on every database there is, one after the other; pytest's options follow.

``BOOKINGS_TEST_DATABASE`` chooses one of them.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.databases import DATABASE, MARIADB_URL


def main(options: list[str]) -> int:
    chosen = os.environ.get(DATABASE)
    databases = [chosen] if chosen else ["sqlite", "postgres", "mariadb"]
    failed = 0
    for database in databases:
        if database == "mariadb" and not os.environ.get(MARIADB_URL):
            print(f"mariadb: did NOT run: no server is named in {MARIADB_URL}")
            continue
        print(f"{database}:", flush=True)
        environment = os.environ | {DATABASE: database}
        command = [sys.executable, "-m", "pytest", "tests/races", *options]
        failed |= subprocess.run(command, check=False, env=environment).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
