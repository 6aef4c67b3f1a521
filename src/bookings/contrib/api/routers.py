"""The router of the bundled views, which a host may subclass."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from rest_framework.routers import SimpleRouter

from bookings.contrib.api.viewsets.batch import BatchViewSet
from bookings.contrib.api.viewsets.booking_changes import HoldViewSet
from bookings.contrib.api.viewsets.bookings import BookingViewSet
from bookings.contrib.api.viewsets.catalogue import ProviderViewSet, ServiceViewSet


class BookingsRouter(SimpleRouter):
    """Registers the views of the resources whose apps are installed.

    ::

        class Router(BookingsRouter):
            def viewsets(self):
                return super().viewsets() | {"appointments": AppointmentViewSet}

        urlpatterns = [path("api/", include(Router().urls))]
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for prefix, viewset in self.viewsets().items():
            self.register(prefix, viewset, basename=prefix.replace("/", "-"))

    def viewsets(self) -> dict[str, Any]:
        """Return the views by their addresses."""
        views: dict[str, Any] = {
            # Before the bookings, one of which it would else be taken for.
            "bookings/batch": BatchViewSet,
            "bookings": BookingViewSet,
            "holds": HoldViewSet,
            "services": ServiceViewSet,
            "providers": ProviderViewSet,
        }
        if apps.is_installed("bookings.contrib.schedule"):
            from bookings.contrib.api.viewsets import schedules
            from bookings.contrib.api.viewsets.availability import AvailabilityViewSet

            views["availability"] = AvailabilityViewSet
            views["business-hours"] = schedules.BusinessHoursViewSet
            views["closures"] = schedules.ClosureViewSet
            views["time-off"] = schedules.TimeOffViewSet
        if apps.is_installed("bookings.contrib.payments"):
            from bookings.contrib.api.viewsets.payments import PaidBookingViewSet

            views["bookings"] = PaidBookingViewSet
        if apps.is_installed("bookings.contrib.group_sessions"):
            from bookings.contrib.api.viewsets import sessions

            views["sessions"] = sessions.SessionViewSet
            views["waitlist-entries"] = sessions.WaitlistEntryViewSet
        return views
