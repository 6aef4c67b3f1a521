"""The clinics' pages: their tests need the example's settings, and so a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.database_template import TEMPLATE
from tests.example.conftest import PROJECT

TESTS = PROJECT.parent / "tests" / "example" / "pages"
SETTINGS = ["-p", "no:xdist", "--ds=example.settings"]


def test_clients_find_a_time_and_book_it() -> None:
    paths = [str(PROJECT), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *SETTINGS, str(TESTS)],
        cwd=PROJECT.parent,
        env={
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith("PYTEST_") and key != TEMPLATE
            },
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
