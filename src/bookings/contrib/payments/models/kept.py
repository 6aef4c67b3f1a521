"""Rows that are kept: what happened to money is never deleted."""

from __future__ import annotations

from typing import Any, Final, NoReturn, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import NotAllowed

M = TypeVar("M", bound=models.Model)

LABEL: Final = "bookings_payments"
"""Said by each model: Django would take them for the core's, in whose package they are, where this
app is imported and not installed.
"""


def refuse() -> NoReturn:
    raise NotAllowed(
        _("What happened to money is kept as it was. Record what happens now as a refund.")
    )


class KeptQuerySet(models.QuerySet[M]):
    def delete(self) -> NoReturn:
        refuse()


class Kept(models.Model):
    """Its rows are written by :mod:`bookings.contrib.payments.services` alone."""

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse()
