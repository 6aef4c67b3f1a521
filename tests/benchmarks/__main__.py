"""Run the benchmarks on PostgreSQL, in a database of their own, and print what came of it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection

from tests.benchmarks.contest import Result
from tests.migrations.walk import new_database


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500, help="turns of each contender")
    parser.add_argument("--stored", type=int, nargs="+", default=[0, 2_000, 100_000])
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()

    django.setup()
    with migrated_database():
        machine = describe()
        print(" · ".join(f"{name} {value}" for name, value in machine.items()))
        results = list(run(options.stored, options.rounds))
    if options.json:
        report = {"machine": machine, "results": [result.as_json() for result in results]}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def run(stored: list[int], rounds: int) -> Iterator[Result]:
    from tests.benchmarks import creating, filling
    from tests.hosts.samples import make_host

    for number in sorted(stored):
        host = make_host()
        diary = creating.Diary(host)
        filling.fill(diary.first, number)
        result = creating.compete(diary, stored=number, rounds=rounds)
        print(result.table())
        yield result


def describe() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        server, fsync = cursor.fetchone()
    return {
        "PostgreSQL": f"{server} (fsync {fsync})",
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
    }


@contextlib.contextmanager
def migrated_database() -> Iterator[None]:
    with new_database():
        call_command("migrate", verbosity=0)
        yield


if __name__ == "__main__":
    main()
