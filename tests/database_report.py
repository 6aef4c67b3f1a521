"""Print on which databases the suite has run: ``database_report.py <folder of coverage files>``.

A skipped environment is easy to overlook among thirty, so the end of a run names it.
"""

from __future__ import annotations

import sys
from pathlib import Path

REASON_WITHOUT = {
    "sqlite": "did not run in this run of tox",
    "postgres": "did not run in this run of tox",
    "mariadb": "did NOT run: no server is named in BOOKINGS_TEST_MARIADB_URL",
}


def main(folder: Path) -> None:
    environments = {path.name.split(".")[2] for path in folder.glob(".coverage.*")}
    for database, reason in REASON_WITHOUT.items():
        ran = sorted(name for name in environments if name.endswith(f"-{database}"))
        print(f"{database:>10}: {', '.join(ran) or reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
