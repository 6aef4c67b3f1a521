"""The addresses: ``path("api/v1/", include("bookings.contrib.api.urls"))``."""

from __future__ import annotations

from django.urls import path

from bookings.contrib.api.routers import BookingsRouter
from bookings.contrib.api.viewsets.documentation import DocumentationView, SchemaView

app_name = "bookings_api"

urlpatterns = [
    *BookingsRouter().urls,
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocumentationView.as_view(), name="docs"),
]
