"""Pages of the admin that are in its menu beside the lists of objects.

Django's menu shows what is registered, and registers models. These have no rows, no table and no
permissions of their own: :mod:`bookings.admin.menu` says what each of them opens.
"""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from bookings.models.calendar import Calendar


class CalendarPage(Calendar):
    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = _("calendar")
        verbose_name_plural = _("calendar")


class AttentionPage(Calendar):
    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = _("needs attention")
        verbose_name_plural = _("needs attention")


class TodayPage(Calendar):
    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = _("today")
        verbose_name_plural = _("today")
