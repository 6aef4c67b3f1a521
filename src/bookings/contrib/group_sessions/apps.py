"""The sessions' configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from bookings import consequences


class GroupSessionsConfig(AppConfig):
    name = "bookings.contrib.group_sessions"
    label = "bookings_group_sessions"
    verbose_name = _("Group sessions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Registered by import.
        from bookings.contrib.group_sessions import conf, integrity  # noqa: F401
        from bookings.contrib.group_sessions.following import follow_bookings, follow_deletions

        consequences.register(self.label, follow_bookings)
        consequences.register_deletion(self.label, follow_deletions)
