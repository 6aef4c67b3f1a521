"""A PgBouncer of a test run's own, in transaction mode, in front of its PostgreSQL.

It listens on a socket in a folder of its own and on no network, and ends with whoever started it,
also when that is killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

PORT: Final = 6432
# Of the connections to the server, so that a race's clients have to share them.
POOL_SIZE: Final = 6
# Debian installs it where only root's shell looks.
PROGRAM: Final = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
MISSING: Final = "PgBouncer is not installed here. On Debian and Ubuntu: apt install pgbouncer."

CONFIGURATION = """
[databases]
* = {server}

[pgbouncer]
pool_mode = transaction
default_pool_size = {pool_size}
auth_type = any
listen_addr =
listen_port = {listen_port}
unix_socket_dir = {folder}
"""

# A shell that ends it, and deletes its folder, once nobody holds the other end of the shell's
# standard input any more.
KEEPER: Final = 'folder=$1; shift; "$@" & cat; kill $!; wait $!; rm -r "$folder"'


@contextlib.contextmanager
def running(settings: dict[str, Any]) -> Iterator[str]:
    """In front of the server that Django's ``settings`` name; the folder of the socket."""
    assert PROGRAM is not None, MISSING
    server = _address(settings)
    # Not pytest's, for the path of a socket may have no more than 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="bookings-pgbouncer-"))
    try:
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(
                server=" ".join(f"{name}={_quoted(value)}" for name, value in server.items()),
                pool_size=POOL_SIZE,
                listen_port=PORT,
                folder=folder,
            )
        )
        with _started(
            [PROGRAM, "-q", *_as_somebody(server["host"], folder), str(configuration)], folder
        ):
            yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _address(settings: dict[str, Any]) -> dict[str, str]:
    """Where the server is and who asks, also where the settings leave that to libpq."""
    import psycopg

    given = {name: settings[name.upper()] for name in ("host", "port", "user", "password")}
    with psycopg.connect(dbname="postgres", **given) as connection:
        info = connection.info
        found = {
            "host": info.host,
            "port": str(info.port),
            "user": info.user,
            "password": info.password,
        }
    # It takes an empty one for a mistake.
    return {name: value for name, value in found.items() if value}


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _as_somebody(host: str, folder: Path) -> list[str]:
    """It refuses to run as root: then as whoever may reach the server's socket, else as nobody."""
    if os.geteuid() != 0:
        return []
    owner = Path(host).owner() if host.startswith("/") else "root"
    user = "nobody" if owner == "root" else owner
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, user)
    return ["-u", user]


@contextlib.contextmanager
def _started(command: list[str], folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "sh", str(folder), *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 20
        while not (folder / f".s.PGSQL.{PORT}").exists():
            if time.monotonic() > deadline:
                raise RuntimeError(f"PgBouncer did not start: {(folder / 'log').read_text()}")
            time.sleep(0.02)
        yield
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait(timeout=20)
