"""Plain models: the core reads attributes, and asks for no base class."""

from __future__ import annotations

import uuid

from django.db import models


class Lesson(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    duration_minutes = models.PositiveIntegerField(default=45)

    def __str__(self) -> str:
        return self.name


class Room(models.Model):
    slug = models.CharField(max_length=50, primary_key=True)
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Rental(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    extra_duration_minutes = models.PositiveIntegerField(default=0)
    price_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, default="EUR")

    def __str__(self) -> str:
        return self.name
