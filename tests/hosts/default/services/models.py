from __future__ import annotations

from bookings.abstract import AbstractAddon, AbstractService


class Service(AbstractService):
    pass


class ServiceAddon(AbstractAddon):
    pass
