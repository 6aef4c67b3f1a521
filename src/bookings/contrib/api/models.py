"""The answers that are kept for requests which are sent again."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.models import Booking
from bookings.models.fields import ExactCharField

APP_LABEL: Final = "bookings_api"
"""The model names its app. Django would assign it to the core, whose package contains this one,
where this app is imported but not installed.
"""


class StoredResponse(models.Model):
    """What a request with an ``Idempotency-Key`` was answered with.

    It is written in the transaction of the change that the request made, so there is one if and
    only if there is the change. ``purge_idempotency_keys`` deletes old ones.
    """

    principal = ExactCharField(_("principal"), max_length=100)
    key = ExactCharField(_("idempotency key"), max_length=255)
    fingerprint = models.CharField(_("fingerprint of the request"), max_length=64)
    status_code = models.PositiveSmallIntegerField(_("status"))
    headers = models.JSONField(_("headers"))
    # Text: a database may keep the members of an object in another order.
    body = models.TextField(_("body"))
    booking = models.ForeignKey(
        Booking,
        on_delete=models.CASCADE,
        null=True,
        related_name="stored_responses",
        verbose_name=_("booking"),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, db_index=True)

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("stored response")
        verbose_name_plural = _("stored responses")
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["principal", "key"], name="bookings_api_key")
        ]

    def __str__(self) -> str:
        return str(self.key)
