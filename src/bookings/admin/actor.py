"""Who did it, for the record."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from bookings.admin.generic import AnyModelAdmin
from bookings.models import Booking


class Acting(AnyModelAdmin):
    def get_actor(self, request: HttpRequest) -> Any:
        """Who the record says it was; nobody where bookings know another kind of user."""
        kind: Any = Booking._meta.get_field("created_by").related_model
        return request.user if isinstance(request.user, kind) else None
