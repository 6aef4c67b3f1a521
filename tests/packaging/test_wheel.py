"""The wheel, where nothing else is: an empty environment, and a host that is not ours."""

from __future__ import annotations

import os
import subprocess
import venv
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.packaging import contents

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
SECRET_KEY = "only here"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "bookings",
    "bookings.contrib.catalog",
]
BOOKINGS_SERVICE_MODEL = "bookings_catalog.Service"
BOOKINGS_PROVIDER_MODEL = "bookings_catalog.Provider"
BOOKINGS_ADDON_MODEL = "bookings_catalog.ServiceAddon"
BOOKINGS_SLOT_VALIDATION_MODE = "NONE"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "host.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""

BOOK = """
import datetime
import django
django.setup()
from django.utils import timezone
import bookings
from bookings.contrib.catalog.models import Provider, Service
from bookings.exceptions import BookingConflict
from bookings.services import create_booking

details = {
    "service": Service.objects.create(name="Haircut", duration_minutes=30),
    "provider": Provider.objects.create(name="Ada"),
    "start_at": timezone.now() + datetime.timedelta(days=1),
    "client_name": "Grace",
}
print(bookings.__file__)
print(create_booking(**details).reference)
try:
    create_booking(**details)
except BookingConflict as error:
    print(error.messages)
"""


def test_it_is_whole(wheel: Path) -> None:
    assert contents.missing(str(wheel)) == []


def test_it_holds_nothing_but_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bookings"}


@pytest.mark.parametrize("what", contents.NEEDED)
def test_a_wheel_that_lacks_something_is_noticed(
    wheel: Path, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = str(tmp_path / wheel.name)
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(lacking, "w") as archive:
        for name in whole.namelist():
            if not contents.re.fullmatch(contents.NEEDED[what], name):
                archive.writestr(name, whole.read(name))
    assert contents.main(lacking) == 1
    assert f"lacks {what}:" in capsys.readouterr().err


def test_a_host_elsewhere_installs_it_and_books(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    host = tmp_path / "host"
    host.mkdir()
    (host / "settings.py").write_text(SETTINGS)

    def run(*command: str) -> str:
        """Run in the host's folder, with nothing of this process's surroundings but pip's."""
        kept = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "HOME", "LANG"))}
        return subprocess.run(
            [environment / "bin" / command[0], *command[1:]],
            cwd=host,
            env={**kept, "PATH": os.defpath, "DJANGO_SETTINGS_MODULE": "settings"},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    run("pip", "install", "--quiet", "--no-compile", str(wheel))
    run("pip", "check")
    run("python", "-m", "django", "migrate", "--verbosity=0")
    assert "No changes" in run("python", "-m", "django", "makemigrations", "--check", "--dry-run")
    assert "no issues" in run("python", "-m", "django", "check", "--database=default")

    imported_from, reference, refusal = run("python", "-W", "error", "-c", BOOK).splitlines()
    assert imported_from.startswith(str(environment))
    assert reference.startswith("BK-")
    assert "Booking conflicts with an existing booking." in refusal
