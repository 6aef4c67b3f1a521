"""Run a sample of mutants, in a copy of the checkout: ``python -m tests.mutations --help``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from tests.databases import DATABASE, ROOT
from tests.mutations.mutants import Mutant, mutants_of

MODULES: Final = ("rules/*.py", "ledger/*.py", "services/*.py", "contrib/*/services/*.py")
COPIED: Final = (
    "src",
    "tests",
    "docs",
    "example_project",
    "README.md",
    "pyproject.toml",
    "tox.ini",
)
TESTS: Final = ("tests/core", "tests/services", "tests/integrity", "tests/contrib")
NOT_RUN: Final = ("*/test_*races.py", "*/test_stateful.py", "*/admin/*", "*/test_admin.py")


def sample(root: Path, count: int, seed: int, only: Iterable[str]) -> list[Mutant]:
    """Draw mutants, the same ones for the same code and seed."""
    package = root / "src" / "bookings"
    paths = sorted({path for pattern in MODULES for path in package.glob(pattern)})
    mutants = [
        mutant
        for path in paths
        if any(fnmatchcase(path.relative_to(package).as_posix(), pattern) for pattern in only)
        for mutant in mutants_of(
            path.relative_to(root / "src").as_posix(), path.read_text(encoding="utf-8")
        )
    ]
    drawn = random.Random(seed).sample(mutants, min(count, len(mutants)))  # noqa: S311
    return sorted(drawn, key=lambda mutant: (mutant.path, mutant.line, mutant.change))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="how many mutants to draw")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--only", nargs="+", default=["*"], help="patterns, such as services/*")
    parser.add_argument("--seconds", type=int, default=60, help="how long the tests of one may run")
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="the tests to choose from")
    options = parser.parse_args()
    mutants = sample(ROOT, options.sample, options.seed, options.only)
    if options.list:
        print(*mutants, sep="\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="bookings-mutations-") as folder:
        copy = Path(folder) / "checkout"
        copy.mkdir()
        ignored = shutil.ignore_patterns("__pycache__", ".*", "*.sqlite3")
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copy / name, ignore=ignored)
            else:
                shutil.copy2(ROOT / name, copy / name)
        screen = os.dup(sys.stdout.fileno())
        configuration, results = Path(folder) / "mutants.json", Path(folder) / "results.jsonl"
        configuration.write_text(
            json.dumps(
                {
                    "mutants": [dataclasses.asdict(mutant) for mutant in mutants],
                    "seconds": options.seconds,
                    "source": str(copy / "src"),
                    "results": str(results),
                    "screen": screen,
                }
            ),
            encoding="utf-8",
        )
        left_out = [f"--ignore-glob={pattern}" for pattern in NOT_RUN]
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *("-p", "tests.mutations.plugin", *left_out, *options.tests),
            ],
            cwd=copy,
            env=os.environ
            | {
                DATABASE: "sqlite",
                "PYTHONPATH": os.pathsep.join([str(copy / "src"), str(copy)]),
                "BOOKINGS_MUTATIONS": str(configuration),
            },
            check=False,
            pass_fds=[screen],
        )
        os.close(screen)
        if not results.exists():
            return 1
        outcomes = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    counts = Counter(each["outcome"] for each in outcomes)
    killed = 100 * counts["killed"] / len(outcomes)
    print(f"{len(outcomes)} mutants, {killed:.1f} % killed: {dict(counts)}")
    for each in outcomes:
        if each["outcome"] != "killed":
            print(f"{each['outcome']}: {each['mutant']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
