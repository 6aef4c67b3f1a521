"""What the models of payments share."""

from __future__ import annotations

from typing import Any, Final, NoReturn, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import NotAllowed

Row = TypeVar("Row", bound=models.Model)

APP_LABEL: Final = "bookings_payments"
"""Each model names its app. Django would assign it to the core, whose package contains this one,
where this app is imported but not installed.
"""

MAX_DIGITS: Final = 15
DECIMAL_PLACES: Final = 3
"""As many decimals as any currency has that payments are made in."""


def not_changeable_error() -> NotAllowed:
    return NotAllowed(
        _(
            "Payments and refunds cannot be deleted, and a refund cannot be changed. Record what "
            "happened since as a refund."
        )
    )


class FinancialRecordQuerySet(models.QuerySet[Row]):
    def delete(self) -> NoReturn:
        raise not_changeable_error()


class FinancialRecord(models.Model):
    """A record of what happened to money: it cannot be deleted.

    Only :mod:`bookings.contrib.payments.services` write it.
    """

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise not_changeable_error()
