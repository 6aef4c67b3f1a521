"""Abstract models for a host's own: every attribute that the core reads, and no foreign keys."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.models.fields import (
    AmountField,
    CurrencyField,
    QuestionsField,
    default_currency,
)
from bookings.rules.lengths import MAX_DAYS


class PricingType(models.TextChoices):
    """What ``price_amount`` means; empty is the same as FIXED.

    FIXED: the price. HOURLY: the price of an hour of the booking's duration, rounded to the minor
    unit of its currency. DAILY: the price of each day that has begun, counted from the time of day
    of the start. FREE: it is ignored; add-ons may still have a price.
    """

    FIXED = "FIXED", _("Fixed")
    HOURLY = "HOURLY", _("By the hour")
    DAILY = "DAILY", _("By the day")
    FREE = "FREE", _("Free")


class CapacityMode(models.TextChoices):
    """What ``capacity`` counts; empty is the same as SLOT.

    SLOT: the seats of a slot, which bookings with the same start share. CONCURRENT: the seats that
    bookings take at one instant, whenever each begins and ends.
    """

    SLOT = "SLOT", _("Of a slot")
    CONCURRENT = "CONCURRENT", _("At any time")


def _limit(name: Any) -> models.PositiveIntegerField[int | None, int | None]:
    return models.PositiveIntegerField(
        name,
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("At most; empty for no limit."),
    )


def _minutes(name: Any, help_text: Any) -> models.PositiveIntegerField[int | None, int | None]:
    return models.PositiveIntegerField(
        name, null=True, blank=True, validators=[MinValueValidator(1)], help_text=help_text
    )


def _days(name: Any, help_text: Any) -> models.PositiveIntegerField[int | None, int | None]:
    return models.PositiveIntegerField(
        name,
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_DAYS)],
        help_text=help_text,
    )


class AbstractService(models.Model):
    """What is sold: its duration, the rules of booking it, and its price."""

    name = models.CharField(_("name"), max_length=255)
    duration_minutes = models.PositiveIntegerField(
        _("duration"), default=60, validators=[MinValueValidator(1)], help_text=_("In minutes.")
    )
    minimum_duration_minutes = _minutes(
        _("shortest duration"),
        _("In minutes, if the client chooses the duration; empty for the duration itself."),
    )
    maximum_duration_minutes = _minutes(
        _("longest duration"),
        _("In minutes, if the client chooses the duration; empty for the duration itself."),
    )
    duration_step_minutes = _minutes(
        _("duration step"),
        _("Minutes between the durations to choose from; empty for any number of minutes."),
    )
    duration_days = _days(
        _("duration in days"),
        _("Until the same time of day, in place of minutes; empty for minutes."),
    )
    ends_at_time = models.TimeField(
        _("time of the end"),
        null=True,
        blank=True,
        help_text=_("In place of the time of the start, so many days later; without days, today."),
    )
    minimum_duration_days = _days(
        _("fewest days"), _("If the client chooses the days; empty for the duration itself.")
    )
    maximum_duration_days = _days(
        _("most days"), _("If the client chooses the days; empty for the duration itself.")
    )
    duration_step_days = _days(
        _("days between"), _("Between the lengths to choose from; empty for any number of days.")
    )
    spans_closures = models.BooleanField(
        _("may be kept while closed"),
        default=False,
        help_text=_("Only the start and the end have to be in business hours, as of a car."),
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
    max_reschedules = models.PositiveIntegerField(
        _("reschedules allowed"),
        null=True,
        blank=True,
        help_text=_("How often a client may move a booking; empty for no limit."),
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
    capacity_mode = models.CharField(
        _("what the capacity counts"),
        max_length=10,
        choices=CapacityMode.choices,
        default=CapacityMode.SLOT,
        help_text=_("At any time: bookings with different starts share the seats, as of desks."),
    )
    two_sided_completion = models.BooleanField(
        _("two-sided completion"),
        default=False,
        help_text=_("The provider delivers, and the client confirms it."),
    )
    auto_cancel_grace_hours = models.PositiveIntegerField(
        _("grace before automatic cancellation"),
        null=True,
        blank=True,
        help_text=_("Hours after the end; empty for BOOKINGS_AUTO_CANCEL_GRACE_HOURS."),
    )
    max_active_bookings_per_client = _limit(_("active bookings per client"))
    max_bookings_per_client_per_day = _limit(_("bookings per client and day"))
    max_bookings_per_client_per_week = _limit(_("bookings per client and week"))
    named_seats = models.BooleanField(
        _("named seats"),
        default=False,
        help_text=_("Clients with one e-mail address are told apart by their names."),
    )
    questions = QuestionsField(
        _("questions"), help_text=_("What a booking of it asks: a list of questions, as JSON.")
    )
    pricing_type = models.CharField(
        _("pricing type"), max_length=50, blank=True, choices=PricingType.choices
    )
    price_amount = AmountField(_("price"), max_digits=11, null=True, blank=True)
    currency = CurrencyField(_("currency"), default=default_currency)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class AbstractProvider(models.Model):
    """Who or what is booked: a person, a room, a chair."""

    name = models.CharField(_("name"), max_length=255)
    max_bookings_per_day = _limit(_("bookings per day"))
    buffer_before_minutes = models.PositiveIntegerField(
        _("buffer before"),
        default=0,
        help_text=_("Minutes kept free before a booking, if the service keeps fewer."),
    )
    buffer_after_minutes = models.PositiveIntegerField(
        _("buffer after"),
        default=0,
        help_text=_("Minutes kept free after a booking, if the service keeps fewer."),
    )
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
    price_amount = AmountField(_("price"), max_digits=11, null=True, blank=True)
    currency = CurrencyField(_("currency"), default=default_currency)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
