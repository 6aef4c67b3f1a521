"""A setting changes when there are bookings: a check notices, a migration mends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests import databases

BOOK = """
from datetime import timedelta
from django.utils import timezone
from bookings.services import create_booking
from tests.hosts.samples import make_host
host = make_host()
create_booking(
    service=host.service, provider=host.provider, client_name="Ada", tenant=host.tenant,
    start_at=timezone.now() + timedelta(days=1),
)
"""
READ = """
from django.db import connection
from bookings.contrib.schedule.models import Schedule
from bookings.models import Booking
print([str(booking.tenant) for booking in Booking.objects.order_by("pk")])
with connection.cursor() as cursor:
    print(sorted(
        connection.introspection.get_relations(cursor, model._meta.db_table)["tenant_id"][1]
        for model in (Booking, Schedule)
    ))
"""
BREAK = """
from django.db import IntegrityError, transaction
from bookings.models import Booking
try:
    with transaction.atomic():
        Booking._base_manager.update(tenant_id=999)
except IntegrityError:
    print("refused")
"""


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: Any) -> Iterator[str]:
    if connection.vendor == "sqlite":
        yield str(tmp_path / "turned_on.sqlite3")
        return
    name = f"{connection.settings_dict['NAME']}_turned_on"
    quoted = connection.ops.quote_name(name)
    with django_db_blocker.unblock():
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted}")
            cursor.execute(f"CREATE DATABASE {quoted}")
        try:
            yield name
        finally:
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {quoted}")


def manage(database: str, settings: str, *args: str, code: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "django", *args],
        cwd=databases.ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"tests.settings.{settings}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            databases.NAME: database,
        },
        check=False,
        capture_output=True,
        input=code,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_tenancy_can_be_turned_on_later(database: str) -> None:
    manage(database, "default", "migrate")
    manage(database, "default", "shell", code=BOOK)
    # Django wants what an applied migration depends on to be applied, and with the setting that is
    # the tenants' table.
    manage(database, "turning_on", "migrate", "orgs", "0001")

    said = manage(database, "turned_on", "check", "--database", "default")
    assert "bookings.W004" in said
    assert 'RetargetForeignKey("Booking", "tenant")' in said
    assert 'RetargetForeignKey("bookings_schedule.Schedule", "tenant")' in said

    manage(database, "turned_on", "migrate")
    said = manage(
        database, "turned_on", "check", "--database", "default", "--fail-level", "WARNING"
    )
    assert "no issues" in said
    assert "No changes" in manage(database, "turned_on", "makemigrations", "--check", "--dry-run")

    manage(database, "turned_on", "shell", code=BOOK)
    tenants, tables = manage(database, "turned_on", "shell", code=READ).splitlines()[-2:]
    assert tenants == "['The first', 'Tenant']"
    assert tables == "['orgs_organisation', 'orgs_organisation']"
    assert "refused" in manage(database, "turned_on", "shell", code=BREAK)


def test_the_operation_names_itself_and_its_migration(database: str) -> None:
    manage(database, "turned_on", "migrate")
    plan = manage(database, "turned_on", "migrate", "orgs", "zero", "--plan")
    assert "Point Booking.tenant at the model of its setting" in plan
    assert "Point bookings_schedule.Schedule.tenant at the model of its setting" in plan
    manage(database, "turned_on", "migrate", "orgs", "0001")
