"""``create_booking`` against the statements it stands for, sent raw through psycopg."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

import psycopg
from django.db import connection

from bookings import policies, postgres
from bookings.models import Booking, BookingEvent, BusyInterval
from bookings.services import create_booking
from tests.benchmarks.contest import Result, contest
from tests.hosts.samples import Host

START: Final = datetime(2100, 1, 4, 9, tzinfo=UTC)
STEP: Final = timedelta(hours=2)


class Diary:
    """Books one free slot after the other, each in the way that is asked for."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.number = 0
        self.first = self.service()
        self.steps = self._captured(in_steps=True)
        self.statement = self._captured(in_steps=False)
        settings = connection.settings_dict
        self.raw = psycopg.connect(
            host=settings["HOST"] or None,
            port=settings["PORT"] or None,
            user=settings["USER"] or None,
            password=settings["PASSWORD"] or None,
            dbname=settings["NAME"],
        )

    def next_start(self) -> datetime:
        self.number += 1
        return START + STEP * self.number

    def service(self) -> Booking:
        return create_booking(
            service=self.host.service,
            provider=self.host.provider,
            start_at=self.next_start(),
            client_name="Ada",
        )

    def service_in_steps(self) -> None:
        with patch.object(postgres, "can_book", return_value=False):
            self.service()

    def raw_steps(self) -> None:
        """Lock, claim, booking and event, in one transaction, with what each returns."""
        start = self.next_start()
        interval = booking = None
        with self.raw.cursor() as cursor:
            for table, sql, columns, params in self.steps:
                values = dict(zip(columns, params, strict=True)) | self._own(table, start)
                if table == Booking._meta.db_table:
                    values["busy_interval_id"] = interval
                elif table == BookingEvent._meta.db_table:
                    values["booking_id"] = booking
                cursor.execute(sql, list(values.values()))
                [key] = cursor.fetchone() or [None]
                if table == BusyInterval._meta.db_table:
                    interval = key
                elif table == Booking._meta.db_table:
                    booking = key
        self.raw.commit()

    def raw_statement(self) -> None:
        """All of it in the one statement, committed by itself."""
        start = self.next_start()
        [(_table, sql, columns, params)] = self.statement
        own = {name: value for table in TABLES for name, value in self._own(table, start).items()}
        values = [own.get(column, value) for column, value in zip(columns, params, strict=True)]
        with self.raw.cursor() as cursor:
            cursor.execute(sql, values)
            cursor.fetchone()
        self.raw.commit()

    def _own(self, table: str, start: datetime) -> dict[str, Any]:
        """The values that must not be those of the booking whose statements were captured."""
        if table == BusyInterval._meta.db_table:
            starts = policies.floor_second(start)
            minutes = self.host.service.duration_minutes
            return {"starts": starts, "ends": starts + 60 * minutes}
        if table == Booking._meta.db_table:
            key = uuid.uuid4()
            return {"uuid": key, "reference": key.hex}
        return {}

    def _captured(self, *, in_steps: bool) -> list[tuple[str, str, list[str], list[Any]]]:
        """The statements of one booking: table, text, columns and values."""
        sent: list[tuple[str, list[Any]]] = []

        def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            sent.append((sql, list(params or ())))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(keep):
            self.service_in_steps() if in_steps else self.service()
        return [(*_columns(sql), params) for sql, params in sent]


TABLES: Final = (BusyInterval._meta.db_table, Booking._meta.db_table, BookingEvent._meta.db_table)


def _columns(sql: str) -> tuple[str, str, list[str]]:
    """A statement's table, its text, and the column that each of its parameters is for."""
    names: list[str] = []
    table = ""
    if "provider_id" in sql.partition("WHERE")[2].partition("RETURNING")[0]:
        names.append("provider_id of the lock")
    for part in sql.split("INSERT INTO ")[1:]:
        table = part.split('"')[1]
        listed = part.partition("(")[2].partition(")")[0]
        columns = [column.strip(' "') for column in listed.split(",")]
        values = part.partition(")")[2]
        taken = values.count("%s")
        names += columns[len(columns) - taken :]
    return table, sql, names


def compete(diary: Diary, *, stored: int, rounds: int) -> Result:
    return contest(
        f"A booking, with {stored:,} stored",
        {
            "the same statements, raw": diary.raw_steps,
            "the one statement, raw": diary.raw_statement,
            "create_booking": diary.service,
            "create_booking, in steps": diary.service_in_steps,
        },
        rounds=rounds,
    )
