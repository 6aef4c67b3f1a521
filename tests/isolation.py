"""For tests in which a second session writes what the first one's snapshot does not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from django.db import connection

SECOND_SESSION: Final = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor == "sqlite",
        reason="SQLite in memory has one connection, so nobody else can write meanwhile.",
    ),
]
REPEATABLE_READ: Final = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "mysql": "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
}


@pytest.fixture
def repeatable_read() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(REPEATABLE_READ[connection.vendor])
    yield
    # The level goes with the session.
    connection.close()
