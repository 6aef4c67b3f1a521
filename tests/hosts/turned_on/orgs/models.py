"""A host that took bookings without tenants, and turned tenancy on later."""

from django.db import models


class Organisation(models.Model):
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name
