"""Run a write as one transaction, retry it where the database asks for that, translate errors."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

from django.db import DatabaseError, IntegrityError, connections, models, transaction
from django.db.models import ProtectedError, RestrictedError
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    BookingError,
    CapacityExceeded,
    InvalidBooking,
    MissingReference,
)
from bookings.models import Booking
from bookings.models.calendar import NO_OVERLAP, SEATS_WITHIN_CAPACITY
from bookings.models.read_alias import own_models, reading_from

T = TypeVar("T")

ATTEMPTS: Final = 10
RETRY_SECONDS: Final = 20.0
MAX_PAUSE_SECONDS: Final = 0.2

# PostgreSQL: serialization failure, deadlock, lock not available.
_BUSY_SQLSTATES: Final = {"40001", "40P01", "55P03"}
# MySQL and MariaDB: record changed since last read (snapshot isolation), lock wait time-out,
# deadlock.
_BUSY_MYSQL: Final = {1020, 1205, 1213}
# SQLite's primary result codes SQLITE_BUSY and SQLITE_LOCKED.
_BUSY_SQLITE: Final = {5, 6}
# 1216 and 1217 are the same for tables on which the user has no privilege; none of ours refers to
# such a table, because we read what ours refer to.
_FOREIGN_KEY_MYSQL: Final = {1451, 1452}
_FOREIGN_KEY_SQLITE: Final = "FOREIGN KEY constraint failed"

# Of a unique constraint, SQLite names the columns.
_CONSTRAINT_SQLITE: Final = re.compile(r"^(?:UNIQUE|CHECK) constraint failed: (.+)$")
# The messages of MySQL and MariaDB are translated, the names in them are not.
_QUOTED: Final = re.compile(r"['`]([^'`]+)['`]")
_LAST_QUOTED: Final = re.compile(r"['`]([^'`]+)['`][^'`]*$")
_DUPLICATE_MYSQL: Final = 1062
_CHECK_MYSQL: Final = {3819, 4025}


class RetryTransaction(Exception):
    """Roll the transaction back and run it again: a second run can succeed.

    ``unique`` names the unique constraint that the transaction violated, if that is the reason: the
    next run has to find the other row, or to use another value.
    """

    def __init__(self, unique: str = "") -> None:
        super().__init__(unique)
        self.unique = unique


class UnnamedReference(Exception):
    """A foreign key is violated, and the database does not say of which table, as SQLite."""


def not_unique_error(_constraint: str) -> BookingError:
    return InvalidBooking(
        _("The UUID, reference or idempotency key belongs to another booking."), "not_unique"
    )


def atomic_with_retry(
    write: Callable[[], T],
    *,
    using: str,
    single_statement: bool = False,
    unique_model: type[models.Model] = Booking,
    unique_error: Callable[[str], BookingError] = not_unique_error,
) -> T:
    """Run ``write`` as one transaction, or as a savepoint of the caller's: all or nothing.

    A deadlock, a serialization failure or a lock time-out is retried after a short random pause, at
    least ``ATTEMPTS`` times and for ``RETRY_SECONDS``: at REPEATABLE READ and above, PostgreSQL
    refuses every transaction that has waited for a lock, however many wait. Inside a caller's
    transaction a retry cannot help, because its snapshot is part of the problem: it becomes
    :class:`~bookings.exceptions.BookingBusy` at once.

    A :class:`RetryTransaction` is retried at once for as long, or ``ATTEMPTS`` times inside a
    caller's transaction.

    An error of the database that is about rows of others, such as those that a host's receiver
    writes, is raised as it is. After an :class:`UnnamedReference`, ``write`` runs once more, and
    then it is looked up whether a row of ours refers to one that is missing.

    :param write: what to run; it may run several times.
    :param using: the alias of the database.
    :param single_statement: ``write`` is one SQL statement, which is a transaction by itself unless
        the caller has opened one.
    :param unique_model: the model whose violated unique constraints are retried.
    :param unique_error: makes the error to raise when a unique constraint is still violated after
        ``ATTEMPTS`` runs, from the name of the constraint.
    """
    owns_transaction = not connections[using].in_atomic_block
    deadline = time.monotonic() + RETRY_SECONDS
    retries = refusals = 0
    check_references = False
    while True:
        try:
            return _run_once(write, using, single_statement, unique_model, check_references)
        except UnnamedReference:
            check_references = True
        except RetryTransaction as error:
            retries += 1
            is_hopeless = error.unique or not owns_transaction or time.monotonic() >= deadline
            if retries >= ATTEMPTS and is_hopeless:
                raise (unique_error(error.unique) if error.unique else busy_error()) from None
        except BookingBusy:
            refusals += 1
            if not owns_transaction or (refusals >= ATTEMPTS and time.monotonic() >= deadline):
                raise
            longest = min(MAX_PAUSE_SECONDS, 0.005 * 2 ** min(refusals, ATTEMPTS))
            time.sleep(random.uniform(0, longest))  # noqa: S311


def _run_once(
    write: Callable[[], T],
    using: str,
    single_statement: bool,
    unique_model: type[models.Model],
    check_references: bool,
) -> T:
    connection = connections[using]
    alone = single_statement and not connection.in_atomic_block and connection.get_autocommit()
    try:
        with nullcontext() if alone else transaction.atomic(using=using), reading_from(using):
            return check_references_after(write, using=using) if check_references else write()
    except DatabaseError as error:
        translated = translate_error(error, unique_model=unique_model)
        if translated is None or (check_references and isinstance(translated, UnnamedReference)):
            raise
        # A refusal's message says everything; the database's error would only lengthen its
        # traceback. What the database says about a lock helps to find the cause of it.
        raise translated from (error if isinstance(translated, BookingBusy) else None)


def check_references_after(write: Callable[[], T], *, using: str) -> T:
    """Run ``write`` again that has failed with an :class:`UnnamedReference`; return its result.

    Raise ``MissingReference`` if a row of ours refers to one that is missing, and did not before.
    SQLite checks foreign keys when the transaction is committed, when it is too late to look. All
    of our tables are read.
    """
    with transaction.atomic(using=using):
        violated_before = _violated_references(using)
        result = write()
        if _violated_references(using) - violated_before:
            raise missing_reference_error()
        return result


def _violated_references(using: str) -> set[tuple[Any, ...]]:
    """Return the foreign keys of our rows to rows that are missing, as SQLite numbers them."""
    connection = connections[using]
    violated: set[tuple[Any, ...]] = set()
    with connection.cursor() as cursor:
        for table in sorted(own_tables()):
            name = connection.ops.quote_name(table)
            violated.update(cursor.execute(f"PRAGMA foreign_key_check({name})").fetchall())
    return violated


def translate_error(
    error: DatabaseError, *, unique_model: type[models.Model] = Booking
) -> BookingError | RetryTransaction | UnnamedReference | None:
    """Return what a database's error means to a caller; ``None`` if it is not about our rows."""
    cause: Any = error.__cause__ or error
    sqlstate = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    sqlite_code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if sqlstate in _BUSY_SQLSTATES or number in _BUSY_MYSQL or sqlite_code in _BUSY_SQLITE:
        return busy_error()
    # Django raises these two itself: a host protects what refers to the row.
    if not isinstance(error, IntegrityError) or isinstance(error, ProtectedError | RestrictedError):
        return None
    violated = _violated_constraint(error, cause)
    if violated == _FOREIGN_KEY_SQLITE:
        return UnnamedReference()
    if sqlstate == "23503" or number in _FOREIGN_KEY_MYSQL:
        return missing_reference_error() if _table_of(error, cause) in own_tables() else None
    if violated == NO_OVERLAP:
        return conflict_error()
    if violated == SEATS_WITHIN_CAPACITY:
        return CapacityExceeded(_("Not enough seats are left."), remaining=0)
    unique = unique_constraints(unique_model).get(violated)
    return None if unique is None else RetryTransaction(unique)


