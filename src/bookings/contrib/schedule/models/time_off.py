"""Time off: a stretch of a provider's time in which nothing can be booked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from django.core.exceptions import ValidationError
from django.db import models, router
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField

from bookings.exceptions import BookingError, NotAllowed
from bookings.fields import SettingForeignKey
from bookings.models import BusyInterval

GUARDED_FIELDS = frozenset(
    {"provider", "provider_id", "start_at", "end_at", "busy_interval", "busy_interval_id"}
)


class TimeOffQuerySet(models.QuerySet["TimeOff"]):
    """As Django's, except for what would leave the ledger behind."""

    _db: str | None

    def update(self, **kwargs: Any) -> int:
        if GUARDED_FIELDS.intersection(kwargs):
            _refuse()
        return super().update(**kwargs)

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse()

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's, with every calendar concerned locked; the claims go with the rows."""
        from bookings.contrib.schedule.services.time_off import delete_time_off

        return delete_time_off(self, models.QuerySet.delete)


def _refuse() -> NoReturn:
    raise NotAllowed(
        _(
            "This would leave the ledger behind. Call take_time_off, move_time_off or "
            "cancel_time_off of bookings.contrib.schedule.services for each instead."
        )
    )


class TimeOff(models.Model):
    """A holiday, an illness, a meeting. It claims ``[start_at, end_at)`` in the ledger.

    Use :mod:`bookings.contrib.schedule.services`. ``save()`` is safe too: it takes or moves the
    claim in the same transaction, or raises and changes nothing; ``delete()`` releases it.
    """

    provider = SettingForeignKey(
        "PROVIDER_MODEL",
        on_delete=models.CASCADE,
        related_name="time_off",
        verbose_name=_("provider"),
    )
    start_at = models.DateTimeField(_("start"))
    end_at = models.DateTimeField(_("end"))
    reason = models.CharField(_("reason"), max_length=255, blank=True)
    # Neither is there without the other, and the database says so.
    busy_interval = models.OneToOneField(
        BusyInterval,
        on_delete=models.RESTRICT,
        editable=False,
        related_name="time_off",
        verbose_name=_("busy interval"),
    )
    created_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="time_off_created",
        verbose_name=_("created by"),
    )
    created_at = AutoCreatedField(_("created at"))

    objects = TimeOffQuerySet.as_manager()

    class Meta:
        verbose_name = _("time off")
        verbose_name_plural = _("time off")
        ordering: ClassVar = ["start_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(end_at__gt=F("start_at")), name="bookings_schedule_time_off_ends"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.start_at:%Y-%m-%d %H:%M} – {self.end_at:%Y-%m-%d %H:%M}"

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Write the row and its claim on the provider's time.

        Raises :class:`~bookings.contrib.schedule.exceptions.TimeOffConflict` when that is taken.
        """
        from bookings.contrib.schedule.services.time_off import save_time_off

        save_time_off(
            self,
            using=using or router.db_for_write(TimeOff, instance=self),
            update_fields=update_fields,
        )

    def clean(self) -> None:
        from bookings.contrib.schedule.services.time_off import claim_of

        if self.start_at and self.end_at:
            try:
                claim_of(self)
            except BookingError as error:
                raise ValidationError({"end_at": error.error_list}) from None

    def save_row(self, *, using: str, update_fields: Iterable[str] | None = None) -> None:
        """Write the row alone: for code that holds the calendar's lock and keeps the claim."""
        adding = self._state.adding
        super().save(
            using=using, force_insert=adding, force_update=not adding, update_fields=update_fields
        )

    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        """Delete it, and release its claim."""
        using = using or router.db_for_write(TimeOff, instance=self)
        return TimeOff.objects.using(using).filter(pk=self.pk).delete()
