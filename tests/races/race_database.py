"""Make a race's database, fill it and read it; runs in a process of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from graphlib import TopologicalSorter
from typing import Any, Final

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model, QuerySet

from bookings.conf import app_settings
from bookings.contrib.series.models import Series
from bookings.integrity import find_problems
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar
from bookings.models.calendar import NO_OVERLAP
from tests import database_template
from tests.hosts.samples import make_host
from tests.races import actions
from tests.stateful.audit import audit

HOSTS: Final = ("ADDON", "SERVICE", "PROVIDER")


def answer(*, question: Callable[..., Any], values: dict[str, Any]) -> Callable[[], Any]:
    return lambda: question(**values)


def make_database(*, name: str, is_copied: bool = True) -> str:
    """A new database with all tables; its name (for SQLite the file).

    Only the run's own server has the template. On another server, the tables are migrated.
    """
    if is_copied:
        database_template.use()
    connection.settings_dict["TEST"]["NAME"] = name
    connection.creation.create_test_db(
        verbosity=0, autoclobber=True, **database_template.WITHOUT_CONTENTS
    )
    return str(connection.settings_dict["NAME"])


def drop_database() -> None:
    connection.creation.destroy_test_db("", verbosity=0)


@transaction.atomic
def set_up(*, is_known: bool = False, **service: Any) -> dict[str, Any]:
    """An empty database with one service and one provider, who has a calendar if ``is_known``."""
    clear()
    host = make_host()
    if is_known:
        Calendar.objects.create(provider=host.provider)
    type(host.service).objects.update(**service)
    return {"service": host.service.pk, "provider": host.provider.pk}


@transaction.atomic
def add_providers(*, number: int, are_known: bool = True) -> list[Any]:
    """More providers, each with a calendar already if ``are_known``."""
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    hired = [model._base_manager.create(name=f"Provider {n}") for n in range(number)]
    if are_known:
        Calendar.objects.bulk_create(Calendar(provider=provider) for provider in hired)
    return [provider.pk for provider in hired]


@transaction.atomic
def book_all(*, bookings: list[dict[str, Any]]) -> list[int]:
    """Bookings that are there before the race begins; their keys."""
    return [actions.book(**values)() for values in bookings]


@transaction.atomic
def add_external_time(*, provider: Any, starts: list[datetime]) -> list[int]:
    """Hours that another calendar says are taken; their keys."""
    calendar = Calendar.objects.get(provider=provider)
    seconds = [int(start.timestamp()) for start in starts]
    kind = BusyInterval.Kind.EXTERNAL
    return [
        BusyInterval.objects.create(
            calendar=calendar, starts=start, ends=start + 3600, kind=kind, seats_taken=0
        ).pk
        for start in seconds
    ]


def clear() -> None:
    """Every row that a race may have left, in one statement for each table."""
    # MySQL looks at each row that goes, and one series may continue another.
    Series.objects.update(continues=None)
    for model in tables_to_clear(with_hosts=True):
        rows = QuerySet(model)
        rows._raw_delete(rows.db)


@cache
def tables_to_clear(*, with_hosts: bool) -> list[type[Model]]:
    """The models of the bundled apps, and the host's, each before those that it refers to."""
    models = apps.get_models(include_auto_created=True)
    ours = [
        model
        for model in models
        if model.__module__.startswith("bookings.") and not model._meta.proxy
    ]
    hosts = (
        [apps.get_model(app_settings.model_label(f"{name}_MODEL")) for name in HOSTS]
        if with_hosts
        else []
    )
    order: TopologicalSorter[type[Model]] = TopologicalSorter()
    for model in (*ours, *hosts):
        order.add(model)
        for field in model._meta.concrete_fields:
            target = field.related_model
            if target is not model and (target in ours or target in hosts):
                order.add(target, model)
    return list(order.static_order())


def count() -> dict[str, int]:
    return {
        model.__name__: model._base_manager.count()
        for model in (Booking, BookingEvent, BusyInterval)
    }


def events() -> dict[str, int]:
    """How many events of which type there are."""
    return Counter(BookingEvent.objects.values_list("event_type", flat=True))


