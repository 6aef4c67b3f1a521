"""The table of sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Final, NoReturn

from django.core.validators import URLValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_fsm import transition
from model_utils.fields import AutoCreatedField, AutoLastModifiedField

from bookings.exceptions import NotAllowed
from bookings.models import BusyInterval, Calendar
from bookings.models.deletion import RelatedNameField, keep_name
from bookings.models.fields import AmountField, SettingForeignKey, StatusField
from bookings.models.instance_text import default_if_incomplete, local_time
from bookings.models.tenant import tenant_name

APP_LABEL: Final = "bookings_group_sessions"
"""Each model names its app: where this app is imported but not installed, Django would take the
models for the core's, whose package contains them.
"""


class Status(models.TextChoices):
    SCHEDULED = "SCHEDULED", _("Scheduled")
    BOOKING_CLOSED = "BOOKING_CLOSED", _("Booking closed")
    CANCELLED = "CANCELLED", _("Cancelled")
    FINISHED = "FINISHED", _("Finished")


def _refuse_direct_write() -> NoReturn:
    raise NotAllowed(
        _(
            "A direct write would not update the ledger and the bookings. Call a function of "
            "bookings.contrib.group_sessions.services instead."
        )
    )


class SessionQuerySet(models.QuerySet["Session"]):
    """A queryset that reads as usual and refuses every write: the services write."""

    def upcoming(self, now_dt: datetime | None = None) -> SessionQuerySet:
        """Return sessions that are not cancelled and have not started, soonest first."""
        upcoming = self.filter(
            status__in=Session.ACTIVE_STATUSES, start_at__gt=now_dt or timezone.now()
        )
        return upcoming.order_by("start_at", "pk")

    def with_seats(self) -> SessionQuerySet:
        """Read along what ``remaining_seats`` needs, instead of with a query for each session."""
        return self.select_related("busy_interval")

    def update(self, **kwargs: Any) -> NoReturn:
        _refuse_direct_write()

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse_direct_write()

    def delete(self) -> NoReturn:
        _refuse_direct_write()


class Session(models.Model):
    """A published group occurrence of a service, with seats.

    :mod:`bookings.contrib.group_sessions.services` writes it; it is cancelled, never deleted. While
    it is active it holds one busy interval of its provider, on which the database counts the seats.
    """

    Status = Status
    ACTIVE_STATUSES: Final = (Status.SCHEDULED, Status.BOOKING_CLOSED)
    """The statuses of a session that is neither cancelled nor finished."""

    tenant = SettingForeignKey(
        "TENANT_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="group_sessions",
        verbose_name=tenant_name(),
    )
    service = SettingForeignKey(
        "SERVICE_MODEL",
        on_delete=models.PROTECT,
        db_index=False,
        related_name="group_sessions",
        verbose_name=_("service"),
    )
    provider = SettingForeignKey(
        "PROVIDER_MODEL",
        on_delete=models.PROTECT,
        db_index=False,
        related_name="group_sessions",
        verbose_name=_("provider"),
    )
    title = models.CharField(_("title"), max_length=255, blank=True)
    start_at = models.DateTimeField(_("start"))
    end_at = models.DateTimeField(_("end"))
    buffer_before_minutes = models.PositiveIntegerField(_("buffer before"), default=0)
    buffer_after_minutes = models.PositiveIntegerField(_("buffer after"), default=0)
    capacity = models.PositiveIntegerField(_("capacity"), default=10)
    price_amount = AmountField(
        _("price"),
        max_digits=11,
        null=True,
        blank=True,
        help_text=_("The price of a seat. Leave empty for the service's price."),
    )
    location = models.CharField(
        _("location"), max_length=500, blank=True, default="", help_text=_("Where it takes place.")
    )
    meeting_link = models.CharField(
        _("meeting link"),
        max_length=500,
        blank=True,
        validators=[URLValidator(["http", "https"])],
    )
    enable_waitlist = models.BooleanField(_("waitlist"), default=False)
    waitlist_offer_minutes = models.PositiveIntegerField(
        _("waitlist offer"),
        null=True,
        blank=True,
        help_text=_(
            "How many minutes a freed seat is held for a waiting client. Leave empty to book it "
            "at once."
        ),
    )
    status = StatusField(
        _("status"),
        max_length=14,
        choices=Status.choices,
        default=Status.SCHEDULED,
        editable=False,
    )
    # A session that was closed because it was full opens by itself when a seat is freed; one that
    # staff have closed does not.
    closed_by_staff = models.BooleanField(_("closed by staff"), default=False, editable=False)
    # Null once the session is cancelled, or is finished and the attendance of all is marked.
    busy_interval = models.OneToOneField(
        BusyInterval,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        editable=False,
        related_name="group_session",
        verbose_name=_("busy interval"),
    )
    # So that a session without resources makes no query for them.
    resource_count = models.PositiveSmallIntegerField(
        _("number of resources"), default=0, editable=False
    )
    # The slot that it was generated for: if staff move the session, none is generated there again.
    slot_calendar = models.ForeignKey(
        Calendar,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        related_name="group_sessions_of_slots",
        verbose_name=_("calendar of the slot"),
    )
    slot_start_at = models.DateTimeField(
        _("start of the slot"), null=True, blank=True, editable=False
    )
    slot_end_at = models.DateTimeField(_("end of the slot"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True, editable=False)
    cancellation_reason = models.TextField(_("cancellation reason"), blank=True, editable=False)
    created_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=keep_name,
        null=True,
        blank=True,
        editable=False,
        related_name="group_sessions_created",
        verbose_name=_("created by"),
    )
    created_by_name = RelatedNameField(_("name of who created it"))
    created_at = AutoCreatedField(_("created at"))
    updated_at = AutoLastModifiedField(_("updated at"))

    objects = SessionQuerySet.as_manager()

    class Meta:
        app_label = APP_LABEL
        verbose_name = pgettext_lazy("group session", "session")
        verbose_name_plural = pgettext_lazy("group session", "sessions")
        ordering: ClassVar = ["start_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["provider", "start_at"], name="bookings_sessions_provider"),
            models.Index(fields=["service", "start_at"], name="bookings_sessions_service"),
            models.Index(fields=["status", "end_at"], name="bookings_sessions_status_end"),
            models.Index(fields=["slot_calendar", "slot_start_at"], name="bookings_sessions_slot"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(end_at__gt=F("start_at")), name="bookings_sessions_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="bookings_sessions_capacity"),
            models.CheckConstraint(
                condition=Q(busy_interval__isnull=False)
                | Q(status__in=[Status.CANCELLED, Status.FINISHED]),
                name="bookings_sessions_coming_has_time",
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{self.title or self.service}: {local_time(self.start_at)}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse_direct_write()

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse_direct_write()

    @property
    def free_seats(self) -> int:
        """How many seats nobody has booked; 0 for a session that is cancelled or finished."""
        if self.busy_interval is None or not self.is_active:
            return 0
        return self.busy_interval.seats_free

    @property
    def remaining_seats(self) -> int:
        """How many seats a client can book now; 0 if booking is closed or the session has begun.

        Staff can book the ``free_seats`` of a session that they have closed.
        """
        is_open = not self.closed_by_staff and self.start_at > timezone.now()
        return self.free_seats if is_open else 0

    @property
    def is_full(self) -> bool:
        return self.free_seats == 0

    @property
    def booking_open(self) -> bool:
        """Whether a client can book a seat now."""
        return self.status == Status.SCHEDULED and self.remaining_seats > 0

    @property
    def is_active(self) -> bool:
        """Whether it is neither cancelled nor finished."""
        return self.status in self.ACTIVE_STATUSES

    @transition(field=status, source=Status.SCHEDULED, target=Status.BOOKING_CLOSED)
    def close(self) -> None:
        """Take no more bookings."""

    @transition(field=status, source=Status.BOOKING_CLOSED, target=Status.SCHEDULED)
    def reopen(self) -> None:
        """Take bookings again."""

    @transition(field=status, source=list(ACTIVE_STATUSES), target=Status.CANCELLED)
    def cancel(self, now_dt: datetime, *, reason: str = "") -> None:
        """Cancel it at ``now_dt``."""
        self.cancelled_at = now_dt
        self.cancellation_reason = reason

    @transition(field=status, source=list(ACTIVE_STATUSES), target=Status.FINISHED)
    def finish(self) -> None:
        """Mark it as over."""

    def save_row(self, *, using: str, update_fields: Iterable[str] | None = None) -> None:
        """Write only the row; call it under the calendar's lock, after its claim."""
        adding = self._state.adding
        super().save(
            using=using, force_insert=adding, force_update=not adding, update_fields=update_fields
        )

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self._state.is_being_read = True  # type: ignore[attr-defined]
        try:
            super().refresh_from_db(*args, **kwargs)
        finally:
            del self._state.is_being_read  # type: ignore[attr-defined]

    def copy_from(self, fresh: Session) -> None:
        """Copy the values of ``fresh``, a newer state of the same session."""
        for field in self._meta.concrete_fields:
            self.__dict__[field.attname] = fresh.__dict__[field.attname]
        self._state.fields_cache = dict(fresh._state.fields_cache)
