"""The page of the reports in the admin's menu. It has no table, only permissions."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from bookings.models import Calendar


class ReportsPage(Calendar):
    """What the admin registers to have the reports in its menu, with their permissions."""

    class Meta:
        proxy = True
        app_label = "bookings_reports"
        default_permissions: ClassVar = ()
        permissions: ClassVar = [
            ("view_reports", "Can view reports"),
            ("export_personal_data", "Can export personal data"),
        ]
        verbose_name = _("reports")
        verbose_name_plural = _("reports")
