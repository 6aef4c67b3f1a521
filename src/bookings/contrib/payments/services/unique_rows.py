"""Store a row once, however often and by however many processes it is reported."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.exceptions import ExternalIdReused
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import RetryTransaction
from bookings.ledger.unique_values import is_duplicate

Row = TypeVar("Row", bound=models.Model)


def find_by_external_id(model: type[Row], external_id: str, *, using: str) -> Row | None:
    """Return the row with this id, locked; ``None`` if there is none."""
    rows = model._default_manager.using(using)
    # Without a lock first: a locking read of a row that does not exist locks a gap in MySQL.
    if not rows.filter(external_id=external_id).exists():
        return None
    return fresh(rows).filter(external_id=external_id).first()


def insert_unique(row: models.Model, *, using: str) -> None:
    """Insert a row that was not found by its unique field.

    Raise ``RetryTransaction`` if another transaction has inserted one; the next run finds it.
    Another error, such as one of a host's receiver, is raised as it is.
    """
    try:
        with transaction.atomic(using=using):
            row.save(using=using, force_insert=True)
    except IntegrityError as error:
        if is_duplicate(row, error, using=using):
            raise RetryTransaction from error
        raise


def check_same_values(row: models.Model, *, external_id: str, **reported: Any) -> None:
    """Raise ``ExternalIdReused`` if the row with this id has other values than are reported now."""
    for name, value in reported.items():
        if getattr(row, name) != value:
            raise ExternalIdReused(
                _("%(external_id)s is recorded already, with another %(name)s."),
                params={"name": row._meta.get_field(name).name},
                external_id=external_id,
            )
