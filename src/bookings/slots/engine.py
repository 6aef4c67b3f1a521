"""The host's slot engine: the function, its signature, and one way to call it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string

from bookings.conf import AppSettings, app_settings

SIGNATURES: Final = (
    "(service, provider, start_dt, end_dt, tenant=None)",
    "(service, provider, start_date, end_date, tenant=None)",
)

OPTIONAL: Final = (
    "tenant",
    "booking",
    "now_dt",
    "override_policy",
    "ignored_interval_id",
    "starts",
)
"""The arguments that an engine is given only if its signature names them."""


def load_engine() -> Engine | None:
    """Return the host's slot engine; ``None`` if starts are not validated.

    They are not in mode ``"NONE"``, nor if the host names no engine and the app of the default one
    is not installed (a system check warns of that).
    """
    if app_settings.SLOT_VALIDATION_MODE != "ENGINE" or is_default_missing():
        return None
    return adapt(import_string(app_settings.SLOTS_AVAILABLE_FUNC))


def is_default_missing() -> bool:
    """Return whether the host names no engine, and the app of the default one is not installed."""
    default_app = AppSettings.SLOTS_AVAILABLE_FUNC.default.partition(".")[0]
    return not AppSettings.SLOTS_AVAILABLE_FUNC.is_set and not apps.is_installed(default_app)


@dataclass(frozen=True, slots=True)
class Engine:
    """The host's function behind one signature: that with instants and all optional arguments."""

    func: Callable[..., Any]
    bounds: Callable[[datetime, datetime], dict[str, Any]]
    """Returns the range as the arguments that the function takes: instants or dates."""
    optional: tuple[str, ...]
    """Those of ``OPTIONAL`` that the function is given."""

    def names(self, argument: str) -> bool:
        return argument in self.optional

    @property
    def can_override_policy(self) -> bool:
        return self.names("override_policy")

    def __call__(
        self,
        *,
        service: Any,
        provider: Any,
        start_at: datetime,
        end_at: datetime,
        ignored_interval_id: int | None = None,
        starts: tuple[datetime, ...] | None = None,
        **context: Any,
    ) -> Any:
        context |= {"ignored_interval_id": ignored_interval_id, "starts": starts}
        optional = {name: context[name] for name in self.optional}
        return self.func(
            service=service, provider=provider, **self.bounds(start_at, end_at), **optional
        )


@lru_cache(maxsize=32)
def adapt(func: Callable[..., Any]) -> Engine:
    """Return a function as an :class:`Engine`.

    The signature is read, and no call is tried: to catch the ``TypeError`` of a wrong call would
    hide those that the function itself raises.

    :raises ImproperlyConfigured: the function takes neither instants nor dates.
    """
    parameters = inspect.signature(func).parameters
    takes_any = any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parameters.values())
    optional = [name for name in OPTIONAL if name in parameters]
    if takes_any and "tenant" not in optional:
        optional.append("tenant")
    if {"start_dt", "end_dt"} <= parameters.keys():
        bounds = _as_instants
    elif {"start_date", "end_date"} <= parameters.keys():
        bounds = _as_dates
    elif takes_any:
        bounds = _as_instants
    else:
        raise ImproperlyConfigured(
            f"BOOKINGS_SLOTS_AVAILABLE_FUNC must take {' or '.join(SIGNATURES)}; "
            f"{getattr(func, '__qualname__', repr(func))} takes {inspect.signature(func)}."
        )
    return Engine(func, bounds, tuple(optional))


def _as_instants(start_at: datetime, end_at: datetime) -> dict[str, Any]:
    return {"start_dt": start_at, "end_dt": end_at}


def _as_dates(start_at: datetime, end_at: datetime) -> dict[str, Any]:
    # From the day before: a shift that crosses midnight is listed under the day it begins on.
    return {
        "start_date": timezone.localdate(start_at) - timedelta(days=1),
        "end_date": timezone.localdate(end_at),
    }
