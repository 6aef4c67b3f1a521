"""The table of seats."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.contrib.group_sessions.models.session import APP_LABEL, Session
from bookings.models import Booking
from bookings.models.instance_text import default_if_incomplete


class Seat(models.Model):
    """The ``party_size`` seats of a booking in a session; the row stays when the booking ends.

    The database refuses a second active booking of a client in a session.
    """

    session = models.ForeignKey(
        Session,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="seats",
        verbose_name=pgettext_lazy("group session", "session"),
    )
    booking = models.OneToOneField(
        Booking, on_delete=models.CASCADE, related_name="seat", verbose_name=_("booking")
    )
    # Null once the booking is not active any more. Nulls are distinct in a unique constraint, so
    # the client can book again.
    client_key = models.CharField(_("client"), max_length=64, null=True, blank=True)

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("seat")
        verbose_name_plural = _("seats")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session", "client_key"], name="bookings_sessions_one_per_client"
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{self.booking}: {self.session}"
