"""Public holidays, from the ``holidays`` library if that is installed. Nothing here reads the
database.

https://pypi.org/project/holidays/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import HolidaysNotInstalled, InvalidSchedule


@lru_cache(maxsize=1024)
def public_holidays(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    """A year's public holidays and their names, in the language of the place.

    ``country`` is an ISO 3166-1 code of two letters, ``subdivision`` the part of an ISO 3166-2 code
    after the hyphen, or ``""`` for the whole country's only. Without a country there are none.

    Raises what :func:`check_region` raises.
    """
    if not country:
        return MappingProxyType({})
    check_region(country, subdivision)
    days = _library().country_holidays(country, subdiv=subdivision or None, years=year)
    # By date, because the library knows a holiday of 31 December as one of the next year too.
    return MappingProxyType({day: name for day, name in sorted(days.items()) if day.year == year})


def check_region(country: str, subdivision: str) -> None:
    """Raise ``InvalidSchedule`` if the library knows no holidays of that region, and
    ``HolidaysNotInstalled`` if there is no library.
    """
    if not country:
        if subdivision:
            raise InvalidSchedule(
                _("A subdivision needs its country. Give both, or neither."), "unknown_region"
            )
        return
    known = _regions()
    if country not in known:
        raise InvalidSchedule(
            _("No public holidays are known of %(country)s. Give a country's code of two letters."),
            "unknown_region",
            params={"country": country},
        )
    if subdivision and subdivision not in known[country]:
        raise InvalidSchedule(
            _("%(country)s has no subdivision %(subdivision)s. It has: %(known)s."),
            "unknown_region",
            params={
                "country": country,
                "subdivision": subdivision,
                "known": ", ".join(known[country]) or "–",
            },
        )


@lru_cache(maxsize=1)
def _regions() -> Mapping[str, list[str]]:
    regions: Mapping[str, list[str]] = _library().list_supported_countries()
    return regions


def _library() -> Any:
    try:
        import holidays
    except ImportError:
        raise HolidaysNotInstalled(
            _('Public holidays need the library. Run: pip install "django-bookings[holidays]"')
        ) from None
    return holidays
