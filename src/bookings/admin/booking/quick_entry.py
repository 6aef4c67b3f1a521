"""What the script of the form for a new booking asks: known clients, and free starts.

The form works without the script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format

from bookings import extensions
from bookings.admin.base import BaseAdmin, Page
from bookings.admin.choices import with_key
from bookings.admin.filters import midnight
from bookings.admin.visibility import selectable_objects
from bookings.conf import app_settings
from bookings.exceptions import BookingError
from bookings.models import Booking

CLIENTS: Final = 8
"""How many clients are suggested."""

BOOKINGS_READ: Final = 100
"""Among so many bookings, the latest ones, different clients are looked for."""

SHORTEST_SEARCH: Final = 2

CLIENT_VALUES: Final = ("client_name", "client_email", "client_phone")

PHONE_CHARACTERS: Final = re.compile(r"[0-9 +()./\-\N{NO-BREAK SPACE}]+")
FEWEST_DIGITS: Final = 5
COMPARED_DIGITS: Final = 8
"""So many last digits of a phone number are the same with a country's code and without it."""


def phone_pattern(text: str) -> str:
    """Return a regular expression for a phone number in any spelling; empty for another text."""
    digits = re.sub("[^0-9]", "", text)[-COMPARED_DIGITS:]
    if len(digits) < FEWEST_DIGITS or not PHONE_CHARACTERS.fullmatch(text.strip()):
        return ""
    return "[^0-9]*".join(digits)


class QuickEntryMixin(BaseAdmin):
    def get_pages(self) -> list[Page]:
        return [
            Page("clients/", self.clients_view, "clients"),
            Page("starts/", self.starts_view, "starts"),
            *super().get_pages(),
        ]

    def clients_view(self, request: HttpRequest) -> JsonResponse:
        """Return clients who booked before, the latest first, by a part of ``?q=``.

        They are those of the bookings that the user sees and, with tenancy on, of ``?tenant=``.
        """
        self._check_may_add(request)
        text = request.GET.get("q", "").replace("\0", "").strip()
        if len(text) < SHORTEST_SEARCH:
            return JsonResponse({"clients": []})
        match = Q(client_name__icontains=text) | Q(client_email__icontains=text)
        if pattern := phone_pattern(text):
            match |= Q(client_phone__iregex=pattern)
        bookings = self.get_queryset(request).filter(match).exclude(client_name="")
        if app_settings.tenancy_enabled:
            bookings = with_key(bookings, request.GET.get("tenant", ""), "tenant")
        rows = bookings.order_by("-start_at", "-pk").values(*CLIENT_VALUES)[:BOOKINGS_READ]
        clients = {tuple(row.values()): row for row in rows}
        return JsonResponse({"clients": list(clients.values())[:CLIENTS]})

    def starts_view(self, request: HttpRequest) -> JsonResponse:
        """Return the free starts of ``?service=`` with ``?provider=`` on ``?day=``.

        Each is a pair: HH:MM for the form, and the time as staff read it.

        They are ``null`` where no app knows them, and empty if what was chosen does not exist.
        """
        self._check_may_add(request)
        service = self._chosen(request, "service")
        provider = self._chosen(request, "provider")
        try:
            day = parse_date(request.GET.get("day", ""))
        except ValueError:
            day = None
        known = extensions.implementing("free_starts")
        if not known:
            return JsonResponse({"starts": None})
        if service is None or provider is None or day is None:
            return JsonResponse({"starts": []})
        try:
            starts = known[0].free_starts(
                service, provider, midnight(day), midnight(day + timedelta(days=1))
            )
        except (BookingError, OverflowError):
            # Such as a date that no booking can have, or a service that cannot be booked.
            starts = []
        return JsonResponse({"starts": _clock_times(starts)})

    def _check_may_add(self, request: HttpRequest) -> None:
        if not self.has_add_permission(request):
            raise PermissionDenied

    def _chosen(self, request: HttpRequest, name: str) -> Any:
        model: Any = Booking._meta.get_field(name).related_model
        objects = selectable_objects(self.admin_site, model, request)
        return with_key(objects, request.GET.get(name, "")).first()


def _clock_times(starts: Iterable[datetime]) -> list[tuple[str, str]]:
    """Return each time of day once, for the form and as staff read it.

    Of a time that comes twice, the form would not know which.
    """
    times = [timezone.localtime(start) for start in starts]
    return [*{f"{one:%H:%M}": date_format(one, "TIME_FORMAT") for one in times}.items()]
