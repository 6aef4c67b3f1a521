"""The tables: a series, and an occurrence for each of its starts."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final
from uuid import uuid4

from django.db import models
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField, AutoLastModifiedField

from bookings.contrib.series.recurrences import MAX_LIMIT, Recurrence, expand_rule
from bookings.contrib.series.rrule import MAX_LENGTH, parse_rrule
from bookings.contrib.series.rule_text import rule_text
from bookings.models import Booking
from bookings.models.deletion import RelatedNameField, keep_name
from bookings.models.fields import SettingForeignKey
from bookings.models.instance_text import default_if_incomplete, local_time
from bookings.models.tenant import tenant_name
from bookings.rules.zones import zone_by_name

APP_LABEL: Final = "bookings_series"
"""Each model names its app. Django would assign it to the core, whose package contains this one,
where this app is imported but not installed.
"""


class Series(models.Model):
    """An RFC 5545 recurrence rule, expanded in the local time of ``timezone``.

    The starts of a series are those of its rule without ``exdates``, and ``rdates``, each with an
    :class:`Occurrence`. Only :mod:`bookings.contrib.series.services` write it.
    """

    uuid = models.UUIDField(_("UUID"), default=uuid4, editable=False)
    tenant = SettingForeignKey(
        "TENANT_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="booking_series",
        verbose_name=tenant_name(),
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
    rrule = models.CharField(_("rule"), max_length=MAX_LENGTH)
    timezone = models.CharField(_("time zone"), max_length=64)
    # Two fields, because Django's DateTimeField stores an instant: a local time that a change of
    # the clocks skips would come back as the hour after it.
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
    rdates = models.JSONField(
        _("added"),
        default=list,
        blank=True,
        help_text=_("Starts that the rule does not give."),
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
    # A digest of the tenant and the key, so that it is unique without a condition. MySQL ignores
    # unique constraints with a condition.
    idempotency_key = models.CharField(
        _("idempotency key"), max_length=64, null=True, default=None, editable=False
    )
    request = models.CharField(_("request"), max_length=64, blank=True, editable=False)
    """A digest of the request that was made with the key."""
    created_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=keep_name,
        null=True,
        blank=True,
        editable=False,
        related_name="booking_series_created",
        verbose_name=_("created by"),
    )
    created_by_name = RelatedNameField(_("name of who created it"))
    created_at = AutoCreatedField(_("created at"))
    updated_at = AutoLastModifiedField(_("updated at"))

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("series")
        verbose_name_plural = pgettext_lazy("several", "series")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["uuid"], name="bookings_series_uuid"),
            models.UniqueConstraint(
                fields=["idempotency_key"], name="bookings_series_idempotency_key"
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        values = {"rule": self.rule_text(), "start": date_format(self.dtstart, "DATETIME_FORMAT")}
        return str(capfirst(gettext("%(rule)s, from %(start)s") % values))

    def rule_text(self) -> str:
        """Return the rule in words, in the active language."""
        return rule_text(parse_rrule(self.rrule), zone_by_name(self.timezone))

    @property
    def dtstart(self) -> datetime:
        """The local time of the first start, naive: ``DTSTART`` of RFC 5545."""
        return datetime.combine(self.first_date, self.first_time)

    def recurrence(self) -> Recurrence:
        """Return the rule, expanded."""
        rule, zone = parse_rrule(self.rrule), zone_by_name(self.timezone)
        return Recurrence(
            rule=rule,
            dtstart=self.dtstart,
            zone=zone,
            exdates=frozenset(map(datetime.fromisoformat, self.exdates)),
            rule_starts=expand_rule(rule, self.dtstart, zone, limit=MAX_LIMIT),
            rdates=frozenset(map(datetime.fromisoformat, self.rdates)),
        )

    def set_recurrence(self, recurrence: Recurrence) -> None:
        """Set the fields that :meth:`recurrence` reads, without saving them."""
        self.rrule = str(recurrence.rule)
        self.timezone = recurrence.zone.key
        self.first_date = recurrence.dtstart.date()
        self.first_time = recurrence.dtstart.time()
        self.exdates = [exdate.isoformat() for exdate in sorted(recurrence.exdates)]
        self.rdates = [rdate.isoformat() for rdate in sorted(recurrence.rdates)]


class Occurrence(models.Model):
    """One start of a series, with its booking or its session.

    ``original_start_at`` is the start by the rule, ``RECURRENCE-ID`` of RFC 5545; the booking or
    session may have been moved or cancelled since. ``session_key`` is the primary key of a session
    of :mod:`bookings.contrib.group_sessions`.
    """

    series = models.ForeignKey(
        Series, on_delete=models.CASCADE, related_name="occurrences", verbose_name=_("series")
    )
    original_start_at = models.DateTimeField(_("original start"))
    # Null once a host has deleted the booking: the start still belongs to the series.
    booking = models.OneToOneField(
        Booking,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="occurrence",
        verbose_name=_("booking"),
    )
    # No foreign key, because the app of sessions need not be installed, and then has no table.
    # Sessions are never deleted, so the key stays valid.
    session_key = models.BigIntegerField(
        pgettext_lazy("group session", "session"),
        null=True,
        blank=True,
        unique=True,
        editable=False,
    )

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("occurrence")
        verbose_name_plural = _("occurrences")
        ordering: ClassVar = ["original_start_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["series", "original_start_at"], name="bookings_series_occurrence_start"
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return local_time(self.original_start_at)