def seats() -> list[tuple[int, int]]:
    """The capacity of every busy interval, and how much of it is taken."""
    return list(BusyInterval.objects.values_list("capacity", "seats_taken"))


def claims(*, at: datetime) -> int:
    """How many busy intervals there are that an instant is in."""
    second = int(at.timestamp())
    return BusyInterval.objects.filter(starts__lte=second, ends__gt=second).count()


def places_and_times() -> dict[int, tuple[Any, datetime]]:
    """At which provider and when every booking is."""
    rows = Booking.objects.values_list("pk", "provider_id", "start_at")
    return {key: (provider, start_at) for key, provider, start_at in rows}


def providers() -> list[Any]:
    """The keys of those who are left."""
    return list(
        Booking._meta.get_field("provider").related_model._base_manager.values_list("pk", flat=True)
    )


def broken_references() -> list[str]:
    """Every row that refers to one that there is not."""
    found = []
    for model in (Calendar, BusyInterval, Booking, BookingEvent):
        for field in model._meta.concrete_fields:
            if field.is_relation:
                there = field.related_model._base_manager.values("pk")
                refers = model._base_manager.filter(**{f"{field.name}__isnull": False})
                found += [
                    f"{model.__name__} {key} has no {field.name}."
                    for key in refers.exclude(**{f"{field.attname}__in": there}).values_list(
                        "pk", flat=True
                    )
                ]
    return found


def problems() -> list[str]:
    """What the app's own check finds, what a plain look at all rows finds, and one at bookings."""
    found = [problem.message for problem in find_problems()]
    return found + audit() + _overlaps() + _crowds()


def _overlaps() -> list[str]:
    """Judged from the bookings alone, without the ledger."""
    found = []
    latest: dict[Any, Booking] = {}
    active = Booking.objects.active().order_by("provider_id", "start_at")
    exclusive = active.filter(busy_interval__capacity=1).exclude(busy_interval__kind="CONCURRENT")
    for booking in exclusive:
        before = latest.get(booking.provider_id)
        if before is not None and _ends(before) > _starts(booking):
            found.append(f"{before} and {booking} overlap.")
        if before is None or _ends(before) < _ends(booking):
            latest[booking.provider_id] = booking
    return found


def _crowds() -> list[str]:
    """When more come than a concurrent service has seats, judged from the bookings alone."""
    found = []
    active = Booking.objects.active().select_related("service")
    concurrent = list(active.filter(service__capacity_mode="CONCURRENT"))
    for booking in concurrent:
        begins = _starts(booking)
        there = [
            other
            for other in concurrent
            if other.provider_id == booking.provider_id and _starts(other) <= begins < _ends(other)
        ]
        people = sum(other.party_size for other in there)
        if people > booking.service.capacity:
            found.append(f"{people} people come to {booking.service.capacity} seats at {begins}.")
    return found


def parties() -> list[tuple[datetime, datetime, int]]:
    """From when to when how many people come."""
    rows = Booking.objects.active().order_by("start_at")
    return list(rows.values_list("start_at", "end_at", "party_size"))


def _starts(booking: Booking) -> Any:
    return booking.start_at - timedelta(minutes=booking.buffer_before_minutes)


def _ends(booking: Booking) -> Any:
    return booking.end_at + timedelta(minutes=booking.buffer_after_minutes)


def drop_constraint() -> None:
    """Take the database's own guard away."""
    table = connection.ops.quote_name(BusyInterval._meta.db_table)
    name = connection.ops.quote_name(NO_OVERLAP)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        elif connection.vendor == "sqlite":
            for event in ("insert", "update"):
                trigger = connection.ops.quote_name(f"{NO_OVERLAP}_{event}")
                cursor.execute(f"DROP TRIGGER {trigger}")


def restore_constraint() -> None:
    set_up()
    (constraint,) = [item for item in BusyInterval._meta.constraints if item.name == NO_OVERLAP]
    with connection.schema_editor() as editor:
        if connection.vendor == "postgresql":
            editor.add_constraint(BusyInterval, constraint)
        else:
            # On SQLite this leaves the triggers to be made when the editor is done.
            constraint.constraint_sql(BusyInterval, editor)
