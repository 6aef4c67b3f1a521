"""Run the benchmarks on PostgreSQL, in databases of their own, and print what came of it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import django
from django.core.management import call_command
from django.db import connection

from tests.benchmarks.options import Options
from tests.benchmarks.timing import Result
from tests.databases import ROOT
from tests.new_database import new_database

BENCHMARKS: Final = (
    "create",
    "growth",
    "expire",
    "sessions",
    "series",
    "size",
    "slots",
    "peers",
    "reports",
    "api",
    "calendar",
    "steps",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; default: all"
    )
    parser.add_argument("--rounds", type=int, default=500, help="turns of each contender")
    parser.add_argument(
        "--stored",
        type=int,
        nargs="+",
        default=[0, 2_000, 100_000],
        help="how many bookings there are already (create)",
    )
    parser.add_argument(
        "--history",
        type=int,
        nargs="+",
        default=[10_000, 100_000, 1_000_000],
        help="how many bookings are over (growth)",
    )
    parser.add_argument("--stale", type=int, default=100_000, help="holds that are due (expire)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument(
        "--environments",
        type=Path,
        default=ROOT / ".tox" / "peers",
        help="where the peers' environments are kept",
    )
    parser.add_argument("--no-peers", action="store_true", help="install and run this package only")
    given = parser.parse_args()
    names = given.names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose of {', '.join(BENCHMARKS)}")
    options = Options(
        rounds=given.rounds,
        stored=given.stored,
        history=given.history,
        stale=given.stale,
        environments=given.environments.resolve(),
        peers=not given.no_peers,
    )

    django.setup()
    if connection.vendor != "postgresql":
        sys.exit("The benchmarks run on PostgreSQL: set BOOKINGS_TEST_DATABASE=postgres.")
    with new_database():
        call_command("migrate", verbosity=0)
        machine = describe()
        print(" · ".join(f"{name} {value}" for name, value in machine.items()))
        results = []
        for result in run(names, options):
            print(f"\n{result.table()}", flush=True)
            results.append(result.as_json())
            if given.json:
                # Each time, for it may be long until the last one.
                report = {"rounds": options.rounds, "machine": machine, "results": results}
                given.json.write_text(json.dumps(report, indent=2) + "\n")


def run(names: list[str], options: Options) -> Iterator[Result]:
    for name in names:
        # Here, because they import models.
        benchmark: Callable[[Options], Iterator[Result]]
        benchmark = import_module(f"tests.benchmarks.{name}").run
        yield from benchmark(options)


def describe() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        server, fsync = cursor.fetchone()
    return {
        "PostgreSQL": f"{server.split()[0]} (fsync {fsync})",
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
    }


if __name__ == "__main__":
    main()
