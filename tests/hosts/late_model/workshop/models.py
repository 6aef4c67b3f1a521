from __future__ import annotations

from django.db import models

from bookings.abstract import AbstractAddon, AbstractProvider, AbstractService


class Workshop(models.Model):
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Mechanic(AbstractProvider):
    workshop = models.ForeignKey(Workshop, on_delete=models.CASCADE, related_name="mechanics")


class Repair(AbstractService):
    """Created by the app's second migration."""


class Part(AbstractAddon):
    """Created by the app's third migration."""
