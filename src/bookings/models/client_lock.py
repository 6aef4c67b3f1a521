"""The lock of a client, under which its bookings are counted where there are limits."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ClientLock(models.Model):
    """One row for each identifier of a client whose bookings were counted: writing it is the lock.

    You may delete rows whose ``locked_at`` is older than any running transaction; they are created
    again when they are needed.
    """

    client = models.CharField(_("client"), max_length=64, primary_key=True)
    """A digest of the identifier: personal data is on the bookings, and nowhere else."""
    locked_at = models.DateTimeField(_("locked at"))

    class Meta:
        verbose_name = _("client's lock")
        verbose_name_plural = _("clients' locks")

    def __str__(self) -> str:
        return self.client
