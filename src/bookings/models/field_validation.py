"""Validate the fields of a model instance without a query."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from bookings.exceptions import InvalidBooking
from bookings.rules import validation

Cleaned = dict[str, tuple[Any, Any]]
"""A value and what it was cleaned to, by the name of the field."""


def clean_fields(
    instance: models.Model, names: Collection[str], known: Cleaned | None = None
) -> None:
    """Clean these fields of an instance, so that every database can store them; without a query.

    ``full_clean()`` asks the database whether each foreign key exists and each unique value is
    free, which the database checks anyway when the row is written. Raises ``InvalidBooking`` by
    field. ``known`` is shared by the instances of one call: the very object that was cleaned for
    one of them is not cleaned again, unless it is a document, which can change.
    """
    errors = {}
    for name in names:
        value = getattr(instance, name)
        if known is not None and name in known and known[name][0] is value:
            setattr(instance, name, known[name][1])
            continue
        field: Any = instance._meta.get_field(name)
        if value is None and field.null:
            continue
        if isinstance(field, models.JSONField):
            validation.validate_document(name, value)
        elif isinstance(field, models.CharField | models.TextField):
            validation.validate_text(name, value)
            if field.blank and not value:
                continue
        try:
            if isinstance(value, str) and not value.strip():
                raise ValidationError(field.error_messages["blank"], "blank")
            cleaned = field.clean(value, instance)
        except ValidationError as error:
            errors[name] = error.error_list
            continue
        setattr(instance, name, cleaned)
        if known is not None and not isinstance(field, models.JSONField):
            known[name] = value, cleaned
    if errors:
        raise InvalidBooking(errors)
