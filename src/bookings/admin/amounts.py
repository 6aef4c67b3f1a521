"""Amounts of money with the decimals of their currency, and lengths of time in words.

The columns of the database have as many decimals as any currency needs, and Django shows all of
them. Lengths are stored in minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.db.models import Model
from django.http import HttpRequest

from bookings.models.fields import AmountField
from bookings.rules.durations import format_minutes
from bookings.rules.money import format_amount

OWN_CURRENCY: Final[Callable[[Any], str]] = attrgetter("currency")


# Django compares the columns of two calls of get_fieldsets(), so each has to be the same function.
@cache
def amount_column(
    model: type[Model], name: str, currency_of: Callable[[Any], str] = OWN_CURRENCY
) -> Any:
    """Return a column of a list, or a read-only field, for an amount of a model.

    ``currency_of`` returns the currency of a row.
    """
    field: Any = model._meta.get_field(name)

    @admin.display(description=field.verbose_name, ordering=name)
    def column(row: Any) -> str:
        amount = getattr(row, name)
        return "–" if amount is None else format_amount(amount, currency_of(row))

    column.__name__ = name
    return column


@cache
def length_column(model: type[Model], name: str) -> Any:
    """Return a column of a list, or a read-only field, for a length in minutes, in words."""
    field: Any = model._meta.get_field(name)

    @admin.display(description=field.verbose_name, ordering=name)
    def column(row: Any) -> str:
        minutes = getattr(row, name)
        return "–" if minutes is None else str(format_minutes(minutes))

    column.__name__ = name
    return column


class AmountsMixin:
    """Shows the amounts and lengths of objects that the user may not change as people write them.

    For an admin class or an inline. If the model has amounts, it has a ``currency``.
    """

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        owner: Any = super()
        fieldsets = owner.get_fieldsets(request, obj)
        if self._may_edit(request, obj):
            return fieldsets
        return [
            (title, options | {"fields": self._read_only_fields(options["fields"])})
            for title, options in fieldsets
        ]

    def _may_edit(self, request: HttpRequest, obj: Any) -> bool:
        owner: Any = self
        if obj is None or owner.has_change_permission(request, obj):
            return True
        # A blank row of an inline is edited by who may add one.
        is_inline = isinstance(self, InlineModelAdmin)
        return is_inline and bool(owner.has_add_permission(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        owner: Any = super()
        names = owner.get_readonly_fields(request, obj)
        return names if self._may_edit(request, obj) else (*names, *self._columns().values())

    def _columns(self) -> dict[str, Any]:
        model: Any = self.model  # type: ignore[attr-defined]
        fields = model._meta.get_fields()
        amounts = [field.name for field in fields if isinstance(field, AmountField)]
        lengths = [field.name for field in fields if field.name.endswith("_minutes")]
        return {name: amount_column(model, name) for name in amounts} | {
            name: length_column(model, name) for name in lengths
        }

    def _read_only_fields(self, fields: Any) -> list[Any]:
        columns = self._columns()
        return [
            self._read_only_fields(field)
            if isinstance(field, list | tuple)
            else columns.get(field, field)
            for field in fields
        ]
