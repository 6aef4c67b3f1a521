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

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import HolidaysNotInstalled, InvalidSchedule


def public_holidays(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    """A year's public holidays and their names, in the active language if they are known in it.

    ``country`` is an ISO 3166-1 code of two letters, ``subdivision`` the part of an ISO 3166-2 code
    after the hyphen, or ``""`` for what the whole country keeps. Without a country there are none.

    Raises what :func:`check_region` raises.
    """
    if not country:
        return MappingProxyType({})
    check_region(country, subdivision)
    return _named(country, subdivision, year, get_language() or "")


@lru_cache(maxsize=1024)
def _named(country: str, subdivision: str, year: int, language: str) -> Mapping[date, str]:
    library = _library()
    found = library.country_holidays(
        country,
        subdiv=subdivision or None,
        years=year,
        # Left alone, the library goes by the environment of the process.
        language=_spoken(library.country_holidays(country), language),
    )
    # A holiday that is observed on 31 December belongs to the next year, and is listed there too.
    return MappingProxyType({day: name for day, name in sorted(found.items()) if day.year == year})


def _spoken(country: Any, language: str) -> str | None:
    """The library's name of a language, or of the country's own where it has no such names."""
    wanted = language.partition("-")[0]
    for known in country.supported_languages:
        if known.partition("_")[0] == wanted:
            return str(known)
    own: str | None = country.default_language
    return own


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
    regions: Mapping[str, list[str]] = _library().list_supported_countries(include_aliases=False)
    return regions


def _library() -> Any:
    try:
        import holidays
    except ImportError:
        raise HolidaysNotInstalled(
            _('Public holidays need the library. Run: pip install "django-bookings[holidays]"')
        ) from None
    return holidays
