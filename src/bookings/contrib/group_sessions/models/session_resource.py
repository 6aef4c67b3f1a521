"""A further provider whose time a session takes."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from model_utils.fields import AutoCreatedField

from bookings.contrib.group_sessions.models.session import APP_LABEL, Session
from bookings.models import BusyInterval
from bookings.models.deletion import RelatedNameField
from bookings.models.fields import SettingForeignKey
from bookings.models.instance_text import default_if_incomplete


class SessionResource(models.Model):
    """A resource of a session, such as its room, and the time that it takes of that calendar.

    The services write it together with the session: while the session is active, each of its
    resources holds time.
    """

    session = models.ForeignKey(
        Session,
        on_delete=models.CASCADE,
        related_name="resources",
        verbose_name=pgettext_lazy("group session", "session"),
    )
    provider = SettingForeignKey(
        "PROVIDER_MODEL",
        on_delete=models.PROTECT,
        related_name="resource_sessions",
        verbose_name=_("resource"),
    )
    provider_name = RelatedNameField(_("name of the resource"))
    busy_interval = models.ForeignKey(
        BusyInterval,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="session_resources",
        verbose_name=_("busy interval"),
    )
    buffer_before_minutes = models.PositiveIntegerField(_("buffer before"), default=0)
    buffer_after_minutes = models.PositiveIntegerField(_("buffer after"), default=0)
    pool = models.JSONField(
        _("pool"),
        null=True,
        blank=True,
        default=None,
        editable=False,
        help_text=_(
            "The keys of the providers of which any one will do, and the strategy; empty if it has "
            "to be this one."
        ),
    )
    created_at = AutoCreatedField(_("created at"))

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("session resource")
        verbose_name_plural = _("session resources")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session", "provider"], name="bookings_sessions_unique_resource"
            )
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{self.session} - {self.provider_name}"

    @property
    def buffers(self) -> tuple[int, int]:
        """The minutes that it is taken before the start and after the end of the session."""
        return self.buffer_before_minutes, self.buffer_after_minutes
