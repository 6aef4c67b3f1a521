"""The text of an instance that is not complete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Final, TypeVar

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format

Instance = TypeVar("Instance", bound=models.Model)

# What a value or a row that is missing, or a value that is not converted yet, can raise. Errors of
# the database are not among them: after one, a transaction must not go on.
INCOMPLETE: Final = (
    ObjectDoesNotExist,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValidationError,
    ValueError,
)


def default_if_incomplete(text: Callable[[Instance], str]) -> Callable[[Instance], str]:
    """Decorate a ``__str__`` so that it returns Django's text where it lacks what it reads.

    Logs, debuggers and error messages show instances that are not complete, and an error raised
    there would hide the one that they tell of.
    """

    @wraps(text)
    def text_or_default(instance: Any) -> str:
        try:
            return text(instance)
        except INCOMPLETE:
            return models.Model.__str__(instance)

    return text_or_default


def local_time(instant: datetime) -> str:
    """Return an instant as the clock of the current time zone shows it, for a ``__str__``."""
    return date_format(timezone.localtime(instant), "DATETIME_FORMAT")
