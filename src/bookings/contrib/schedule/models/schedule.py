"""The schedule: whose it is, in which zone its hours are meant, and the grid of its starts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, router
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField, AutoLastModifiedField

from bookings.conf import app_settings
from bookings.contrib.schedule.models.revision import counted
from bookings.contrib.schedule.public_holidays import check_region
from bookings.contrib.schedule.validators import check_timezone
from bookings.exceptions import BookingError
from bookings.fields import SettingForeignKey, SettingOneToOneField

MINUTES_OF_A_DAY: Final = 1440
KEY: Final = models.CharField(max_length=191, null=True)
"""A key as text, as long as an index of MySQL's takes."""
DEFAULT_EXISTS: Final = _("There is a default schedule already. Change that one.")


def default_timezone() -> str:
    return settings.TIME_ZONE


class Alignment(models.TextChoices):
    OPENING = "OPENING", _("From each opening")
    CLOCK = "CLOCK", _("By the clock")


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    _db: str | None

    def update(self, **kwargs: Any) -> int:
        """As Django's; it counts as a change of each schedule."""
        return super().update(**{"revision": models.F("revision") + 1} | kwargs)


class Schedule(models.Model):
    """When a provider can be booked, and on which grid.

    A provider without a schedule of its own has its tenant's default, else the project's: the
    schedule without a provider, of that tenant or of none. ``revision`` grows with every change of
    the schedule, its hours and its overrides, so a cache or an ETag can key on it and the key.
    """

    Alignment = Alignment

    provider = SettingOneToOneField(
        "PROVIDER_MODEL",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="booking_schedule",
        verbose_name=_("provider"),
        help_text=_("Empty for the default of those who have no schedule of their own."),
    )
    tenant = SettingForeignKey(
        "TENANT_MODEL",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="schedules",
        verbose_name=_("tenant"),
    )
    timezone = models.CharField(
        _("time zone"),
        max_length=64,
        default=default_timezone,
        validators=[check_timezone],
        help_text=_("The zone of the wall clock that the hours are told by, as Europe/Berlin."),
    )
    slot_step_minutes = models.PositiveSmallIntegerField(
        _("step"),
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(MINUTES_OF_A_DAY)],
        help_text=_("Minutes from one start to the next."),
    )
    alignment = models.CharField(
        _("alignment"),
        max_length=7,
        choices=Alignment.choices,
        default=Alignment.OPENING,
        help_text=_("Whether starts count from each opening or from midnight."),
    )
    minimum_notice_minutes = models.PositiveIntegerField(
        _("minimum notice"),
        default=0,
        help_text=_("Minutes between booking and start, at least."),
    )
    maximum_advance_days = models.PositiveIntegerField(
        _("maximum advance"),
        null=True,
        blank=True,
        help_text=_("Days ahead that can be booked, at most; empty for no limit."),
    )
    holiday_country = models.CharField(
        _("country of public holidays"),
        max_length=2,
        blank=True,
        help_text=_("Closed on its public holidays; a code of two letters, as DE."),
    )
    holiday_subdivision = models.CharField(
        _("subdivision of that country"),
        max_length=64,
        blank=True,
        help_text=_("For the holidays of a state or province, as BY."),
    )
    revision = models.BigIntegerField(_("revision"), default=0, editable=False)
    created_at = AutoCreatedField(_("created at"))
    updated_at = AutoLastModifiedField(_("updated at"))
    # The database fills it in, so that one unique column does on all of them: MySQL ignores a
    # unique constraint with a condition, and to every database two nulls differ.
    default_of = models.GeneratedField(
        expression=Case(When(provider__isnull=True, then=Coalesce(Cast("tenant", KEY), Value("")))),
        output_field=KEY,
        db_persist=True,
    )

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(slot_step_minutes__gte=1, slot_step_minutes__lte=MINUTES_OF_A_DAY),
                name="bookings_schedule_step",
            ),
            models.UniqueConstraint(
                fields=["default_of"],
                name="bookings_schedule_one_default",
                violation_error_code="schedule_exists",
                violation_error_message=DEFAULT_EXISTS,
            ),
        ]

    def __str__(self) -> str:
        return str(self.provider or self.tenant or _("Default schedule"))

    def save(self, *, using: str | None = None, **kwargs: Any) -> None:
        using = using or router.db_for_write(Schedule, instance=self)
        if self._state.adding:
            super().save(using=using, **kwargs)
            return
        with counted({self.pk}, using=using):
            stored = Schedule._base_manager.using(using).filter(pk=self.pk)
            self.revision = stored.values_list("revision", flat=True).first() or 0
            super().save(using=using, **kwargs)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        # A form leaves out what it has no field for: always the column that the database fills in.
        is_default = {"default_of", "provider", "tenant"}
        super().validate_constraints(exclude=set(exclude or ()) - is_default)

    def clean(self) -> None:
        try:
            check_region(self.holiday_country, self.holiday_subdivision)
        except BookingError as error:
            raise ValidationError({"holiday_country": error.error_list}) from None
        owner = getattr(self.provider, "tenant_id", self.tenant_id)
        if app_settings.tenancy_enabled and self.tenant_id not in {None, owner}:
            raise ValidationError({"tenant": _("The provider belongs to another tenant.")})
