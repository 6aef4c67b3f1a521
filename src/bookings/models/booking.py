"""The booking: who, what, when, its status, and the rules as they were when it was made."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import uuid4

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models, router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField, AutoLastModifiedField

from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking
from bookings.models.calendar import BusyInterval
from bookings.models.client_identity import CLIENT_FIELDS, LOOKUP, ClientLookupField
from bookings.models.deletion import RelatedNameField, keep_name, protect_active_client
from bookings.models.fields import (
    AmountField,
    ClientEmailField,
    ClientTextField,
    CurrencyField,
    ExactCharField,
    LanguageField,
    MeetingLinkField,
    SettingForeignKey,
    TimeZoneField,
    default_currency,
)
from bookings.models.indexes import CaseInsensitiveIndex
from bookings.models.lifecycle import BookingLifecycle
from bookings.models.querysets import BookingQuerySet
from bookings.models.read_alias import service_alias
from bookings.models.tenant import tenant_name
from bookings.rules import money, prices
from bookings.rules.lengths import WallLength
from bookings.rules.service_rules import has_seats

if TYPE_CHECKING:
    from bookings.pools import AnyOf

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 without I, L, O and U, which people misread (https://www.crockford.com/base32.html)."""

REFERENCE_LENGTH: Final = 8
REFERENCE_SHIFTS: Final = range(0, 5 * REFERENCE_LENGTH, 5)

TIMES: Final = ("start_at", "end_at")


