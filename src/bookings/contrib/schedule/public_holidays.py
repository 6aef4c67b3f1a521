"""Public holidays, by the ``holidays`` library. Nothing here reads the database.

The library is optional: https://pypi.org/project/holidays/
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
    """Return the public holidays of a year, with their names.

    The names are in the active language if the library has them, else in a language of the country.

    :param country: an ISO 3166-1 code of two letters; ``""`` for no holidays at all.
    :param subdivision: the part of an ISO 3166-2 code after the hyphen, as ``"BY"`` for Bavaria;
        ``""`` for the holidays of the whole country.
    :param year: the year.
    :returns: a mapping from dates to names, in order.
    :raises InvalidSchedule: the library does not know the region (``unknown_region``).
    :raises HolidaysNotInstalled: the library is not installed.
    """
    if not country:
        return MappingProxyType({})
    validate_region(country, subdivision)
    return _holidays_of_year(country, subdivision, year, get_language() or "")


@lru_cache(maxsize=1024)
def _holidays_of_year(
    country: str, subdivision: str, year: int, language: str
) -> Mapping[date, str]:
    library = _import_library()
    holidays = library.country_holidays(
        country,
        subdiv=subdivision or None,
        years=year,
        # Without a language, the library uses the environment of the process.
        language=_supported_language(library.country_holidays(country), language),
    )
    # A holiday that is observed on 31 December belongs to the next year, and is listed there too.
    return MappingProxyType(
        {day: name for day, name in sorted(holidays.items()) if day.year == year}
    )


def _supported_language(country: Any, language: str) -> str | None:
    """Return the library's name of a language, or the country's default language."""
    code = language.partition("-")[0]
    for supported in country.supported_languages:
        if supported.partition("_")[0] == code:
            return str(supported)
    default: str | None = country.default_language
    return default


def validate_region(country: str, subdivision: str) -> None:
    """Raise ``InvalidSchedule`` if the library does not know the region.

    Raise ``HolidaysNotInstalled`` if there is a country, and no library.
    """
    if not country:
        if subdivision:
            raise InvalidSchedule(
                _("A subdivision needs its country. Give both, or neither."), "unknown_region"
            )
        return
    subdivisions = _subdivisions_by_country()
    if country not in subdivisions:
        raise InvalidSchedule(
            _("No public holidays are known of %(country)s. Give a country's code of two letters."),
            "unknown_region",
            params={"country": country},
        )
    if subdivision and subdivision not in subdivisions[country]:
        raise InvalidSchedule(
            _("%(country)s has no subdivision %(subdivision)s. It has: %(known)s."),
            "unknown_region",
            params={
                "country": country,
                "subdivision": subdivision,
                "known": ", ".join(subdivisions[country]) or "–",
            },
        )


@lru_cache(maxsize=1)
def _subdivisions_by_country() -> Mapping[str, list[str]]:
    subdivisions: Mapping[str, list[str]] = _import_library().list_supported_countries(
        include_aliases=False
    )
    return subdivisions


def _import_library() -> Any:
    try:
        import holidays
    except ImportError:
        raise HolidaysNotInstalled(
            _('Public holidays need the library. Run: pip install "django-bookings[holidays]"')
        ) from None
    return holidays
