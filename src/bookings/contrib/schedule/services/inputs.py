"""What a caller passes, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.models import Schedule
from bookings.exceptions import MissingReference
from bookings.services import inputs

NAMED_AT_MOST: Final = 10


def stored_schedule(value: Any) -> Schedule:
    if not isinstance(value, Schedule) or value.pk is None or value._state.adding:
        raise gone()
    return value


def gone() -> MissingReference:
    return MissingReference(_("The schedule is not saved, or has been deleted."))


def stored_schedules(values: Any) -> list[Schedule]:
    return [stored_schedule(value) for value in inputs.listed(values, "schedules", InvalidSchedule)]


def stored_providers(values: Any) -> list[Any]:
    """Saved providers, each once."""
    providers = [
        inputs.stored(value, "PROVIDER_MODEL", "provider")
        for value in inputs.listed(values, "providers", InvalidSchedule)
    ]
    return list({provider.pk: provider for provider in providers}.values())


def named(values: Iterable[Any]) -> str:
    """The first of them, for a message."""
    names = [str(value) for value in values]
    return ", ".join(names[:NAMED_AT_MOST]) + ("…" if len(names) > NAMED_AT_MOST else "")
