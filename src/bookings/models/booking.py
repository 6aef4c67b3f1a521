"""The booking: who, what, when, its status, and the rules as they were when it was made."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import uuid4

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models, router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField, AutoLastModifiedField

from bookings.abstract import default_currency
from bookings.conf import app_settings
from bookings.fields import AmountField, CurrencyField, SettingForeignKey
from bookings.indexes import CaselessIndex
from bookings.models.calendar import BusyInterval
from bookings.models.lifecycle import Lifecycle
from bookings.querysets import BookingQuerySet

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 without I, L, O and U, which are misread (https://www.crockford.com/base32.html)."""

REFERENCE_LENGTH: Final = 8


class Booking(Lifecycle):
    """Change one with :mod:`bookings.services`; ``status`` cannot be assigned.

    ``save()`` is safe too: it moves or releases the booking's claim on the provider's time in the
    same transaction and writes the event, or raises and changes nothing.
    """

    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    reference = models.CharField(_("reference"), max_length=32, unique=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=0, editable=False)
    tenant = SettingForeignKey(
        "TENANT_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="bookings",
        verbose_name=_("tenant"),
    )
    service = SettingForeignKey(
        "SERVICE_MODEL",
        on_delete=models.PROTECT,
        related_name="bookings",
        verbose_name=_("service"),
    )
    provider = SettingForeignKey(
        "PROVIDER_MODEL",
        on_delete=models.PROTECT,
        db_index=False,
        related_name="bookings",
        verbose_name=_("provider"),
    )
    busy_interval = models.ForeignKey(
        BusyInterval,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="bookings",
        verbose_name=_("busy interval"),
    )

    client_name = models.CharField(_("client's name"), max_length=255)
    client_email = models.EmailField(_("client's e-mail"), blank=True)
    client_phone = models.CharField(_("client's phone"), max_length=64, blank=True)
    client_user = SettingForeignKey(
        "USER_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="bookings",
        verbose_name=_("client's account"),
    )

    start_at = models.DateTimeField(_("start"))
    end_at = models.DateTimeField(_("end"))
    buffer_before_minutes = models.PositiveIntegerField(_("buffer before"), default=0)
    buffer_after_minutes = models.PositiveIntegerField(_("buffer after"), default=0)

    requires_approval = models.BooleanField(_("requires approval"), default=False)
    cancellation_allowed = models.BooleanField(_("cancellation allowed"), default=True)
    cancellation_notice_minutes = models.PositiveIntegerField(_("cancellation notice"), default=0)
    reschedule_allowed = models.BooleanField(_("rescheduling allowed"), default=True)
    reschedule_notice_minutes = models.PositiveIntegerField(_("rescheduling notice"), default=0)

    two_sided_completion = models.BooleanField(
        _("two-sided completion"),
        default=False,
        help_text=_("The provider delivers, and the client confirms it."),
    )

    party_size = models.PositiveIntegerField(_("party size"), default=1)
    capacity_consumed = models.PositiveIntegerField(_("seats taken"), default=1)

    pricing_type = models.CharField(_("pricing type"), max_length=50, blank=True)
    price_amount = AmountField(_("price"), max_digits=11, null=True, blank=True)
    total_amount = AmountField(
        _("total"),
        max_digits=13,
        null=True,
        blank=True,
        help_text=_("The price and the add-ons."),
    )
    currency = CurrencyField(_("currency"), default=default_currency)

    notes_internal = models.TextField(_("internal notes"), blank=True)
    notes_client = models.TextField(_("client's notes"), blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    # Null, so that adding the column rewrites no row.
    terms = models.JSONField(_("terms"), null=True, blank=True, default=None, editable=False)
    # Null rather than "": a unique constraint then needs no condition, which MySQL would ignore.
    idempotency_key = models.CharField(
        _("idempotency key"), max_length=255, null=True, blank=True, default=None, editable=False
    )

    created_at = AutoCreatedField(_("created at"))
    updated_at = AutoLastModifiedField(_("updated at"))
    created_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="bookings_created",
        verbose_name=_("created by"),
    )

    objects = BookingQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering: ClassVar = ["start_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["provider", "start_at"], name="bookings_provider_start"),
            models.Index(fields=["client_user", "start_at"], name="bookings_client_start"),
            CaselessIndex(fields=["client_email"], name="bookings_client_email"),
            models.Index(fields=["client_phone"], name="bookings_client_phone"),
            models.Index(fields=["tenant", "start_at"], name="bookings_tenant_start"),
            models.Index(fields=["status", "end_at"], name="bookings_status_end"),
            models.Index(fields=["start_at"], name="bookings_start"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"], name="bookings_idempotency_key_tenant"
            ),
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=models.Q(tenant__isnull=True),
                name="bookings_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Write the booking, its claim on the provider's time, and an event of what changed.

        Raises :class:`~bookings.exceptions.BookingConflict` when the time is taken, and
        :class:`~bookings.exceptions.StaleBooking` unless the ``version`` that was read still holds.
        """
        from bookings.services.save import save_booking

        save_booking(self, using=using, update_fields=update_fields)

    @classmethod
    def generate_reference(cls, now_dt: datetime | None = None) -> str:
        """``BK-<year>-`` and 8 characters: 40 random bits, made without asking the database."""
        code = "".join(secrets.choice(CROCKFORD) for _ in range(REFERENCE_LENGTH))
        return f"BK-{(now_dt or timezone.now()).year}-{code}"

    @property
    def is_in_session(self) -> bool:
        """Whether the time it holds is a session's, of which it has seats."""
        interval = self.busy_interval
        return interval is not None and interval.kind == BusyInterval.Kind.SESSION

    def busy_window(self) -> tuple[datetime, datetime]:
        """The half-open stretch of the provider's time that it takes, buffers included."""
        return (
            self.start_at - timedelta(minutes=self.buffer_before_minutes),
            self.end_at + timedelta(minutes=self.buffer_after_minutes),
        )

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        for name in ("start_at", "end_at"):
            value = getattr(self, name)
            if value is not None and timezone.is_naive(value):
                errors[name] = _("%(field)s must be timezone-aware.") % {"field": name}
        bounds = (self.start_at, self.end_at)
        if not errors and None not in bounds and self.end_at <= self.start_at:
            errors["end_at"] = _("End time must be after start time.")
        seats = (self.capacity_consumed, self.party_size)
        if None not in seats and self.capacity_consumed < self.party_size:
            errors["capacity_consumed"] = _("Capacity consumed cannot be below party size.")
        service = self._existing("service")
        shared = service is None or getattr(service, "allow_multiple_clients_per_slot", False)
        if not shared and self.party_size not in {None, 1} and not self.is_in_session:
            errors["party_size"] = _(
                "Party size must be 1 for services that do not allow multiple clients per slot."
            )
        errors |= self._tenant_errors()
        if errors:
            raise ValidationError(errors)

    def _tenant_errors(self) -> dict[str, Any]:
        if not app_settings.tenancy_enabled:
            return {}
        if self.tenant_id is None:
            return {"tenant": _("Tenant is required when tenancy is enabled.")}
        return {
            name: _("Tenant mismatch between booking and related object.")
            for name in ("service", "provider")
            if getattr(self._existing(name), "tenant_id", self.tenant_id) != self.tenant_id
        }

    def _existing(self, name: str) -> Any:
        """What a foreign key points at; ``None`` where nothing is, which is its field's to tell."""
        try:
            return getattr(self, name)
        except ObjectDoesNotExist:
            return None

    def save_row(self, *, using: str, update_fields: Iterable[str] | None = None) -> None:
        """Write the row alone: for code that holds the calendar's lock and keeps the claim."""
        adding = self._state.adding
        super().save(
            using=using, force_insert=adding, force_update=not adding, update_fields=update_fields
        )

    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        """Delete the booking, its history and its claim. To keep the history, cancel it instead."""
        from bookings import batches

        using = using or router.db_for_write(Booking, instance=self)
        this = Booking.objects.using(using).filter(pk=self.pk)
        return batches.delete_bookings(
            this, lambda _locked: super(Booking, self).delete(using, keep_parents)
        )

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self._state.is_being_read = True  # type: ignore[attr-defined]
        try:
            super().refresh_from_db(*args, **kwargs)
        finally:
            del self._state.is_being_read  # type: ignore[attr-defined]

    def take_over(self, fresh: Booking) -> None:
        """Become equal to ``fresh``, a newer state of the same booking."""
        for field in self._meta.concrete_fields:
            self.__dict__[field.attname] = fresh.__dict__[field.attname]
        self._state.adding = False
        self._state.db = fresh._state.db
        self._state.fields_cache = dict(fresh._state.fields_cache)
        self.__dict__.pop("_prefetched_objects_cache", None)
