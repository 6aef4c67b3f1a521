"""Validate the fields of a model instance without a query."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from bookings.exceptions import InvalidBooking
from bookings.rules import instants, validation
from bookings.rules.value_comparison import document_content


@dataclasses.dataclass(frozen=True, slots=True)
class Cleaned:
    """What :func:`clean_fields` has cleaned for the instances of one call."""

    values: dict[str, tuple[Any, Any]] = dataclasses.field(default_factory=dict)
    """A value and what it was cleaned to, by the name of the field."""
    documents: set[tuple[str, bytes]] = dataclasses.field(default_factory=set)
    """Names of fields, each with the content of a document, which can change."""


def clean_fields(
    instance: models.Model, names: Collection[str], known: Cleaned | None = None
) -> None:
    """Clean these fields of an instance, so that every database can store them; without a query.

    ``full_clean()`` asks the database whether each foreign key exists and each unique value is
    free, which the database checks anyway when the row is written. Raises ``InvalidBooking`` by
    field. Instances of one call may share ``known``: the very object that was cleaned for one of
    them is not cleaned again, nor is a document with the same content.
    """
    known = Cleaned() if known is None else known
    errors = {}
    for name in names:
        value = getattr(instance, name)
        if name in known.values and known.values[name][0] is value:
            setattr(instance, name, known.values[name][1])
            continue
        field: Any = instance._meta.get_field(name)
        if value is None and field.null:
            continue
        content = None
        if isinstance(field, models.JSONField):
            content = document_content(value)
            if content is not None and (name, content) in known.documents:
                continue
            kind: Any = list if field.default is list else dict
            validation.validate_document(name, value, kind)
        elif isinstance(field, models.CharField | models.TextField):
            validation.validate_text(name, value)
            if field.blank and not value:
                continue
        try:
            cleaned = _clean(field, value, instance)
        except ValidationError as error:
            errors[name] = error.error_list
            continue
        setattr(instance, name, cleaned)
        if not isinstance(field, models.JSONField):
            known.values[name] = value, cleaned
        elif content is not None:
            known.documents.add((name, content))
    if errors:
        raise InvalidBooking(errors)


def _clean(field: Any, value: Any, instance: models.Model) -> Any:
    """Return what ``field.clean()`` returns. Raises ``ValidationError`` for any other value."""
    if isinstance(value, str) and not value.strip():
        raise ValidationError(field.error_messages["blank"], "blank")
    if value is None:
        # A field that is not editable says nothing.
        raise ValidationError(field.error_messages["null"], "null")
    if isinstance(field, models.DateTimeField):
        value = instants.aware_utc(value, field.name)
    try:
        return field.clean(value, instance)
    except TypeError:
        # Django reads a date or a time of nothing but text.
        message = field.error_messages["invalid"]
        raise ValidationError(message, "invalid", {"value": validation.Readable(value)}) from None
