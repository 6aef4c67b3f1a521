"""The settings of group sessions."""

from __future__ import annotations

from typing import Final

from bookings.conf import Setting, SettingsGroup

STRICT: Final = "strict"
BEST_FIT: Final = "best_fit"


class GroupSessionsSettings(SettingsGroup):
    """``sessions_settings.X`` is ``settings.BOOKINGS_X``, or the default."""

    WAITLIST_ORDER = Setting(BEST_FIT, str, choices=(BEST_FIT, STRICT))


sessions_settings = GroupSessionsSettings()
