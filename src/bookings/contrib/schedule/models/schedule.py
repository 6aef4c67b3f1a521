"""The schedule: its provider, its time zone, the grid of its starts, and its revision."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, router, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField, AutoLastModifiedField

from bookings.conf import app_settings
from bookings.contrib.schedule.public_holidays import validate_region
from bookings.contrib.schedule.validators import validate_timezone
from bookings.exceptions import BookingError
from bookings.models.fields import ExactCharField, SettingForeignKey, SettingOneToOneField
from bookings.models.instance_text import default_if_incomplete
from bookings.models.tenant import tenant_name

MINUTES_OF_A_DAY: Final = 1440
KEY: Final = ExactCharField(max_length=191, null=True)
"""A primary key as text, no longer than MySQL can index."""
DEFAULT_EXISTS: Final = _("There is a default schedule already. Change that one.")


def default_timezone() -> str:
    return settings.TIME_ZONE


class Alignment(models.TextChoices):
    OPENING = "OPENING", _("From each opening")
    CLOCK = "CLOCK", _("By the clock")


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    _db: str | None

    def update(self, **kwargs: Any) -> int:
        """Update the schedules as Django does, and count a change of each."""
        return super().update(**{"revision": F("revision") + 1} | kwargs)


class Schedule(models.Model):
    """When a provider can be booked, and on which grid.

    A schedule without a provider is a default: its tenant's, or without a tenant the project's. A
    provider without a schedule of its own follows its tenant's default, else the project's.

    ``revision`` grows with every change of the schedule, its weekly hours and its overrides. A
    cache or an ETag can depend on it together with the primary key.
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
        verbose_name=tenant_name(),
    )
    timezone = models.CharField(
        _("time zone"),
        max_length=64,
        default=default_timezone,
        validators=[validate_timezone],
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
    # MySQL ignores a unique constraint with a condition, and no database takes two nulls as equal.
    # So the database computes the value of which there may be one.
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

    @default_if_incomplete
    def __str__(self) -> str:
        return str(self.provider or self.tenant or _("Default schedule"))

    def save(self, *, using: str | None = None, **kwargs: Any) -> None:
        using = using or router.db_for_write(Schedule, instance=self)
        if self._state.adding:
            super().save(using=using, **kwargs)
            return
        with change_schedules({self.pk}, using=using):
            stored = Schedule._base_manager.using(using).filter(pk=self.pk)
            self.revision = stored.values_list("revision", flat=True).first() or 0
            super().save(using=using, **kwargs)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        # A form excludes what it has no field for, and so always the column that the database
        # computes.
        is_default = {"default_of", "provider", "tenant"}
        super().validate_constraints(exclude=set(exclude or ()) - is_default)

    def clean(self) -> None:
        try:
            validate_region(self.holiday_country, self.holiday_subdivision)
        except BookingError as error:
            raise ValidationError({"holiday_country": error.error_list}) from None
        owner = getattr(self.provider, "tenant_id", self.tenant_id)
        if app_settings.tenancy_enabled and self.tenant_id not in {None, owner}:
            raise ValidationError(
                {
                    "tenant": ValidationError(
                        _("The provider belongs to another tenant."), "tenant_mismatch"
                    )
                }
            )


def bump_revisions(schedule_ids: Iterable[Any], *, using: str) -> int:
    """Count a change of these schedules, lock them, and return how many there are.

    Call it before the change itself. A write to a row that refers to a schedule takes a shared lock
    on that schedule in MySQL. Two transactions that hold one each would wait for each other.
    """
    schedules: models.QuerySet[Any] = models.QuerySet(Schedule, using=using)
    return schedules.filter(pk__in=set(schedule_ids) - {None}).update(revision=F("revision") + 1)


@contextmanager
def change_schedules(schedule_ids: Iterable[Any], *, using: str) -> Iterator[None]:
    """Open a transaction in which these schedules are locked and their revisions grow."""
    with transaction.atomic(using=using):
        bump_revisions(schedule_ids, using=using)
        yield
