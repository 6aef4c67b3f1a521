"""The API where a project mounts it."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("api/v1/", include("bookings.contrib.api.urls"))]
