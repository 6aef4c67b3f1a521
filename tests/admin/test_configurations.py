"""The admin works in every shape of host: keys, users, tenancy."""

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

CONFIGURATIONS = ["tenant", "keys", "custom_user", "single_app", "late_model", "catalog"]


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_staff_can_work_in_every_host(configuration: str, tmp_path: Path) -> None:
    if connection.vendor == "sqlite":
        name = str(tmp_path / f"{configuration}.sqlite3")
    else:
        name = f"{connection.settings_dict['NAME']}_admin_{configuration}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.admin.walk"],
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
    assert done.returncode == 0, done.stdout + done.stderr