@lru_cache(maxsize=1)
def own_tables() -> frozenset[str]:
    """The tables of the core and of the bundled apps. A host's model has one of its own."""
    return frozenset(model._meta.db_table for model in own_models())


@lru_cache(maxsize=8)
def unique_constraints(model: type[models.Model]) -> dict[str, str]:
    """The names of a model's unique constraints, by everything that a database calls them.

    PostgreSQL and MariaDB give the name itself, MySQL puts the table before it, and SQLite gives
    the columns instead. The constraint of a unique field is named by the database, after the table
    and the column on PostgreSQL, and after the column on MySQL and MariaDB. MariaDB's name, without
    the table, may be that of a host's field, and is left out.
    """
    table = model._meta.db_table
    reported: dict[str, str] = {}
    unique = [c for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)]
    for constraint in unique:
        fields: list[Any] = [model._meta.get_field(name) for name in constraint.fields]
        for name in (
            constraint.name,
            f"{table}.{constraint.name}",
            ", ".join(f"{table}.{field.column}" for field in fields),
        ):
            reported[name] = constraint.name
    for field in model._meta.local_concrete_fields:
        if field.unique and not field.primary_key:
            column = str(field.column)
            name = f"{table}_{column}_key"
            reported |= dict.fromkeys((name, f"{table}.{column}"), name)
    return reported


def _table_of(error: IntegrityError, cause: Any) -> str | None:
    """The table whose foreign key is violated, be it by its own row or by the row it refers to."""
    diagnostics = getattr(cause, "diag", None)
    if diagnostics is not None:
        table: str | None = diagnostics.table_name
        return table
    # MySQL quotes the schema, the table, the constraint and the columns, in this order.
    quoted = _QUOTED.findall(str(error.args[-1]))
    return quoted[1] if len(quoted) > 1 else None


def _violated_constraint(error: IntegrityError, cause: Any) -> str:
    """What the database calls the violated constraint; never a value that a client has sent."""
    diagnostics = getattr(cause, "diag", None)
    if diagnostics is not None:
        return diagnostics.constraint_name or ""
    message = str(error.args[-1]) if error.args else ""
    if error.args and error.args[0] == _DUPLICATE_MYSQL:
        # The value comes before the name of the key, and may have quotes itself or be empty.
        match = _LAST_QUOTED.search(message)
    elif error.args and error.args[0] in _CHECK_MYSQL:
        match = _QUOTED.search(message)
    else:
        # A trigger of SQLite's raises the bare name.
        match = _CONSTRAINT_SQLITE.search(message)
    return match[1] if match else message


def conflict_error() -> BookingConflict:
    return BookingConflict(_("Booking conflicts with an existing booking."))


def missing_reference_error() -> MissingReference:
    return MissingReference(
        _("Something this booking refers to has been deleted meanwhile. Read it again.")
    )


def busy_error() -> BookingBusy:
    return BookingBusy(
        _("The database is busy with another change of the same time. Run the transaction again.")
    )


def send_on_commit(signal: Signal, sender: type[Any], *, using: str, **arguments: Any) -> None:
    """Send the signal once the transaction on the database ``using`` has been committed.

    A receiver that fails is logged.
    """
    transaction.on_commit(
        partial(signal.send_robust, sender=sender, using=using, **arguments),
        using=using,
        robust=True,
    )
