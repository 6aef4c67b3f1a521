"""The slot-engine hook: load the host's function, ask it, and read whatever it answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from bookings.conf import AppSettings, app_settings
from bookings.exceptions import BookingError, SlotUnavailable
from bookings.models import Booking

SIGNATURES: Final = (
    "(service, provider, start_dt, end_dt, tenant=None)",
    "(service, provider, start_date, end_date, tenant=None)",
)

# What an engine is told as well, if its signature names it.
OPTIONAL: Final = ("tenant", "booking", "now_dt", "override_policy")

# The claim that a reschedule is about to leave, which is therefore not in its own way.
left_behind: ContextVar[int | None] = ContextVar("bookings_left_behind", default=None)


def validate(
    booking: Booking, *, now_dt: datetime | None = None, override_policy: bool = False
) -> None:
    """Ask the host's slot engine whether this (unsaved or moved) booking's start is on offer.

    Raises what the answer's ``why_not(start_at)`` gives, if it has one, else ``SlotUnavailable``.
    An error of the engine itself is the host's, and is not caught.
    """
    engine = load_engine()
    if engine is not None:
        _ask(engine, booking, now_dt=now_dt, override_policy=override_policy)


def validate_again(booking: Booking, *, now_dt: datetime) -> None:
    """As :func:`validate`, of a booking whose time has been kept for it since it was on offer.

    The window of booking counted then and does not count again. So only an engine is asked that can
    lift it: one whose signature names ``override_policy``. Nor does it matter between which starts
    a client could choose by now: a refusal with the code ``off_grid`` is none.
    """
    engine = load_engine()
    if engine is None or not engine.lifts_policy:
        return
    try:
        _ask(engine, booking, now_dt=now_dt, override_policy=True)
    except SlotUnavailable as refusal:
        if refusal.booking_code != "off_grid":
            raise


def _ask(
    engine: Engine, booking: Booking, *, now_dt: datetime | None, override_policy: bool
) -> None:
    now = timezone.now() if now_dt is None else now_dt
    with leaving(booking.busy_interval_id):
        offered = engine(
            service=booking.service,
            provider=booking.provider,
            start_at=booking.start_at,
            end_at=booking.end_at,
            tenant=booking.tenant if app_settings.tenancy_enabled else None,
            booking=booking,
            now_dt=now,
            # A start that has passed only gets here where the caller allows it.
            override_policy=override_policy or booking.start_at < now,
        )
        if not offers(offered, booking.start_at):
            raise refusal(offered, booking.start_at)


@contextmanager
def leaving(interval_id: int | None) -> Iterator[None]:
    """While a slot engine is asked, ``get_busy_intervals`` leaves this claim out."""
    token = left_behind.set(interval_id)
    try:
        yield
    finally:
        left_behind.reset(token)


def load_engine() -> Engine | None:
    """The host's function behind one calling convention; ``None`` where starts are not validated.

    They are not in mode ``"NONE"``, nor where the host named no function and the default one's app
    is not installed (a system check warns of that).
    """
    if app_settings.SLOT_VALIDATION_MODE != "ENGINE" or is_default_missing():
        return None
    return adapted(import_string(app_settings.SLOTS_AVAILABLE_FUNC))


def is_default_missing() -> bool:
    default_app = AppSettings.SLOTS_AVAILABLE_FUNC.default.partition(".")[0]
    return not AppSettings.SLOTS_AVAILABLE_FUNC.is_set and not apps.is_installed(default_app)


@dataclass(frozen=True, slots=True)
class Engine:
    """The host's function as one of instants, which is told no more than it can be told."""

    func: Callable[..., Any]
    bounds: Callable[[datetime, datetime], dict[str, Any]]
    told: tuple[str, ...]

    @property
    def lifts_policy(self) -> bool:
        """Whether it can be asked without notice and advance."""
        return "override_policy" in self.told

    def __call__(
        self, *, service: Any, provider: Any, start_at: datetime, end_at: datetime, **context: Any
    ) -> Any:
        extra = {name: context[name] for name in self.told}
        bounds = self.bounds(start_at, end_at)
        return self.func(service=service, provider=provider, **bounds, **extra)


@lru_cache(maxsize=32)
def adapted(func: Callable[..., Any]) -> Engine:
    """``func`` as an engine. Its signature is read once, here.

    Trying one signature after another and catching ``TypeError`` would also swallow the function's
    own.
    """
    parameters = inspect.signature(func).parameters
    takes_any = any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parameters.values())
    told = [name for name in OPTIONAL if name in parameters]
    if takes_any and "tenant" not in told:
        told.append("tenant")
    if {"start_dt", "end_dt"} <= parameters.keys():
        bounds = _instants
    elif {"start_date", "end_date"} <= parameters.keys():
        bounds = _dates
    elif takes_any:
        bounds = _instants
    else:
        raise ImproperlyConfigured(
            f"BOOKINGS_SLOTS_AVAILABLE_FUNC must take {' or '.join(SIGNATURES)}; "
            f"{getattr(func, '__qualname__', repr(func))} takes {inspect.signature(func)}."
        )
    return Engine(func, bounds, tuple(told))


def _instants(start_at: datetime, end_at: datetime) -> dict[str, Any]:
    return {"start_dt": start_at, "end_dt": end_at}


def _dates(start_at: datetime, end_at: datetime) -> dict[str, Any]:
    # From the day before: opening hours that cross midnight are listed under the day they begin on.
    return {
        "start_date": timezone.localdate(start_at) - timedelta(days=1),
        "end_date": timezone.localdate(end_at),
    }


def offers(offered: Any, start_at: datetime) -> bool:
    """Whether an engine's answer has this start in it.

    The answer is a container of aware datetimes, or of objects with ``start`` or ``start_at``, or a
    mapping of dates to such containers.
    """
    if isinstance(offered, Mapping):
        return any(offers(day, start_at) for day in offered.values())
    if hasattr(offered, "__iter__"):
        return any(_start_of(slot) == start_at for slot in offered)
    if hasattr(offered, "__contains__"):
        return start_at in offered
    raise _unreadable(offered)


def starts_of(offered: Any) -> Iterator[datetime]:
    """Every start in an engine's answer, in UTC; none of one that cannot be listed."""
    if isinstance(offered, Mapping):
        for day in offered.values():
            yield from starts_of(day)
    elif hasattr(offered, "__iter__"):
        for slot in offered:
            yield _start_of(slot)


def refusal(offered: Any, start_at: datetime) -> BookingError:
    """Why this start is not in the answer, in the answer's own words if it has any."""
    why_not = getattr(offered, "why_not", None)
    error = None if why_not is None else why_not(start_at)
    if error is None:
        return SlotUnavailable(
            _("Selected start time is not available for this service."),
            params={"start_at": start_at},
        )
    if not isinstance(error, BookingError):
        raise ImproperlyConfigured(
            f"why_not() must give a bookings.exceptions.BookingError or None, not {error!r:.100}."
        )
    return error


def _start_of(slot: Any) -> datetime:
    for start in (slot, getattr(slot, "start", None), getattr(slot, "start_at", None)):
        if isinstance(start, datetime) and timezone.is_aware(start):
            # In UTC, because no datetime equals one of the hour that another zone repeats.
            return start.astimezone(UTC)
    raise _unreadable(slot)


def _unreadable(answer: Any) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        "BOOKINGS_SLOTS_AVAILABLE_FUNC must give aware datetimes, or objects with such a .start or "
        f".start_at, not {answer!r:.100}."
    )
