from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

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


def test_after_the_story_the_admin_is_served(environment: dict[str, str]) -> None:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, PROJECT / "run.py", "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            told = []
            for line in server.stdout:
                told.append(line)
                if line.startswith("Quit the server"):
                    break
            output = "".join(told)
            assert re.search(
                rf"The admin: http://127\.0\.0\.1:{port}/ +login: demo +password: demo", output
            ), output
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                assert answer.url.startswith(f"http://127.0.0.1:{port}/admin/login/")
                assert "Log in" in answer.read().decode()
        finally:
            server.terminate()
