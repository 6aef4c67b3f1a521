"""What the script of the calendar sends when a booking was dragged to another time or provider."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from bookings.admin.base import BaseAdmin, Page
from bookings.admin.choices import with_key
from bookings.admin.conflicts import conflict_items, find_in_the_way, takes_the_time
from bookings.admin.form_errors import error_message
from bookings.admin.steps import is_overridable
from bookings.admin.visibility import selectable_objects
from bookings.exceptions import BookingError, MissingReference, ResourceTaken
from bookings.models import Booking
from bookings.rules.lengths import ONE_MINUTE
from bookings.services import reschedule_booking
from bookings.services.new_booking import addon_duration

MOST_MINUTES: Final = 60 * 24 * 366
"""No page shows more than a week; this keeps the arithmetic within the calendar."""


class DragForm(forms.Form):
    booking = forms.CharField(max_length=100)
    version = forms.IntegerField()
    later = forms.IntegerField(required=False, min_value=-MOST_MINUTES, max_value=MOST_MINUTES)
    """By how many minutes the booking is to begin later."""
    longer = forms.IntegerField(required=False, min_value=-MOST_MINUTES, max_value=MOST_MINUTES)
    """By how many minutes it is to be longer."""
    provider = forms.CharField(required=False, max_length=100)
    override = forms.BooleanField(required=False)


class DragMixin(BaseAdmin):
    def get_pages(self) -> list[Page]:
        return [Page("calendar/move/", self.drag_view, "calendar_move"), *super().get_pages()]

    def drag_view(self, request: HttpRequest) -> HttpResponse:
        """Move a booking; answer 409 with the refusal and whether staff may override it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = DragForm(request.POST)
        if not form.is_valid():
            return JsonResponse(
                {"error": _("The calendar sent what it may not. Reload the page.")}, status=400
            )
        values = form.cleaned_data
        booking = self.get_object_to_change(request, values["booking"])
        try:
            self._move(request, booking, values)
        except BookingError as error:
            can_override = not values["override"] and is_overridable(error)
            text = "\n".join(
                [error_message(error), *self._in_the_way(request, booking, values, error)]
            )
            refusal = {"error": text, "can_override": can_override}
            return JsonResponse(refusal, status=409)
        return JsonResponse({"reference": booking.reference})

    def _move(self, request: HttpRequest, booking: Booking, values: dict[str, Any]) -> None:
        changes: dict[str, Any] = {}
        if values["provider"] and values["provider"] != str(booking.provider_id):
            changes["new_provider"] = self._provider(request, values["provider"])
        if values["longer"]:
            length = booking.end_at - booking.start_at - addon_duration(booking.addons.all())
            changes["new_duration_minutes"] = length // ONE_MINUTE + values["longer"]
        start = booking.start_at + timedelta(minutes=values["later"] or 0)
        moved = reschedule_booking(
            booking,
            new_start_at=start,
            expected_version=values["version"],
            actor=self.get_actor(request),
            override_policy=values["override"],
            skip_slot_validation=values["override"],
            **changes,
        )
        text = _("%(booking)s was moved to: %(time)s.") % {
            "booking": booking.client_name or booking.reference,
            "time": date_format(timezone.localtime(moved.start_at), "DATETIME_FORMAT"),
        }
        self.log_change(request, booking, text)
        messages.success(request, text)

    def _in_the_way(
        self, request: HttpRequest, booking: Booking, values: dict[str, Any], error: BookingError
    ) -> list[str]:
        """Return a line for each thing that takes the time to which the booking was dragged."""
        if not takes_the_time(error):
            return []
        start_at = booking.start_at + timedelta(minutes=values["later"] or 0)
        end_at = booking.end_at + timedelta(
            minutes=(values["later"] or 0) + (values["longer"] or 0)
        )
        provider = booking.provider
        if values["provider"]:
            provider = self._provider(request, values["provider"])
        if isinstance(error, ResourceTaken):
            provider = error.resource
        found = find_in_the_way(booking.service, [provider], start_at, end_at, moved=booking)
        items = conflict_items(self.admin_site, request, *found)
        # The script shows a text, not HTML.
        return [html.unescape(strip_tags(item)) for item in items]

    def _provider(self, request: HttpRequest, key: str) -> Any:
        model: Any = Booking._meta.get_field("provider").related_model
        providers: QuerySet[Any] = selectable_objects(self.admin_site, model, request)
        found = with_key(providers, key).first()
        if found is None:
            raise MissingReference(_("You may not book this provider. Choose another one."))
        return found
