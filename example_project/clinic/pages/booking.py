"""Book a time that was found."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from bookings.contrib.schedule.selectors import any_provider
from bookings.exceptions import (
    BookingConflict,
    BookingError,
    CapacityExceeded,
    IdempotencyKeyReused,
    SlotUnavailable,
)
from bookings.models import Booking
from bookings.services import create_booking
from clinic.models import Treatment
from clinic.pages.asked import Asked, asked
from clinic.pages.finding import show_day
from clinic.pages.zone import page


class BookingForm(forms.Form):
    """``key`` is the same when a button is pressed twice, so that one booking comes of it."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    name = forms.CharField(
        label="Your name",
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    party_size = forms.IntegerField(label="How many people", min_value=1, initial=1)

    def __init__(self, treatment: Treatment, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not treatment.allow_multiple_clients_per_slot:
            del self.fields["party_size"]

    def take(self, found: Asked, start_at: datetime) -> Booking:
        """The booking; or a ``BookingError`` that says why not."""
        wish: dict[str, Any] = {
            "tenant": found.clinic,
            "service": found.treatment,
            "start_at": start_at,
            "idempotency_key": f"web:{self.cleaned_data['key']}",
        }
        made = Booking.objects.filter(**wish)
        if booking := made.first():
            return booking
        try:
            return self._book(found, wish)
        except IdempotencyKeyReused:
            # Pressed twice at one moment: the other press has found another practitioner.
            if booking := made.all().first():
                return booking
            raise

    def _book(self, found: Asked, wish: dict[str, Any]) -> Booking:
        start_at = wish["start_at"]
        client = {
            "client_name": self.cleaned_data["name"],
            "client_email": self.cleaned_data["email"],
            "party_size": self.cleaned_data.get("party_size", 1),
        }
        # The least busy that day comes first; where nobody can take it, anyone says why.
        takers = any_provider(
            found.treatment, start_at, found.pool, party_size=client["party_size"]
        )
        for practitioner in takers[:-1]:
            try:
                return create_booking(provider=practitioner, **wish, **client)
            except (BookingConflict, CapacityExceeded, SlotUnavailable):
                continue
        last = takers[-1] if takers else found.pool[0]
        return create_booking(provider=last, **wish, **client)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest, treatment_id: int) -> HttpResponse:
    found = asked(request, treatment_id)
    start_at = start_of(request)
    form = BookingForm(found.treatment, request.POST or None, initial={"key": uuid4()})
    if form.is_valid():
        try:
            booking = form.take(found, start_at)
        except BookingError as refusal:
            day = timezone.localdate(start_at)
            return show_day(request, found, day, refusal=str(refusal), status=409)
        return redirect("clinic:booked", uuid=booking.uuid)
    context = {
        "asked": found,
        "form": form,
        "start": timezone.localtime(start_at),
        "end": timezone.localtime(start_at + found.length),
        "day_url": found.url("day", date=timezone.localdate(start_at).isoformat()),
    }
    return render(request, "clinic/book.html", context, status=422 if form.is_bound else 200)


@page
@require_safe
def booked(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The address is known to the client alone."""
    bookings = Booking.objects.select_related("service", "provider", "tenant")
    booking = get_object_or_404(bookings, uuid=uuid)
    start, end = map(timezone.localtime, (booking.start_at, booking.end_at))
    return render(request, "clinic/booked.html", {"booking": booking, "start": start, "end": end})


def start_of(request: HttpRequest) -> datetime:
    """``?start=`` in Unix seconds, as the links of a day's page have it."""
    try:
        return datetime.fromtimestamp(int(request.GET.get("start", "")), UTC)
    except (ValueError, OverflowError, OSError):
        raise Http404("There is no such time.") from None
