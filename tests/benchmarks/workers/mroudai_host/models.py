"""What a host of mroudai-django-bookings has to bring: a service, a provider and an add-on."""

from __future__ import annotations

from django.db import models


class Named(models.Model):
    name = models.CharField(max_length=255)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Service(Named):
    duration_minutes = models.PositiveIntegerField(default=60)


class Provider(Named):
    pass


class ServiceAddon(Named):
    pass
