"""What one client's bookings are counted behind, where there is a limit to them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ClientLock(models.Model):
    """One row for each client who has met a limit: writing it is the lock.

    A row may be deleted once ``locked_at`` is older than any transaction that runs; the next one
    who needs it makes it.
    """

    client = models.CharField(_("client"), max_length=64, primary_key=True)
    """A digest: who the client is stands on the bookings, and nowhere else."""
    locked_at = models.DateTimeField(_("locked at"))

    class Meta:
        verbose_name = _("client's lock")
        verbose_name_plural = _("clients' locks")

    def __str__(self) -> str:
        return self.client
