"""Every shape of host migrates without a change pending; two also back to nothing, and again.

Then staff work in its admin: with each kind of keys, users and tenants.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tests import databases

if TYPE_CHECKING:
    from pathlib import Path

# The others take back the same operations, on models of other names.
BACK_AND_FORTH = ["default", "tenant"]
# Tenants and keys of every kind are stored differently in each database. What other hosts have of
# their own is the same in all: names of apps and models, the order of migrations, pages.
ADMINS = ["tenant", "keys"]
CONFIGURATIONS = ["default", *ADMINS]
if connection.vendor == "sqlite":
    ADMINS += ["custom_user", "single_app", "late_model", "catalog"]
    CONFIGURATIONS = ["default", "core_alone", *ADMINS]


def run_migrations(configuration: str, folder: Path) -> subprocess.CompletedProcess[str]:
    if connection.vendor == "sqlite":
        name = str(folder / f"{configuration}.sqlite3")
    else:
        name = f"{connection.settings_dict['NAME']}_{configuration}"
    return subprocess.run(
        # Warnings are errors here too, as they are for pytest.
        [
            *(sys.executable, "-W", "error", "-m", "tests.migrations.host"),
            *(["--back"] if configuration in BACK_AND_FORTH else []),
            *(["--admin"] if configuration in ADMINS else []),
        ],
        cwd=databases.ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"tests.settings.{configuration}",
            databases.NAME: name,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_host_migrates(configuration: str, tmp_path: Path) -> None:
    done = run_migrations(configuration, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes detected" in done.stdout
    assert "System check identified no issues" in done.stdout


def test_a_late_model_needs_to_be_declared(tmp_path: Path) -> None:
    """The control: without BOOKINGS_MIGRATION_DEPENDENCIES a fresh database cannot be made."""
    done = run_migrations("late_model_undeclared", tmp_path)
    assert done.returncode != 0
    assert "workshop.repair" in (done.stdout + done.stderr).lower()
