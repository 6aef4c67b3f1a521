"""What the predecessor leaves behind in the folder of our migrations is named, in time."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

import bookings
from bookings.checks.migrations import check_foreign_migrations

PACKAGE = Path(bookings.__file__).resolve().parent
RENAMED = "0002_rename_bookings_provi_star_2b583c_idx_bookings_bo_provide_3bbc05_idx_and_more"

HOST = """
from django.conf import settings
from django.core.management import execute_from_command_line
settings.configure(
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "bookings",
        "bookings.contrib.catalog",
    ],
    SECRET_KEY="x",
    BOOKINGS_SERVICE_MODEL="bookings_catalog.Service",
    BOOKINGS_PROVIDER_MODEL="bookings_catalog.Provider",
    BOOKINGS_ADDON_MODEL="bookings_catalog.ServiceAddon",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
import sys
execute_from_command_line(sys.argv)
"""


def migration(*parents: str) -> str:
    dependencies = [("auth", "0001_initial"), *(("bookings", parent) for parent in parents)]
    return (
        "from django.db import migrations\n"
        "class Migration(migrations.Migration):\n"
        f"    dependencies = {dependencies!r}\n"
    )


class Installation:
    """A copy of the package, into which a predecessor has written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "site packages"
        shutil.copytree(
            PACKAGE,
            self.folder / "bookings",
            ignore=shutil.ignore_patterns("__pycache__", "locale", "*.html"),
        )

    def add(self, name: str, text: str) -> Path:
        path = self.folder / "bookings" / "migrations" / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        return path

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", HOST, *arguments],
            env={
                **{name: value for name, value in os.environ.items() if "COVERAGE" not in name},
                "PYTHONPATH": os.pathsep.join([str(self.folder), *sys.path]),
            },
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.mark.parametrize("command", ["check", "migrate", "makemigrations", "showmigrations"])
def test_every_command_that_needs_the_migrations_names_the_file(
    installation: Installation, command: str
) -> None:
    left = installation.add(RENAMED, migration("0001_initial"))
    done = installation.manage(command)
    assert done.returncode != 0
    assert "bookings.E009" in done.stderr
    assert "NodeNotFoundError" not in done.stderr
    assert f"HINT: rm {shlex.quote(str(left))}\n" in done.stderr


def test_the_command_of_the_hint_is_enough(installation: Installation) -> None:
    installation.add(RENAMED, migration("0001_initial"))
    (hint,) = (
        line.partition("HINT: ")[2]
        for line in installation.manage("check").stderr.splitlines()
        if "HINT: rm " in line
    )
    subprocess.run(hint, shell=True, check=True)  # noqa: S602 - as a reader copies it
    done = installation.manage("migrate")
    assert done.returncode == 0, done.stderr


def test_all_that_was_left_is_named_and_a_migration_after_ours_is_not(
    installation: Installation,
) -> None:
    left = [
        installation.add("0001_initial", migration()),
        installation.add(RENAMED, migration("0001_initial")),
        installation.add("0003_more", migration(RENAMED)),
    ]
    installation.add("0009_next", migration("0003_lifecycle"))
    installation.add("_notes", "")  # Django ignores such a module, too
    said = installation.manage("check").stderr
    assert [f"HINT: rm {shlex.quote(str(path))}\n" in said for path in left] == [True] * 3
    assert said.count("bookings.E009") == 3


def test_the_message_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "left_behind"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "_notes.py").touch()
    for name, parents in {"0001_tenant": [], "0002_ours": ["0001_tenant"], "0001_left": []}.items():
        (folder / f"{name}.py").write_text(migration(*parents), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(MigrationLoader, "migrations_module", lambda label: ("left_behind", False))
    (message,) = check_foreign_migrations(None)
    assert message.id == "bookings.E009"
    assert str(folder / "0001_left.py") in message.msg
    assert message.hint == f"rm {folder}/0001_left.py"


@pytest.mark.parametrize("module", [None, "host.migrations_of_bookings"])
def test_migrations_that_are_elsewhere_are_the_host_s(module: str | None) -> None:
    with override_settings(MIGRATION_MODULES={"bookings": module}):
        assert check_foreign_migrations(None) == []


def test_ours_are_ours() -> None:
    assert check_foreign_migrations(None) == []
