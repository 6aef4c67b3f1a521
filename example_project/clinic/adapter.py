"""What the clinic decides differently, which ``BOOKINGS_ADAPTER`` names."""

from collections.abc import Sequence
from decimal import Decimal

from bookings.adapters import DefaultBookingAdapter
from bookings.models import Booking
from clinic.models import Extra


class ClinicAdapter(DefaultBookingAdapter):
    def price(self, booking: Booking, addons: Sequence[Extra]) -> Decimal | None:
        """Everybody who comes pays: a class costs a family of five five times its price."""
        price = super().price(booking, addons)
        return None if price is None else price * booking.party_size
