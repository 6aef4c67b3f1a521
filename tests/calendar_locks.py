"""Tell whether a transaction holds the lock of a calendar, by the statements that it runs."""

from __future__ import annotations

from typing import Any

from django.db import connection

from bookings.models import Calendar


class CalendarLocks:
    """A wrapper of statements for ``connection.execute_wrapper()``.

    A test runs in a transaction itself, so each service opens a savepoint. A lock is held until the
    savepoint is over in which it was taken: without the test, that is the transaction.
    """

    def __init__(self) -> None:
        self._depth: int | None = None

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        is_held = self.are_held()
        result = execute(sql, params, many, context)
        statement = sql.lstrip().upper()
        locks = statement.startswith("UPDATE") or "FOR UPDATE" in statement
        if locks and Calendar._meta.db_table.upper() in statement and not is_held:
            self._depth = len(connection.savepoint_ids)
        return result

    def are_held(self) -> bool:
        if self._depth is not None and len(connection.savepoint_ids) < self._depth:
            self._depth = None
        return self._depth is not None
