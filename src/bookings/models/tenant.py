"""The target of the tenant column in a host without tenants."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.db import models
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings

UNNAMED: Final = "tenant"
"""What Django calls a model of a class ``Tenant``, and what programmers call one of any name."""


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


def tenant_name() -> str:
    """Return what the host calls a tenant: the verbose name of its model, such as "clinic".

    It is "organisation" for a model without a name of its own. The text is translated when it is
    read.
    """
    name: str = _lazy_tenant_name()
    return name


def _tenant_name() -> str:
    options: Any = apps.get_model(app_settings.model_label("TENANT_MODEL"))._meta
    is_unnamed = str(options.verbose_name).casefold() == UNNAMED or options.model is Tenant
    return gettext("organisation") if is_unnamed else str(options.verbose_name)


_lazy_tenant_name: Any = lazy(_tenant_name, str)
