"""The points at which a call can be interrupted: one after each step it takes in the database."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from django.db import OperationalError, connection, connections

from bookings.ledger import transactions

COMMIT: Final = "COMMIT"
CHANGE_NOTHING: Final = ("SELECT", "DECLARE", "BEGIN", "SAVEPOINT", "RELEASE")

Interruption = Callable[[], None]


@dataclass(frozen=True)
class Step:
    """A statement, or the ``COMMIT`` of a transaction."""

    sql: str
    in_transaction: bool

    @property
    def changes_something(self) -> bool:
        return not self.sql.lstrip("( \n").upper().startswith(CHANGE_NOTHING)

    @property
    def can_be_seen(self) -> bool:
        """Whether others may find something changed after it."""
        return self.changes_something and (not self.in_transaction or self.sql == COMMIT)


class Steps:
    """Counts the steps of the calls inside, and interrupts after as many as it is told."""

    def __init__(self, after: int | None = None, interrupt: Interruption | None = None) -> None:
        self.taken: list[Step] = []
        self._after = after
        self._interrupt = interrupt

    @contextmanager
    def watched(self) -> Iterator[Steps]:
        connection.ensure_connection()
        wrapper = connections[connection.alias]
        commit = wrapper.commit

        def watched_commit() -> None:
            commit()
            self._take(Step(COMMIT, in_transaction=True))

        with (
            connection.execute_wrapper(self._execute),
            patch.object(wrapper, "commit", watched_commit),
        ):
            self._interrupt_if_due()
            yield self

    def _execute(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        step = Step(str(sql), connection.in_atomic_block)
        try:
            result = execute(sql, params, many, context)
        except Exception:
            self._take(step)
            raise
        self._take(step)
        return result

    def _take(self, step: Step) -> None:
        self.taken.append(step)
        self._interrupt_if_due()

    def _interrupt_if_due(self) -> None:
        if self._interrupt is not None and len(self.taken) == self._after:
            self._interrupt()


def kill_process() -> None:
    """As ``kill -9``: nothing is rolled back, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)


def close_session() -> None:
    """Have the server end this process's session, as a failing network or an operator does."""
    other = connections[connection.alias].copy()
    driver: Any = connection.connection
    with other.cursor() as cursor:
        if connection.vendor == "postgresql":
            # It waits, up to so many milliseconds, until that session has ended.
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [driver.info.backend_pid])
        else:
            cursor.execute(f"KILL {driver.thread_id()}")
    other.close()


def lose_the_answer() -> None:
    """What was sent has been done, and the connection is gone before it could be said."""
    close_session()
    raise OperationalError("server closed the connection unexpectedly")


@contextmanager
def no_transaction() -> Iterator[None]:
    """Every statement by itself, where the services believe to be in a transaction."""

    @contextmanager
    def pretended(using: str) -> Iterator[None]:
        wrapper = connections[using]
        before = wrapper.in_atomic_block, wrapper.autocommit
        # What Django asks; the driver goes on committing by itself.
        wrapper.in_atomic_block, wrapper.autocommit = True, False
        try:
            yield
        finally:
            wrapper.in_atomic_block, wrapper.autocommit = before

    with (
        patch.object(transactions, "transaction", SimpleNamespace(atomic=pretended)),
        patch.object(connection.features, "uses_savepoints", False),
    ):
        yield
