"""The server that a test run brings along ends with the run, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests import databases, embedded_postgres

# Starts a server, says where it is, and then does nothing, like a test that hangs.
OWNER = """
import sys
from tests import embedded_postgres
print(embedded_postgres.start(), flush=True)
sys.stdin.read()
"""


class Run:
    """A test run with a server of its own.

    :param temporary: the folder for temporary files. A keeper clears what killed ones left there.
    """

    def __init__(self, temporary: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER],
            cwd=databases.ROOT,
            env={
                **{k: v for k, v in os.environ.items() if k != databases.POSTGRES_URL},
                "TMPDIR": temporary,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.uri = self.process.stdout.readline().strip()
        self.data = Path(parse_qs(urlsplit(self.uri).query)["host"][0])
        self.folder = self.data.parent
        self.postmaster = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        self.keeper = int(self.folder.name.removeprefix(embedded_postgres.PREFIX).split("-")[0])

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=60)

    def is_gone(self) -> bool:
        return not (embedded_postgres.runs(self.postmaster, str(self.data)) or self.folder.exists())

    def goes(self) -> bool:
        deadline = time.monotonic() + 30
        while not self.is_gone() and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.is_gone()


@pytest.fixture
def temporary() -> Iterator[str]:
    """A folder that the keepers of other tests do not look into.

    Not below ``tmp_path``, which would make the address of the server's socket too long.
    """
    with tempfile.TemporaryDirectory(prefix="bookings-keepers-") as folder:
        yield folder


@pytest.fixture
def run(temporary: str) -> Iterator[Run]:
    run = Run(temporary)
    yield run
    run.close()


def test_it_answers_and_ends_with_the_run(run: Run) -> None:
    with psycopg.connect(run.uri) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    run.close()
    assert run.is_gone()


def test_it_listens_on_no_network(run: Run) -> None:
    with psycopg.connect(run.uri) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_it_does_not_outlive_a_killed_run(run: Run) -> None:
    run.process.kill()
    assert run.goes()


def test_what_a_killed_keeper_leaves_is_cleared_by_the_next(run: Run, temporary: str) -> None:
    os.kill(run.keeper, signal.SIGKILL)
    run.process.kill()
    run.process.wait()
    time.sleep(0.5)
    assert not run.is_gone()  # the control: nobody is left who would stop it
    Run(temporary).close()
    assert run.is_gone()


def test_a_server_in_use_is_left_alone(run: Run, temporary: str) -> None:
    Run(temporary).close()
    assert not run.is_gone()
