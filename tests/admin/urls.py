"""Two admins: Django's own, where the host has registered nothing, and one where it has."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import path

from bookings.admin import BookingAdmin
from bookings.conf import app_settings
from bookings.models import Booking


class SearchableAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    search_fields = ("name",)


class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Registered, and without a search."""


desk = admin.AdminSite(name="desk")
desk.register(Booking, BookingAdmin)
desk.register(get_user_model(), UserAdmin)
for name in ("SERVICE_MODEL", "PROVIDER_MODEL", "ADDON_MODEL"):
    desk.register(apps.get_model(app_settings.model_label(name)), SearchableAdmin)

if apps.is_installed("bookings.contrib.schedule"):
    from bookings.contrib.schedule.admin import ScheduleAdmin, TimeOffAdmin
    from bookings.contrib.schedule.models import Schedule, TimeOff

    desk.register(Schedule, ScheduleAdmin)
    desk.register(TimeOff, TimeOffAdmin)

if apps.is_installed("bookings.contrib.group_sessions"):
    from bookings.contrib.group_sessions.admin import SessionAdmin
    from bookings.contrib.group_sessions.models import Session

    desk.register(Session, SessionAdmin)

if apps.is_installed("bookings.contrib.series"):
    from bookings.contrib.series.admin import SeriesAdmin
    from bookings.contrib.series.models import Series

    desk.register(Series, SeriesAdmin)

urlpatterns = [path("admin/", admin.site.urls), path("desk/", desk.urls)]
