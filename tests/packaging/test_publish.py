"""``publish.sh`` refuses what must not be published. Nothing here uploads anything."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

import bookings
from tests import databases

if TYPE_CHECKING:
    from pathlib import Path

TAG = f"v{bookings.__version__}"
# Stands in for the real suite, which would run this very test again.
SUITE = "[testenv]\nskip_install = true\ncommands = python -c 'raise SystemExit({status})'\n"


class Checkout:
    """A clone of this repository, to do harm to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "clone", "--quiet", databases.ROOT, folder], check=True)
        for tag in self.git("tag").split():
            self.git("tag", "--delete", tag)
        # The script as it is now, and not as it was committed last.
        for path in ("publish.sh", "tests/packaging/contents.py"):
            self.write(path, (databases.ROOT / path).read_text())
        self.commit()

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
        return subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Something")

    def publish(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        hidden = ("TOX_", "PYPI_", "TWINE_", "COVERAGE_", "PYTHON")
        return subprocess.run(
            ["./publish.sh", *arguments],
            cwd=self.folder,
            # A home without a ~/.pypirc: should a refusal fail, there is nobody to upload as.
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(hidden)},
                "HOME": str(self.folder.parent),
                # What was downloaded for the test before need not be so again.
                "PIP_CACHE_DIR": str(self.folder.parent.parent / "pip-cache"),
                "PIP_NO_COMPILE": "1",
            },
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def test_an_unknown_argument_is_refused(checkout: Checkout) -> None:
    done = checkout.publish("--now")
    assert done.returncode == 2
    assert "usage:" in done.stderr


@pytest.mark.parametrize("path", ["LICENSE", "a-new-file"])
def test_a_dirty_tree_is_refused(checkout: Checkout, path: str) -> None:
    checkout.git("tag", TAG)
    checkout.write(path, "changed")
    done = checkout.publish("--dry-run")
    assert done.returncode == 1
    assert "refused: the tree is dirty" in done.stderr
    assert path in done.stderr


def test_a_version_without_its_tag_is_refused(checkout: Checkout) -> None:
    checkout.git("tag", "v0.0.1")
    done = checkout.publish("--dry-run")
    assert done.returncode == 1
    assert f"refused: there is no tag {TAG}" in done.stderr


def test_a_tag_on_another_commit_is_refused(checkout: Checkout) -> None:
    checkout.git("tag", TAG)
    checkout.commit()
    done = checkout.publish("--dry-run")
    assert done.returncode == 1
    assert f"refused: HEAD is not {TAG}" in done.stderr


def test_no_credentials_are_noticed_before_the_work_starts(checkout: Checkout) -> None:
    checkout.git("tag", TAG)
    done = checkout.publish()
    assert done.returncode == 1
    assert "refused: no credentials" in done.stderr


def test_a_wheel_that_is_not_whole_is_refused(checkout: Checkout) -> None:
    checkout.git("rm", "--quiet", "src/bookings/py.typed")
    checkout.write("tox.ini", SUITE.format(status=0))
    checkout.commit()
    checkout.git("tag", TAG)
    done = checkout.publish("--dry-run")
    assert done.returncode == 1
    assert "lacks py.typed" in done.stderr
    assert "refused: the wheel is not whole" in done.stderr


def test_failing_tests_are_refused(checkout: Checkout) -> None:
    checkout.write("tox.ini", SUITE.format(status=1))
    checkout.commit()
    checkout.git("tag", TAG)
    done = checkout.publish("--dry-run")
    assert done.returncode == 1
    assert "refused: the tests fail" in done.stderr


def test_a_dry_run_does_all_but_the_upload(checkout: Checkout) -> None:
    checkout.write("tox.ini", SUITE.format(status=0))
    checkout.commit()
    checkout.git("tag", TAG)
    done = checkout.publish("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "fit to publish, and are not uploaded" in done.stdout
