from __future__ import annotations

from django.db import models

from bookings.abstract import AbstractProvider


class Practitioner(AbstractProvider):
    tenant = models.ForeignKey(
        "clinics.Clinic", on_delete=models.CASCADE, related_name="practitioners"
    )
