"""The API works without the other bundled apps, and has no addresses of theirs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bookings.contrib.api import routers
from tests.databases import ROOT

PROGRAM = """
import sys
import django
django.setup()
from django.core.management import call_command
from django.urls import get_resolver
from bookings.contrib.api.schema import generate_schema
call_command("check")
paths = generate_schema()["paths"]
assert "/bookings/{uuid}/cancel/" in paths, paths
others = {
    name for name in sys.modules
    if name.startswith("bookings.contrib.") and not name.startswith("bookings.contrib.api")
}
print(sorted(others), "/availability/" in paths)
"""


def test_the_api_needs_no_other_bundled_app() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings.api_alone",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("[] False\n")


def test_the_router_asks_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "availability" in routers.BookingsRouter().viewsets()
    monkeypatch.setattr(routers.apps, "is_installed", lambda name: False)
    assert "availability" not in routers.BookingsRouter().viewsets()
