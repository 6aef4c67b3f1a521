"""An environment for each peer, with what PyPI has: they bring other packages than the tests have,
and one of them is a ``bookings`` too.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import django
import psycopg

VERSION: Final = ".".join(map(str, sys.version_info[:2]))
# The same Django and the same driver for all, so that it is not these that are compared.
COMMON: Final = (f"django=={django.__version__}", f"psycopg[binary]=={psycopg.__version__}")


@dataclass(frozen=True)
class Peer:
    name: str
    version: str
    module: str
    ways: tuple[str, ...]
    safest: str
    """The way that a client has to go, with every look that the package takes."""

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


PEERS: Final = (
    Peer(
        "mroudai-django-bookings",
        "0.1.0",
        "tests.benchmarks.workers.mroudai",
        ("create_booking",),
        "create_booking",
    ),
    Peer(
        "django-appointment",
        "3.12.0",
        "tests.benchmarks.workers.django_appointment",
        ("two forms", "slots, then forms"),
        "slots, then forms",
    ),
)


class CannotInstallError(Exception):
    pass


def python_of(peer: Peer, folder: Path) -> str:
    """The interpreter of the peer's environment, which is made if it is not there yet."""
    home = folder / f"{peer.name}-{peer.version}-py{VERSION}-django{django.__version__}"
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    finished = home / "finished"
    if not finished.exists():
        print(f"Installing {peer.requirement} in {home} …", flush=True)
        try:
            venv.create(home, clear=True, with_pip=True)
            _run(python, "-m", "pip", "install", "--quiet", peer.requirement, *COMMON)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotInstallError(f"cannot be installed: {error}") from error
        finished.touch()
    return str(python)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)
