"""Store once what may be told several times, and by several at a moment."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.exceptions import ExternalIdReused
from bookings.transactions import TryAgain, judge

M = TypeVar("M", bound=models.Model)


def find(model: type[M], external_id: str, *, using: str) -> M | None:
    """What is stored under this id, locked; ``None`` if nothing is."""
    rows = model._default_manager.using(using)
    # Looked for without a lock first: where there is none, MySQL would lock the gap.
    if not rows.filter(external_id=external_id).exists():
        return None
    return rows.select_for_update().filter(external_id=external_id).first()


def store(row: models.Model, *, unique: str, using: str) -> None:
    """Insert a row that was not found by its ``unique`` field.

    If somebody else has, the write is to look again.
    """
    try:
        with transaction.atomic(using=using):
            row.save(using=using, force_insert=True)
    except IntegrityError as error:
        # MySQL names the field of a foreign key too, and that is for the core to judge.
        if judge(error) is None and unique in str(error):
            raise TryAgain from error
        raise


def check_same(row: models.Model, **told: Any) -> None:
    """Refuse an id that is used again for something else."""
    for name, value in told.items():
        if getattr(row, name) != value:
            raise ExternalIdReused(
                _("%(external_id)s is recorded already, with another %(name)s."),
                params={"external_id": told["external_id"], "name": row._meta.get_field(name).name},
            )
