"""The example runs as it does for its readers: in a process, with a database of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

PROJECT = Path(__file__).parents[2] / "example_project"

# It brings its own SQLite, whatever database the suite runs on, so one run of the suite will do.
collect_ignore_glob = [] if connection.vendor == "sqlite" else ["test_*.py"]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "example.settings",
        "EXAMPLE_DATABASE": str(tmp_path / "example.sqlite3"),
        # The story is told wherever it is told: here, without colours, and in plain ASCII.
        "PYTHONIOENCODING": "ascii",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run_example(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, PROJECT / script, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run_example
