"""Leaf bases for a host's own models: every attribute the core reads, and no foreign keys."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings


def default_currency() -> str:
    return app_settings.DEFAULT_CURRENCY


class AbstractService(models.Model):
    """What is sold: its duration, the rules of booking it, and its price."""

    name = models.CharField(_("name"), max_length=255)
    duration_minutes = models.PositiveIntegerField(
        _("duration"), default=60, validators=[MinValueValidator(1)], help_text=_("In minutes.")
    )
    buffer_before_minutes = models.PositiveIntegerField(
        _("buffer before"), default=0, help_text=_("Minutes kept free before a booking.")
    )
    buffer_after_minutes = models.PositiveIntegerField(
        _("buffer after"), default=0, help_text=_("Minutes kept free after a booking.")
    )
    minimum_notice_minutes = models.PositiveIntegerField(
        _("minimum notice"), default=0, help_text=_("Minutes between booking and start, at least.")
    )
    maximum_advance_days = models.PositiveIntegerField(
        _("maximum advance"),
        null=True,
        blank=True,
        help_text=_("Days ahead that can be booked, at most; empty for no limit."),
    )
    requires_approval = models.BooleanField(_("requires approval"), default=False)
    cancellation_allowed = models.BooleanField(_("cancellation allowed"), default=True)
    cancellation_notice_minutes = models.PositiveIntegerField(
        _("cancellation notice"), default=0, help_text=_("Minutes before the start.")
    )
    reschedule_allowed = models.BooleanField(_("rescheduling allowed"), default=True)
    reschedule_notice_minutes = models.PositiveIntegerField(
        _("rescheduling notice"), default=0, help_text=_("Minutes before the start.")
    )
    allow_multiple_clients_per_slot = models.BooleanField(
        _("several clients share a slot"), default=False
    )
    capacity = models.PositiveIntegerField(
        _("capacity"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Seats of a shared slot."),
    )
    pricing_type = models.CharField(_("pricing type"), max_length=50, blank=True)
    price_amount = models.DecimalField(
        _("price"), max_digits=10, decimal_places=2, null=True, blank=True
    )
    currency = models.CharField(_("currency"), max_length=3, default=default_currency)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class AbstractProvider(models.Model):
    """Who or what is booked: a person, a room, a chair."""

    name = models.CharField(_("name"), max_length=255)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class AbstractAddon(models.Model):
    """An extra on a booking, with its own duration and price."""

    name = models.CharField(_("name"), max_length=255)
    extra_duration_minutes = models.PositiveIntegerField(_("extra duration"), default=0)
    price_amount = models.DecimalField(
        _("price"), max_digits=10, decimal_places=2, null=True, blank=True
    )
    currency = models.CharField(_("currency"), max_length=3, default=default_currency)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
