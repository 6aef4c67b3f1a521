"""Validate the schedules and the providers that a caller passes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.models import Schedule
from bookings.exceptions import MissingReference
from bookings.models.arguments import is_saved
from bookings.rules import validation
from bookings.services import references

MAX_NAMES: Final = 10


def saved_schedule(value: Any) -> Schedule:
    """Return ``value`` if it is a saved schedule; raise ``MissingReference`` if it is not."""
    if not is_saved(value, Schedule):
        raise missing_schedule_error()
    schedule: Schedule = value
    return schedule


def missing_schedule_error() -> MissingReference:
    return MissingReference(_("The schedule is not saved, or has been deleted."))


def saved_schedules(values: Any) -> list[Schedule]:
    return [
        saved_schedule(value) for value in validation.as_list(values, "schedules", InvalidSchedule)
    ]


def saved_providers(values: Any) -> list[Any]:
    """Return each of the providers once; raise an error if one is not a saved provider."""
    providers = [
        references.saved_instance(value, "PROVIDER_MODEL", "provider")
        for value in validation.as_list(values, "providers", InvalidSchedule)
    ]
    return list({provider.pk: provider for provider in providers}.values())


def join_names(values: Iterable[Any]) -> str:
    """Return the names of the first ten values, for a message."""
    names = [str(value) for value in values]
    return ", ".join(names[:MAX_NAMES]) + ("…" if len(names) > MAX_NAMES else "")
