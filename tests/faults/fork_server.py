"""Fork short-lived processes from one that has Django loaded and no connection.

Each runs one function and ends. A process that kills itself returns nothing; its signal is the
result.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, NoReturn, Self

import django

django.setup()

from django.db import connection  # noqa: E402 - the apps have to be ready first

METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class ExitResult:
    """How a process ended: what its function returned, its traceback, or the signal it died of."""

    result: Any = None
    error: str = ""
    signal: int = 0


class ForkServer:
    """The test's own process forks nothing: it has connections, which must not be shared."""

    def __init__(self) -> None:
        context: Any = multiprocessing.get_context(METHOD)
        if METHOD == "forkserver":
            context.set_forkserver_preload([__name__])
        self._channel, other = context.Pipe()
        self._process = context.Process(target=serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._process.is_alive():
            self._channel.send(None)
            self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._channel.close()

    def connect_to(self, **settings: Any) -> None:
        """From now on, the processes connect to the database that these settings name."""
        self._channel.send(settings)

    def warm_up(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Run the function here, so that no process has to do what is done for the first time."""
        self._send("warm_up", function, args, kwargs)

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What the function returns in a new process."""
        result = self._send("fork", function, args, kwargs)
        assert not result.signal, f"{function.__name__} died of signal {result.signal}."
        return result.result

    def is_killed(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Run the function in a new process; whether that killed itself before it was done."""
        return self._send("fork", function, args, kwargs).signal == signal.SIGKILL

    def _send(self, how: str, function: Callable[..., Any], *given: Any) -> ExitResult:
        self._channel.send((how, function, *given))
        if not self._channel.poll(2 * TIMEOUT_SECONDS):
            self._process.kill()
            raise AssertionError(f"{function.__name__}: nothing heard of it.")
        result: ExitResult = self._channel.recv()
        if result.error:
            raise AssertionError(result.error)
        return result


def serve(channel: Connection) -> None:
    """Run each function that comes, mostly in a process of its own, until ``None`` comes."""
    ways = {"fork": _fork, "warm_up": _warm_up}
    # Each lives too shortly to have garbage, and to look for it copies the memory that they share.
    gc.disable()
    while (message := channel.recv()) is not None:
        if isinstance(message, dict):
            connection.settings_dict.update(message)
        else:
            how, function, args, kwargs = message
            channel.send(ways[how](partial(function, *args, **kwargs)))


def _warm_up(run: Callable[[], Any]) -> ExitResult:
    result = _result_of(run)
    # Two processes cannot share one.
    connection.close()
    return result


def _fork(run: partial[Any]) -> ExitResult:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    gc.freeze()
    process = os.fork()
    if not process:
        _run_and_exit(run, sender)
    sender.close()
    # By its name alone: to show what it is called with, the database may have to be asked.
    result = ExitResult(error=f"Not done after {TIMEOUT_SECONDS} seconds: {run.func.__name__}.")
    try:
        if receiver.poll(TIMEOUT_SECONDS):
            result = receiver.recv()
        else:
            os.kill(process, signal.SIGKILL)
    except EOFError:
        result = ExitResult()
    _process, status = os.waitpid(process, 0)
    receiver.close()
    if os.WIFSIGNALED(status) and not result.error:
        return ExitResult(signal=os.WTERMSIG(status))
    return result


def _run_and_exit(run: Callable[[], Any], sender: Connection) -> NoReturn:
    result = _result_of(run)
    connection.close()
    sender.send(result)
    # Without what the parent has registered to be done when it ends.
    os._exit(0)


def _result_of(run: Callable[[], Any]) -> ExitResult:
    try:
        return ExitResult(run())
    except BaseException:  # noqa: BLE001 - the other end has to hear of it
        return ExitResult(error=traceback.format_exc())
