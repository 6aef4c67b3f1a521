"""A series: what was agreed on to repeat, and the booking of each of its starts."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final
from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField, AutoLastModifiedField

from bookings.contrib.series.recurrences import MOST_LIMIT, Recurrence, follow
from bookings.contrib.series.rules import LONGEST_RULE, parse_rule
from bookings.fields import SettingForeignKey
from bookings.models import Booking
from bookings.zones import named_zone

LABEL: Final = "bookings_series"
"""Said by each model: Django would take them for the core's, in whose package they are, where this
app is imported and not installed.
"""


class Series(models.Model):
    """A rule by RFC 5545, followed by the clocks on the wall of ``timezone``.

    Its starts are those of the rule without ``exdates``, each with an :class:`Occurrence`. Written
    by :mod:`bookings.contrib.series.services` alone.
    """

    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    tenant = SettingForeignKey(
        "TENANT_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="booking_series",
        verbose_name=_("tenant"),
    )
    service = SettingForeignKey(
        "SERVICE_MODEL",
        on_delete=models.PROTECT,
        related_name="booking_series",
        verbose_name=_("service"),
    )
    provider = SettingForeignKey(
        "PROVIDER_MODEL",
        on_delete=models.PROTECT,
        related_name="booking_series",
        verbose_name=_("provider"),
    )
    rrule = models.CharField(_("rule"), max_length=LONGEST_RULE)
    timezone = models.CharField(_("time zone"), max_length=64)
    # Apart, because Django's field for both wants an instant, and what the clocks show is none: a
    # start that a change of the clocks leaves out would come back as the hour after it.
    first_date = models.DateField(_("first date"))
    first_time = models.TimeField(
        _("first time"), help_text=_("What the clocks of the time zone show.")
    )
    exdates = models.JSONField(
        _("left out"),
        default=list,
        blank=True,
        help_text=_("Starts of the rule that have no booking."),
    )
    continues = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="continued_by",
        verbose_name=_("continues"),
        help_text=_("The series from which this one was split off."),
    )
    # A digest of the tenant and the key: unique without a condition, which MySQL would ignore.
    idempotency_key = models.CharField(
        _("idempotency key"), max_length=64, unique=True, null=True, default=None, editable=False
    )
    request = models.CharField(_("request"), max_length=64, blank=True, editable=False)
    """A digest of what was asked for with the key."""
    created_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="booking_series_created",
        verbose_name=_("created by"),
    )
    created_at = AutoCreatedField(_("created at"))
    updated_at = AutoLastModifiedField(_("updated at"))

    class Meta:
        app_label = LABEL
        verbose_name = _("series")
        verbose_name_plural = _("series")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.rrule} ({self.first_shown:%Y-%m-%d %H:%M} {self.timezone})"

    @property
    def first_shown(self) -> datetime:
        """What the clocks show at the first start, without their zone: ``DTSTART`` by RFC 5545."""
        return datetime.combine(self.first_date, self.first_time)

    def recurrence(self) -> Recurrence:
        """Its rule, followed."""
        rule, zone = parse_rule(self.rrule), named_zone(self.timezone)
        return Recurrence(
            rule=rule,
            first=self.first_shown,
            zone=zone,
            exdates=frozenset(map(datetime.fromisoformat, self.exdates)),
            starts=follow(rule, self.first_shown, zone, limit=MOST_LIMIT),
        )

    def take(self, recurrence: Recurrence) -> None:
        """Become a series by this recurrence; nothing is stored."""
        self.rrule = str(recurrence.rule)
        self.timezone = recurrence.zone.key
        self.first_date = recurrence.first.date()
        self.first_time = recurrence.first.time()
        self.exdates = [at.isoformat() for at in sorted(recurrence.exdates)]


class Occurrence(models.Model):
    """One start of a series, and its booking or its session.

    ``original_start_at`` is when the rule has it start, ``RECURRENCE-ID`` by RFC 5545; the booking
    or session may have been moved since, or cancelled. ``session_key`` is the primary key of a
    session of :mod:`bookings.contrib.group_sessions`.
    """

    series = models.ForeignKey(
        Series, on_delete=models.CASCADE, related_name="occurrences", verbose_name=_("series")
    )
    original_start_at = models.DateTimeField(_("original start"))
    # Null when a host has deleted the booking: the series had this start all the same.
    booking = models.OneToOneField(
        Booking,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="occurrence",
        verbose_name=_("booking"),
    )
    # No foreign key: sessions are another app's, which a host need not install, and then there is
    # no table to point at. They are never deleted, so a key does not come to point at nothing.
    session_key = models.BigIntegerField(
        _("session"), null=True, blank=True, unique=True, editable=False
    )

    class Meta:
        app_label = LABEL
        verbose_name = _("occurrence")
        verbose_name_plural = _("occurrences")
        ordering: ClassVar = ["original_start_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["series", "original_start_at"], name="bookings_series_occurrence_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.original_start_at:%Y-%m-%d %H:%M}"
