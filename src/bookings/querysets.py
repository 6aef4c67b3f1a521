"""Questions about bookings, and the doors that are closed to writes beside the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import NotAllowed

if TYPE_CHECKING:
    from bookings.models import Booking

# What the ledger, the history and the version are kept in step with.
GUARDED_FIELDS = frozenset(
    {
        "status",
        "provider",
        "provider_id",
        "service",
        "service_id",
        "start_at",
        "end_at",
        "buffer_before_minutes",
        "buffer_after_minutes",
        "party_size",
        "capacity_consumed",
        "busy_interval",
        "busy_interval_id",
        "expires_at",
        "version",
        "tenant",
        "tenant_id",
    }
)


def _refuse_guarded(names: Iterable[str]) -> None:
    guarded = sorted(GUARDED_FIELDS.intersection(names))
    if guarded:
        raise NotAllowed(
            _(
                "update() would leave the ledger and the history behind for: %(fields)s. "
                "Call a function of bookings.services for each booking instead."
            ),
            params={"fields": ", ".join(guarded)},
        )


class BookingQuerySet(models.QuerySet["Booking"]):
    """``Booking.objects``: every filter chains with the others and with Django's own."""

    def active(self) -> BookingQuerySet:
        """Pending or confirmed: those that hold time."""
        return self.filter(status__in=self.model.ACTIVE_STATUSES)

    def upcoming(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Active and not yet over, soonest first."""
        return self.active().filter(end_at__gt=now_dt or timezone.now()).order_by("start_at", "pk")

    def past(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Over by the clock, whatever became of them, latest first."""
        return self.filter(end_at__lte=now_dt or timezone.now()).order_by("-start_at", "-pk")

    def for_tenant(self, tenant: Any) -> BookingQuerySet:
        return self.filter(tenant=tenant)

    def for_provider(self, provider: Any) -> BookingQuerySet:
        return self.filter(provider=provider)

    def for_client(self, user: Any = None, *, email: str = "", phone: str = "") -> BookingQuerySet:
        """One client's: by user if there is one, else by e-mail address, else by phone number."""
        if user is not None:
            return self.filter(client_user=user)
        if email:
            return self.filter(client_email__iexact=email)
        if phone:
            return self.filter(client_phone=phone)
        return self.none()

    def expired(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Holds whose time has run out and that nobody has swept yet."""
        return self.filter(
            status=self.model.Status.PENDING, expires_at__lte=now_dt or timezone.now()
        )

    def holds(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Pending bookings whose time is kept for a while, and that are no requests yet."""
        return self._waiting(now_dt).filter(expires_at__isnull=False, requested_at__isnull=True)

    def awaiting_approval(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Requests that the provider has neither answered nor let lapse, oldest first."""
        is_asked = Q(requested_at__isnull=False) | Q(expires_at__isnull=True)
        return self._waiting(now_dt).filter(is_asked).order_by("requested_at", "pk")

    def awaiting_confirmation(self) -> BookingQuerySet:
        """Delivered by the provider, and not confirmed by the client yet."""
        return self.filter(status=self.model.Status.DELIVERED)

    def _waiting(self, now_dt: datetime | None) -> BookingQuerySet:
        in_time = Q(expires_at__isnull=True) | Q(expires_at__gt=now_dt or timezone.now())
        return self.filter(in_time, status=self.model.Status.PENDING)

    _db: str | None

    def update(self, **kwargs: Any) -> int:
        """As Django's, except for what the ledger and the history depend on."""
        _refuse_guarded(kwargs)
        return super().update(**kwargs)

    def bulk_create(self, objs: Iterable[Booking], *args: Any, **kwargs: Any) -> list[Booking]:
        """As Django's, for bookings that hold no time: an import of what is over."""
        objs = list(objs)
        if any(obj.status in self.model.ACTIVE_STATUSES for obj in objs):
            raise NotAllowed(
                _(
                    "bulk_create() claims no time, so it takes no pending or confirmed bookings. "
                    "Call bookings.services.create_booking for each instead."
                )
            )
        # An upsert is an update() of the rows that are there.
        _refuse_guarded(kwargs.get("update_fields") or ())
        for obj in objs:
            obj.reference = obj.reference or obj.generate_reference()
        return super().bulk_create(objs, *args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's, with every calendar concerned locked; the claims go with the bookings."""
        from bookings import batches

        # Django's own, of those whose calendars are locked by then.
        return batches.delete_bookings(self, models.QuerySet.delete)


def overlapping(starts: int, ends: int, prefix: str = "") -> Q:
    """Busy intervals, at the end of the path ``prefix``, that share an instant with the bounds."""
    return Q((f"{prefix}starts__lt", ends), (f"{prefix}ends__gt", starts))
