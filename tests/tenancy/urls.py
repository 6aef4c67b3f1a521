"""An admin where staff see the tenants as well."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.urls import path

from bookings.admin import BookingAdmin
from bookings.conf import app_settings
from bookings.models import Booking

front = admin.AdminSite(name="front")
front.register(Booking, BookingAdmin)
for name in ("TENANT_MODEL", "PROVIDER_MODEL"):
    front.register(apps.get_model(app_settings.model_label(name)))

urlpatterns = [path("front/", front.urls)]
