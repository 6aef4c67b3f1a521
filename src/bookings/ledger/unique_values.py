"""Tell whose unique value a row has, where the database's error does not."""

from __future__ import annotations

from django.db import IntegrityError, models, transaction

from bookings.ledger.locked import fresh
from bookings.ledger.transactions import RetryTransaction, translate_error


def is_duplicate(row: models.Model, error: IntegrityError, *, using: str) -> bool:
    """Return whether ``row`` was refused because a stored row has one of its unique values.

    The error may be one of a host's receiver. MariaDB names the constraint of a unique field after
    the column alone, which may be that of a host's field, so the stored rows are asked.
    """
    if isinstance(translate_error(error, unique_model=type(row)), RetryTransaction):
        return True
    values = {
        field.name: getattr(row, field.attname)
        for field in row._meta.local_concrete_fields
        if field.unique and not field.primary_key
    }
    with transaction.atomic(using=using):
        rows: models.QuerySet[models.Model] = models.QuerySet(type(row), using=using)
        stored = fresh(rows)
        return any(
            value is not None and stored.filter(**{name: value}).values_list("pk")[:1]
            for name, value in values.items()
        )
