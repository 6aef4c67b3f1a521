"""Plain models with only what the core must have; the rest falls back to its defaults."""

from __future__ import annotations

from django.db import models


class Club(models.Model):
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Activity(models.Model):
    tenant = models.ForeignKey(Club, on_delete=models.CASCADE, related_name="activities")
    name = models.CharField(max_length=100)
    duration_minutes = models.PositiveIntegerField(default=60)

    def __str__(self) -> str:
        return self.name


class Court(models.Model):
    tenant = models.ForeignKey(Club, on_delete=models.CASCADE, related_name="courts")
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Equipment(models.Model):
    tenant = models.ForeignKey(Club, on_delete=models.CASCADE, related_name="equipment")
    name = models.CharField(max_length=100)
    extra_duration_minutes = models.PositiveIntegerField(default=0)
    price_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, default="EUR")

    def __str__(self) -> str:
        return self.name


class MatchReport(models.Model):
    """The circle: the app that bookings depends on depends on bookings."""

    booking = models.OneToOneField(
        "bookings.Booking", on_delete=models.PROTECT, related_name="match_report"
    )
    score = models.CharField(max_length=50, blank=True)

    def __str__(self) -> str:
        return self.score
