"""Who sits in which session."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions.models.session import LABEL, Session
from bookings.models import Booking


class Seat(models.Model):
    """A booking's place in a session: its ``party_size`` seats, kept also when it has ended.

    The database refuses a client's second active booking in a session.
    """

    session = models.ForeignKey(
        Session,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="seats",
        verbose_name=_("session"),
    )
    booking = models.OneToOneField(
        Booking, on_delete=models.CASCADE, related_name="seat", verbose_name=_("booking")
    )
    # Null once the booking is not active any more: null is not equal to null, so the client may
    # book again.
    client_key = models.CharField(_("client"), max_length=64, null=True, blank=True)

    class Meta:
        app_label = LABEL
        verbose_name = _("seat")
        verbose_name_plural = _("seats")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session", "client_key"], name="bookings_sessions_one_per_client"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking}: {self.session}"
