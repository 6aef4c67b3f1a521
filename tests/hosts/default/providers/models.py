from __future__ import annotations

from bookings.abstract import AbstractProvider


class Provider(AbstractProvider):
    pass
