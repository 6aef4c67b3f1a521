from __future__ import annotations

from django.db import models

from bookings.abstract import AbstractAddon, AbstractService


class Treatment(AbstractService):
    tenant = models.ForeignKey(
        "clinics.Clinic", on_delete=models.CASCADE, related_name="treatments"
    )


class Extra(AbstractAddon):
    tenant = models.ForeignKey("clinics.Clinic", on_delete=models.CASCADE, related_name="extras")
