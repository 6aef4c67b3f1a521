"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from bookings import extensions


class GroupSessionsConfig(AppConfig):
    name = "bookings.contrib.group_sessions"
    label = "bookings_group_sessions"
    verbose_name = _("Group sessions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings.contrib.group_sessions import conf  # noqa: F401 - registers its settings
        from bookings.contrib.group_sessions.extension import GroupSessionsExtension

        extensions.register(GroupSessionsExtension())
