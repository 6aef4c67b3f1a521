"""How many requests somebody may send: against mistakes and impatience, not against attackers.

The requests are counted in the project's cache. With one of each process, each counts its own, and
who has many addresses has many counts.
"""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from bookings.contrib.api.conf import api_settings
from bookings.contrib.api.policy import Role, policy_of


class ScopeThrottle(SimpleRateThrottle):
    """Applies the rate of ``BOOKINGS_API_THROTTLES`` for the scope of a request and for the role.

    The view says the scope: ``read``, ``availability``, ``hold``, ``create`` or ``write``.
    """

    limit: int | None = None
    """The most requests of the period; ``None`` for no limit."""
    remaining: int = 0

    def __init__(self) -> None:
        # That of the base class looks the rate up, which depends on the request here.
        pass

    def allow_request(self, request: Request, view: Any) -> bool:
        scope, rates = view.throttle_scope(), api_settings.API_THROTTLES
        rate = rates.get(f"{scope}:{role_of(request)}", rates.get(scope))
        if rate is None:
            return True
        self.scope = f"bookings-{scope}"
        self.num_requests, self.duration = self.parse_rate(rate)
        self.rate = rate
        is_allowed = super().allow_request(request, view)
        self.limit = int(self.num_requests or 0)
        self.remaining = max(0, self.limit - len(self.history))
        return is_allowed

    def get_cache_key(self, request: Request, view: Any) -> str:
        ident = request.user.pk if request.user.is_authenticated else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}


def role_of(request: Request) -> Role:
    """Return the role by which requests are counted: anonymous, client or staff."""
    policy = policy_of(request)
    if policy.is_staff:
        return Role.STAFF
    return Role.CLIENT if policy.is_authenticated else Role.ANONYMOUS
