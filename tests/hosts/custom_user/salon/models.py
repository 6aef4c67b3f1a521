from __future__ import annotations

from django.conf import settings
from django.db import models

from bookings.abstract import AbstractAddon, AbstractProvider, AbstractService


class Treatment(AbstractService):
    pass


class Stylist(AbstractProvider):
    """A provider who is a user, as most people who take appointments are."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stylist"
    )


class Extra(AbstractAddon):
    pass
