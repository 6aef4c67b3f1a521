"""What the tenant column points at where a host has no tenants."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Tenant(models.Model):
    """An ordinary table that stays empty.

    It lets the tenant column exist in every host, so that turning tenancy on is a setting and a
    retargeted foreign key, never a column that some databases have and others lack.
    """

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return str(self.pk)
