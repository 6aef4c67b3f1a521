"""A model that its app created later than in its first migration has to be declared."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import databases


def check(configuration: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "django", "check"],
        cwd=databases.ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"tests.settings.{configuration}",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_check_names_the_migration() -> None:
    done = check("late_model_undeclared")
    assert done.returncode == 1
    assert "bookings.E004" in done.stderr
    assert 'BOOKINGS_MIGRATION_DEPENDENCIES = {"SERVICE_MODEL": "0002_repair"}' in done.stderr


@pytest.mark.parametrize("configuration", ["late_model", "single_app", "tenant", "keys"])
def test_a_host_that_declares_them_or_needs_not(configuration: str) -> None:
    done = check(configuration)
    assert done.returncode == 0, done.stderr
