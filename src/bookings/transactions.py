"""One write, one transaction: judged by the database, repeated where the database asks for it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final, TypeVar

from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    BookingError,
    CapacityExceeded,
    InvalidBooking,
    MissingReference,
)
from bookings.models.calendar import NO_OVERLAP

T = TypeVar("T")

ATTEMPTS: Final = 10
PATIENCE: Final = 20.0
LONGEST_PAUSE: Final = 0.2

# PostgreSQL: serialization failure, deadlock, lock not available.
_BUSY_SQLSTATES: Final = {"40001", "40P01", "55P03"}
# MySQL and MariaDB: record changed since last read (snapshot isolation), lock wait time-out,
# deadlock.
_BUSY_MYSQL: Final = {1020, 1205, 1213}
# SQLite's primary result codes SQLITE_BUSY and SQLITE_LOCKED.
_BUSY_SQLITE: Final = {5, 6}
_FOREIGN_KEY_MYSQL: Final = {1216, 1452}


class TryAgain(Exception):
    """The write met something that a second try settles: roll back and run it again.

    Its argument, if any, is the unique constraint that a new value has to get past.
    """


def not_unique(_violated: str) -> BookingError:
    return InvalidBooking(
        _("The UUID, reference or idempotency key belongs to another booking."), "not_unique"
    )


def atomically(
    write: Callable[[], T],
    *,
    using: str,
    single_statement: bool = False,
    taken: Callable[[str], BookingError] = not_unique,
) -> T:
    """Run ``write`` as one transaction, or as a savepoint of the caller's, all or nothing.

    A ``single_statement`` is a transaction by itself, unless the caller has opened one.

    A deadlock, serialization failure or lock time-out is tried again after a short random pause, at
    least ``ATTEMPTS`` times and for ``PATIENCE`` seconds: at REPEATABLE READ and above, PostgreSQL
    refuses whoever has waited for a lock, however many wait. Inside a caller's transaction that
    cannot help (its snapshot is part of the problem), so it becomes
    :class:`~bookings.exceptions.BookingBusy` at once.

    What asks to ``TryAgain`` is tried again at once, as patiently, for any number of others may
    have come first; in a caller's transaction ``ATTEMPTS`` times. What is to be raised when a value
    that has to be unique is still taken after as many, ``taken`` makes of the constraint's name.
    """
    owns_transaction = not connections[using].in_atomic_block
    deadline = time.monotonic() + PATIENCE
    unsettled = refused = 0
    while True:
        try:
            return _once(write, using, single_statement)
        except TryAgain as error:
            unsettled += 1
            is_hopeless = error.args or not owns_transaction or time.monotonic() >= deadline
            if unsettled >= ATTEMPTS and is_hopeless:
                raise (taken(*error.args) if error.args else _busy()) from error
        except BookingBusy:
            refused += 1
            if not owns_transaction or (refused >= ATTEMPTS and time.monotonic() >= deadline):
                raise
            longest = min(LONGEST_PAUSE, 0.005 * 2 ** min(refused, ATTEMPTS))
            time.sleep(random.uniform(0, longest))  # noqa: S311


def _once(write: Callable[[], T], using: str, single_statement: bool) -> T:
    connection = connections[using]
    alone = single_statement and not connection.in_atomic_block and connection.get_autocommit()
    try:
        with nullcontext() if alone else transaction.atomic(using=using):
            return write()
    except DatabaseError as error:
        judged = judge(error)
        if judged is None:
            raise
        raise judged from error


def judge(error: DatabaseError) -> BookingError | TryAgain | None:
    """What a database's error means to a caller; ``None`` if it is not ours to say."""
    cause: Any = error.__cause__ or error
    sqlstate = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    sqlite_code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if sqlstate in _BUSY_SQLSTATES or number in _BUSY_MYSQL or sqlite_code in _BUSY_SQLITE:
        return _busy()
    # Django's own are no constraint's: what refers to the row is the host's to protect.
    if not isinstance(error, IntegrityError) or isinstance(error, ProtectedError | RestrictedError):
        return None
    violated = _violated(error, cause)
    # Before the names, for this one's has a host's table in it.
    if sqlstate == "23503" or number in _FOREIGN_KEY_MYSQL or "FOREIGN KEY" in violated:
        return MissingReference(
            _("Something this booking refers to has been deleted meanwhile. Read it again.")
        )
    if NO_OVERLAP in violated:
        return conflict()
    if "bookings_busy_seats" in violated:
        return CapacityExceeded(_("Not enough seats are left."), params={"remaining": 0})
    if any(name in violated for name in ("reference", "idempotency_key", "uuid")):
        return TryAgain(violated)
    return None


def _violated(error: IntegrityError, cause: Any) -> str:
    """The violated constraint's name, without the values that the client sent."""
    diagnostics = getattr(cause, "diag", None)
    if diagnostics is not None:
        return diagnostics.constraint_name or ""
    return str(error).rpartition(" for key ")[2]


def conflict() -> BookingConflict:
    return BookingConflict(_("Booking conflicts with an existing booking."))


def _busy() -> BookingBusy:
    return BookingBusy(
        _("The database is busy with another change of the same time. Run the transaction again.")
    )
