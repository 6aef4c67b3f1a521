"""Says on which databases the suite ran, from the measurements it left: ``ran.py <folder>``.

A skipped environment is easy to overlook among thirty, so the last word of a run names it.
"""

from __future__ import annotations

import sys
from pathlib import Path

OTHERWISE = {
    "sqlite": "did not run in this run of tox",
    "postgres": "did not run in this run of tox",
    "mariadb": "did NOT run: no server is named in BOOKINGS_TEST_MARIADB_URL",
}


def main(folder: Path) -> None:
    environments = {path.name.split(".")[2] for path in folder.glob(".coverage.*")}
    for database, otherwise in OTHERWISE.items():
        ran = sorted(name for name in environments if name.endswith(f"-{database}"))
        print(f"{database:>10}: {', '.join(ran) or otherwise}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
