from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from tests.example.conftest import PROJECT, Run


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_taken_port_is_said_before_anything_is_built(run: Run, taken_port: int) -> None:
    done = run("run.py", "--port", str(taken_port))

    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {taken_port} is taken")
    assert done.stdout == ""


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_what_is_no_port_is_refused(run: Run, port: str) -> None:
    done = run("run.py", f"--port={port}")

    assert done.returncode == 2
    assert f"{port!r} is not a port" in done.stderr


def get(port: int, path: str) -> tuple[int, str | None, str | None]:
    """The answer's status, location and language, for a browser that prefers German.

    The server begins to listen after it has said where.
    """
    for _ in range(100):
        with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            try:
                connection.request("GET", path, headers={"Accept-Language": "de"})
            except ConnectionRefusedError:
                time.sleep(0.1)
            else:
                with connection.getresponse() as answer:
                    answer.read()
                    headers = answer.headers
                    return answer.status, headers["Location"], headers["Content-Language"]
    raise AssertionError(f"nothing answers on port {port}")


def test_after_the_story_the_admin_is_served_in_the_browsers_language_and_the_pages_in_english(
    environment: dict[str, str],
) -> None:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, PROJECT / "run.py", "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        watchdog = threading.Timer(120, server.kill)
        watchdog.start()
        try:
            assert server.stdout is not None
            told = next(line for line in server.stdout if line.startswith("The admin:"))
            assert f" http://127.0.0.1:{port}/admin/ " in told
            assert " login: demo   password: demo " in told
            assert get(port, "/") == (200, None, "en")
            assert get(port, "/admin/login/") == (200, None, "de")
        finally:
            watchdog.cancel()
            server.terminate()
