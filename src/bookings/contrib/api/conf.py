"""The settings of the API."""

from __future__ import annotations

from bookings.conf import Setting, SettingsGroup


class ApiSettings(SettingsGroup):
    """``api_settings.X`` is ``settings.BOOKINGS_X``, or the default."""

    API_POLICY = Setting("bookings.contrib.api.policy.ApiPolicy", str)
    API_PAGE_SIZE = Setting(50, int)
    API_AVAILABILITY_DAYS = Setting(62, int)
    API_PROBLEM_TYPES = Setting("urn:django-bookings:problem:", str)
    API_REQUIRE_IDEMPOTENCY_KEY = Setting(True, bool)
    API_REQUIRE_IF_MATCH = Setting(True, bool)
    API_THROTTLES = Setting[dict[str, str]]({}, dict)


api_settings = ApiSettings()