class Booking(BookingLifecycle):
    """A booking of a service with a provider.

    Change it with :mod:`bookings.services`; ``status`` cannot be assigned. ``save()`` is safe too:
    it moves or releases the claim on the provider's time in the same transaction and writes the
    event, or it raises an error and changes nothing.
    """

    uuid = models.UUIDField(_("UUID"), default=uuid4, editable=False)
    reference = ExactCharField(_("reference"), max_length=32, blank=True)
    version = models.PositiveIntegerField(_("version"), default=0, editable=False)
    tenant = SettingForeignKey(
        "TENANT_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="bookings",
        verbose_name=tenant_name(),
    )
    service = SettingForeignKey(
        "SERVICE_MODEL",
        on_delete=models.PROTECT,
        related_name="bookings",
        verbose_name=_("service"),
    )
    service_name = RelatedNameField(_("name of the service"))
    provider = SettingForeignKey(
        "PROVIDER_MODEL",
        on_delete=models.PROTECT,
        db_index=False,
        related_name="bookings",
        verbose_name=_("provider"),
    )
    provider_name = RelatedNameField(_("name of the provider"))
    busy_interval = models.ForeignKey(
        BusyInterval,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="bookings",
        verbose_name=_("busy interval"),
    )

    resource_count = models.PositiveSmallIntegerField(
        _("number of resources"), default=0, editable=False
    )

    client_name = ClientTextField(_("client's name"), max_length=255)
    client_email = ClientEmailField(_("client's e-mail"), blank=True)
    client_phone = models.CharField(_("client's phone"), max_length=64, blank=True)
    client_user = SettingForeignKey(
        "USER_MODEL",
        on_delete=protect_active_client,
        null=True,
        blank=True,
        db_index=False,
        related_name="bookings",
        verbose_name=_("client's account"),
    )

    client_lookup = ClientLookupField()
    client_language = LanguageField(
        _("client's language"), help_text=_("For messages: a code such as en or pt-br.")
    )
    client_timezone = TimeZoneField(
        _("client's time zone"), help_text=_("An IANA name such as Europe/Berlin.")
    )

    start_at = models.DateTimeField(_("start"))
    end_at = models.DateTimeField(_("end"))
    duration_days = models.PositiveIntegerField(
        _("days"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("By the wall clock; empty if it was booked in minutes."),
    )
    ends_at_time = models.TimeField(
        _("time of the end"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Empty for the time of the start, or if it was booked in minutes."),
    )
    buffer_before_minutes = models.PositiveIntegerField(_("buffer before"), default=0)
    buffer_after_minutes = models.PositiveIntegerField(_("buffer after"), default=0)

    requires_approval = models.BooleanField(_("requires approval"), default=False)
    cancellation_allowed = models.BooleanField(_("cancellation allowed"), default=True)
    cancellation_notice_minutes = models.PositiveIntegerField(_("cancellation notice"), default=0)
    reschedule_allowed = models.BooleanField(_("rescheduling allowed"), default=True)
    reschedule_notice_minutes = models.PositiveIntegerField(_("rescheduling notice"), default=0)

    max_reschedules = models.PositiveIntegerField(
        _("reschedules allowed"),
        null=True,
        blank=True,
        help_text=_("How often the client may move it; empty for no limit."),
    )

    two_sided_completion = models.BooleanField(
        _("two-sided completion"),
        default=False,
        help_text=_("The provider delivers, and the client confirms it."),
    )

    party_size = models.PositiveIntegerField(_("party size"), default=1)
    capacity_consumed = models.PositiveIntegerField(_("seats taken"), default=1)

    pricing_type = models.CharField(_("pricing type"), max_length=50, blank=True)
    price_amount = AmountField(_("price"), max_digits=11, null=True, blank=True)
    unit_price = AmountField(
        _("price of the service"),
        max_digits=11,
        null=True,
        blank=True,
        editable=False,
        help_text=_("By the hour or the day, if that is how it is priced."),
    )
    total_amount = AmountField(
        _("total"),
        max_digits=13,
        null=True,
        blank=True,
        help_text=_("The price and the add-ons."),
    )
    currency = CurrencyField(_("currency"), default=default_currency)

    location = models.CharField(
        _("location"), max_length=500, blank=True, default="", help_text=_("Where it takes place.")
    )
    meeting_link = MeetingLinkField(_("meeting link"))

    notes_internal = models.TextField(_("internal notes"), blank=True)
    notes_client = models.TextField(_("client's notes"), blank=True)
    answers = models.JSONField(
        _("answers"),
        default=list,
        blank=True,
        editable=False,
        help_text=_("To the questions of the service, as they were asked."),
    )
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    terms = models.JSONField(_("terms"), null=True, blank=True, default=None, editable=False)
    # Null rather than "", so that the unique constraint needs no condition, which MySQL ignores.
    idempotency_key = ExactCharField(
        _("idempotency key"), max_length=255, null=True, blank=True, default=None, editable=False
    )

    created_at = AutoCreatedField(_("created at"))
    updated_at = AutoLastModifiedField(_("updated at"))
    created_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=keep_name,
        null=True,
        blank=True,
        editable=False,
        related_name="bookings_created",
        verbose_name=_("created by"),
    )
    created_by_name = RelatedNameField(_("name of who created it"))

    requested_provider: AnyOf | None = None
    """Of a booking that is not stored yet: the pool from which its provider is chosen."""

    requested_resources: Sequence[Any] | None = None
    """The resources that the caller of a service asks for, as saved providers and
    :class:`~bookings.pools.AnyOf`; ``None`` for no wish. What a booking has is in ``resources``."""

    requested_minutes: Any = None
    """Of a booking that is not stored yet: the length that the client has chosen, without add-ons;
    ``None`` for the service's."""

    requested_days: Any = None
    """The same in days."""

    addon_length: timedelta | None = None
    """Of a booking by the day that is made or moved: how long its add-ons last."""

    objects = BookingQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering: ClassVar = ["start_at", "id"]
        permissions: ClassVar = [("view_all_bookings", "Can see the bookings of every provider")]
        indexes: ClassVar = [
            models.Index(fields=["provider", "start_at"], name="bookings_provider_start"),
            models.Index(fields=["client_user", "start_at"], name="bookings_client_start"),
            CaseInsensitiveIndex(fields=["client_email"], name="bookings_client_email"),
            models.Index(fields=["client_lookup"], name="bookings_client_lookup"),
            models.Index(fields=["tenant", "start_at"], name="bookings_tenant_start"),
            models.Index(fields=["status", "end_at"], name="bookings_status_end"),
            models.Index(fields=["start_at"], name="bookings_start"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["uuid"], name="bookings_uuid"),
            models.UniqueConstraint(fields=["reference"], name="bookings_reference"),
            # In this order, because MySQL 9.7 does not check a foreign key in rows with NULL in
            # another column of an index that begins with the foreign key.
            models.UniqueConstraint(
                fields=["idempotency_key", "tenant"], name="bookings_idempotency_key_tenant"
            ),
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=models.Q(tenant__isnull=True),
                name="bookings_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return str(self.reference)

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Write the booking, its claim on the provider's time, and an event with what changed.

        Raises :class:`~bookings.exceptions.BookingConflict` if the time is taken, and
        :class:`~bookings.exceptions.StaleBooking` if the booking has changed since it was read.
        """
        from bookings.services.direct_save import save_booking

        save_booking(self, using=using, update_fields=update_fields)

    @classmethod
    def generate_reference(cls, now_dt: datetime | None = None) -> str:
        """Return ``BK-<year>-`` and 8 characters: 40 random bits, without a query."""
        bits = secrets.randbits(5 * REFERENCE_LENGTH)
        code = "".join(CROCKFORD[bits >> shift & 31] for shift in REFERENCE_SHIFTS)
        return f"BK-{(now_dt or timezone.now()).year}-{code}"

    @property
    def wall_length(self) -> WallLength | None:
        """How long it lasts by the wall clock, without add-ons; ``None`` if it was booked in
        minutes."""
        days = self.duration_days
        return None if days is None else WallLength(days, self.ends_at_time)

    def set_wall_length(self, length: WallLength | None) -> None:
        """Keep a length by the wall clock; ``None`` for one in minutes."""
        self.duration_days = None if length is None else length.days
        self.ends_at_time = None if length is None else length.ends_at

    @property
    def is_in_session(self) -> bool:
        """Whether the booking holds seats of a session."""
        interval = self.busy_interval
        return interval is not None and interval.kind == BusyInterval.Kind.SESSION

    def busy_window(self) -> tuple[datetime, datetime]:
        """Return the half-open stretch of the provider's time that it takes, buffers included.

        The bounds are in the time zones of ``start_at`` and ``end_at``.
        """
        before = timedelta(minutes=self.buffer_before_minutes)
        after = timedelta(minutes=self.buffer_after_minutes)
        return (
            (self.start_at.astimezone(UTC) - before).astimezone(self.start_at.tzinfo),
            (self.end_at.astimezone(UTC) + after).astimezone(self.end_at.tzinfo),
        )

    def convert_to_zone(self, zone: tzinfo | None) -> None:
        """Express the start and the end in a time zone. They stay the same instants."""
        self.start_at = self.start_at.astimezone(zone)
        self.end_at = self.end_at.astimezone(zone)

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        for name in ("start_at", "end_at"):
            value = getattr(self, name)
            if value is not None and timezone.is_naive(value):
                errors[name] = _("%(field)s must be timezone-aware.") % {"field": name}
        bounds = (self.start_at, self.end_at)
        # In UTC, because Python compares two datetimes of one other zone by the wall clock.
        if not errors and None not in bounds and self.end_at.astimezone(UTC) <= self.start_at:
            errors["end_at"] = _("End time must be after start time.")
        seats = (self.capacity_consumed, self.party_size)
        if None not in seats and self.capacity_consumed < self.party_size:
            errors["capacity_consumed"] = _("Capacity consumed cannot be below party size.")
        service = self._existing("service")
        may_take_seats = service is None or has_seats(service)
        if not may_take_seats and self.party_size not in {None, 1} and not self.is_in_session:
            errors["party_size"] = _(
                "Party size must be 1 for services that do not allow multiple clients per slot."
            )
        if self.status not in self.Status.values:
            # Django does not validate a field that is not editable.
            field: Any = self._meta.get_field("status")
            errors["status"] = field.error_messages["invalid_choice"] % {"value": self.status}
        errors |= self._amount_errors() | self._tenant_errors()
        if errors:
            raise ValidationError(errors)

    def _amount_errors(self) -> dict[str, Any]:
        errors: dict[str, Any] = {}
        for name in ("price_amount", "total_amount"):
            amount = getattr(self, name)
            # What is no amount or no currency, its field reports.
            if isinstance(amount, Decimal) and money.is_currency_code(self.currency):
                try:
                    prices.check_payable(prices.parse_amount(amount, name), self.currency, name)
                except InvalidBooking as error:
                    errors[name] = error.messages
        return errors

    def _tenant_errors(self) -> dict[str, Any]:
        if not app_settings.tenancy_enabled:
            return {}
        if self.tenant_id is None:
            return {"tenant": _("Tenant is required when tenancy is enabled.")}
        return {
            name: ValidationError(
                _("Tenant mismatch between booking and related object."), "tenant_mismatch"
            )
            for name in ("service", "provider")
            if getattr(self._existing(name), "tenant_id", self.tenant_id) != self.tenant_id
        }

    def _existing(self, name: str) -> Any:
        """Return the target of a foreign key; ``None`` without one, which its field reports."""
        try:
            return getattr(self, name)
        except ObjectDoesNotExist:
            return None

    def save_row(self, *, using: str, update_fields: Iterable[str] | None = None) -> None:
        """Write only the row: for code that holds the calendar's lock and writes the claim."""
        adding = self._state.adding
        if update_fields is not None and not CLIENT_FIELDS.isdisjoint(update_fields):
            update_fields = {*update_fields, LOOKUP}
        super().save(
            using=using, force_insert=adding, force_update=not adding, update_fields=update_fields
        )

    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        """Delete the booking, its history and its claim. Cancel it instead to keep the history."""
        from bookings.services.direct_delete import delete_bookings

        using = using or router.db_for_write(Booking, instance=self)
        key = self.pk

        def delete(_locked: BookingQuerySet) -> tuple[int, dict[str, int]]:
            # Django takes the key away before the commit, which may fail and be tried again.
            self.pk = key
            return super(Booking, self).delete(using, keep_parents)

        try:
            return delete_bookings(Booking.objects.using(using).filter(pk=key), delete)
        except BaseException:
            self.pk = key
            raise

    def refresh_from_db(self, using: str | None = None, *args: Any, **kwargs: Any) -> None:
        self._state.is_being_read = True  # type: ignore[attr-defined]
        try:
            super().refresh_from_db(using or service_alias(), *args, **kwargs)
        finally:
            del self._state.is_being_read  # type: ignore[attr-defined]

    def copy_from(self, fresh: Booking) -> None:
        """Copy the values of ``fresh``, a newer state of the same booking.

        The start and the end stay in the time zones in which this object has them.
        """
        zones = {name: getattr(self.__dict__.get(name), "tzinfo", None) for name in TIMES}
        # A child of this model, in a host's own table, has fields that the services do not read.
        for field in fresh._meta.concrete_fields:
            self.__dict__[field.attname] = fresh.__dict__[field.attname]
            self._state.fields_cache.pop(field.name, None)
        for name, zone in zones.items():
            if zone is not None:
                self.__dict__[name] = self.__dict__[name].astimezone(zone)
        self._state.adding = False
        self._state.db = fresh._state.db
        self._state.fields_cache |= fresh._state.fields_cache
        self.__dict__.pop("_prefetched_objects_cache", None)
