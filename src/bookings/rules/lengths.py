"""How long a booking may last. Pure functions: no ORM, no clock, no settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking
from bookings.rules.durations import format_minutes
from bookings.rules.validation import MAX_MINUTES, whole_number

INVALID_DURATION: Final = "invalid_duration"

ONE_MINUTE: Final = timedelta(minutes=1)


def chosen_minutes(
    value: Any,
    name: str,
    *,
    own: int,
    least: int | None,
    most: int | None,
    step: int | None,
    override: bool = False,
) -> int:
    """Return a length in minutes that the client may choose, or raise ``InvalidBooking``.

    ``own`` is the length without a choice, which can always be chosen. ``least`` and ``most`` are
    the shortest and the longest, by default ``own``; the steps count from the shortest.
    ``override`` lifts all of them.
    """
    if override:
        return whole_number(value, name, at_least=1, at_most=MAX_MINUTES, code=INVALID_DURATION)
    least = own if least is None else least
    most = own if most is None else most
    if least > most:
        raise InvalidBooking(
            _(
                "The shortest length of the service, %(least)s, is above the longest, %(most)s. "
                "Correct the service."
            ),
            INVALID_DURATION,
            params={"least": format_minutes(least), "most": format_minutes(most)},
            field="service.minimum_duration_minutes",
        )
    if value == own and not isinstance(value, bool):
        return own
    if least == most:
        raise InvalidBooking(
            _("This service lasts %(length)s. Its length cannot be chosen."),
            INVALID_DURATION,
            params={"length": format_minutes(own)},
            field=name,
        )
    number = whole_number(value, name, at_least=least, at_most=most, code=INVALID_DURATION)
    if step is not None and (number - least) % step:
        raise InvalidBooking(
            _(
                "Lengths of this service begin at %(least)s and are %(step)s apart. "
                "%(value)s is none of them."
            ),
            INVALID_DURATION,
            params={
                "least": format_minutes(least),
                "step": format_minutes(step),
                "value": format_minutes(number),
            },
            field=name,
        )
    return number
