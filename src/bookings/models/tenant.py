"""The target of the tenant column in a host without tenants."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Tenant(models.Model):
    """A table that stays empty.

    Because of it the tenant column exists in every host, so a host turns tenancy on by a setting
    and a retargeted foreign key.
    """

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return str(self.pk)
