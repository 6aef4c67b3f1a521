"""The queryset of bookings: filters, and writes that keep the ledger and the history right."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, models, router, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import extensions
from bookings.exceptions import NotAllowed
from bookings.models import client_identity, keys, name_snapshots
from bookings.models.client_identity import CLIENT_FIELDS

if TYPE_CHECKING:
    from bookings.models import Booking

# The ledger, the history and the version follow these fields, and a lookup its client's details.
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
        "resource_count",
        "expires_at",
        "version",
        "tenant",
        "tenant_id",
        client_identity.LOOKUP,
    }
)


UPDATED_AT_ONCE: Final = 500

LONG: Final = timedelta(hours=20)
"""What lasts longer is in an index of its own on PostgreSQL; a day has 23 hours at least."""

IS_LONG: Final = Q(GreaterThan(F("end_at") - F("start_at"), LONG))


def _refuse_guarded(names: Iterable[str]) -> None:
    names = set(names)
    if guarded := sorted(GUARDED_FIELDS & names):
        raise NotAllowed(
            _(
                "update() would leave the ledger and the history behind for: %(fields)s. "
                "Call a function of bookings.services for each booking instead."
            ),
            params={"fields": ", ".join(guarded)},
        )
    for extension in extensions.registered():
        # A foreign key has two names.
        if guarded := sorted(
            name for name in names if name.removesuffix("_id") in extension.guarded_fields
        ):
            raise NotAllowed(
                _(
                    "update() would leave the rows of %(app)s behind for: %(fields)s. "
                    "Change each booking with a function of bookings.services, or save() it."
                ),
                params={"app": extension.name, "fields": ", ".join(guarded)},
            )


class BookingQuerySet(models.QuerySet["Booking"]):
    """``Booking.objects``. The filters chain with each other and with Django's own."""

    def active(self) -> BookingQuerySet:
        """Return pending and confirmed bookings: those that hold time."""
        return self.filter(status__in=self.model.ACTIVE_STATUSES)

    def upcoming(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Return active bookings that have not ended, soonest first."""
        # Not by the column itself: PostgreSQL would read its index from the oldest booking on, as
        # it cannot know that those which have not ended are the last ones.
        start = Coalesce("start_at", "start_at")
        return self.active().filter(end_at__gt=now_dt or timezone.now()).order_by(start, "pk")

    def during(self, start_at: datetime, end_at: datetime) -> BookingQuerySet:
        """Return bookings that take place at some moment between two instants, whatever their
        status.
        """
        starts_within = Q(start_at__gte=start_at, start_at__lt=end_at)
        ends_within = Q(end_at__gt=start_at, end_at__lte=end_at)
        spans = Q(start_at__lt=start_at, end_at__gt=end_at)
        if end_at - start_at >= LONG and connections[self.db].vendor == "postgresql":
            # There is an index of the long ones. With one condition for all, PostgreSQL would read
            # the whole history before the end or after the start.
            spans &= IS_LONG
        return self.filter(starts_within | ends_within | spans)

    def past(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Return bookings that have ended, whatever their status, latest first."""
        return self.filter(end_at__lte=now_dt or timezone.now()).order_by("-start_at", "-pk")

    def for_tenant(self, tenant: Any) -> BookingQuerySet:
        """Return the bookings of a tenant, or of its key; those of no tenant for ``None``."""
        return self.filter(tenant=self._key("tenant", tenant, "tenant"))

    def for_provider(self, provider: Any) -> BookingQuerySet:
        """Return the bookings with a provider, or with its key."""
        return self.filter(provider=self._key("provider", provider, "provider"))

    def _key(self, field_name: str, value: Any, name: str) -> Any:
        """Return what to compare a foreign key with; Django raises other errors than ours."""
        if value is None or hasattr(value, "resolve_expression"):
            return value
        field: Any = self.model._meta.get_field(field_name)
        if isinstance(value, field.related_model) and value.pk is not None:
            return value.pk
        return keys.related_key(field, value, name)

    def for_client(self, user: Any = None, *, email: str = "", phone: str = "") -> BookingQuerySet:
        """Return one client's bookings, by ``user``, else by ``email``, else by ``phone``.

        The case of the e-mail address and the spelling of the phone number do not matter. Nobody
        who is logged in is no ``user``.
        """
        if user is not None and not getattr(user, "is_anonymous", False):
            return self.filter(client_user=self._key("client_user", user, "user"))
        if email:
            return self.filter(client_identity.has_email(email))
        if phone:
            return self.filter(client_identity.has_phone(phone))
        return self.none()

    def expired(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Return pending bookings whose ``expires_at`` has passed and that are not expired yet."""
        return self.filter(
            status=self.model.Status.PENDING, expires_at__lte=now_dt or timezone.now()
        )

    def holds(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Return holds: pending bookings that expire and are not requests yet."""
        return self._waiting(now_dt).filter(expires_at__isnull=False, requested_at__isnull=True)

    def awaiting_approval(self, now_dt: datetime | None = None) -> BookingQuerySet:
        """Return requests that are neither answered nor lapsed, oldest first."""
        is_asked = Q(requested_at__isnull=False) | Q(expires_at__isnull=True)
        return self._waiting(now_dt).filter(is_asked).order_by("requested_at", "pk")

    def awaiting_confirmation(self) -> BookingQuerySet:
        """Return bookings that are delivered and that the client has not confirmed yet."""
        return self.filter(status=self.model.Status.DELIVERED)

    def _waiting(self, now_dt: datetime | None) -> BookingQuerySet:
        in_time = Q(expires_at__isnull=True) | Q(expires_at__gt=now_dt or timezone.now())
        return self.filter(in_time, status=self.model.Status.PENDING)

    _db: str | None

    def update(self, **kwargs: Any) -> int:
        """Update as Django does, but refuse the fields that the ledger or an extension follows."""
        _refuse_guarded(kwargs)
        if CLIENT_FIELDS.isdisjoint(kwargs):
            return super().update(**kwargs)
        using = router.db_for_write(self.model) if self._db is None else self._db
        with transaction.atomic(using=using):
            # What they are filtered by may be what is updated.
            found = list(self.using(using).values_list("pk", flat=True))
            updated = super().update(**kwargs)
            rows: models.QuerySet[Booking] = models.QuerySet(self.model, using=using)
            for first in range(0, len(found), UPDATED_AT_ONCE):
                changed = list(rows.filter(pk__in=found[first : first + UPDATED_AT_ONCE]))
                rows.bulk_update(changed, [client_identity.LOOKUP])
            return updated

    def bulk_create(self, objs: Iterable[Booking], *args: Any, **kwargs: Any) -> list[Booking]:
        """Insert as Django does, but only bookings that hold no time: an import of past ones."""
        objs = list(objs)
        if any(obj.status in self.model.ACTIVE_STATUSES for obj in objs):
            raise NotAllowed(
                _(
                    "bulk_create() claims no time, so it takes no pending or confirmed bookings. "
                    "Call bookings.services.create_booking for each instead."
                )
            )
        # An upsert is an update() of the rows that are there.
        updated = set(kwargs.get("update_fields") or ())
        _refuse_guarded(updated)
        if not CLIENT_FIELDS.isdisjoint(updated):
            kwargs["update_fields"] = updated | {client_identity.LOOKUP}
        for obj in objs:
            obj.reference = obj.reference or obj.generate_reference()
        using = router.db_for_write(self.model) if self._db is None else self._db
        name_snapshots.fill_names(objs, using=using)
        return super().bulk_create(objs, *args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete as Django does, under the locks of the calendars, and release the claims."""
        from bookings.services.direct_delete import delete_bookings

        return delete_bookings(self, models.QuerySet.delete)


IS_COMPARED: Final = ~Q(kind="CONCURRENT")
"""A filter for the busy intervals of a calendar of which no two overlap."""


def overlapping(starts: int, ends: int, prefix: str = "") -> Q:
    """Return a filter for busy intervals, at the path ``prefix``, that overlap the bounds."""
    return Q((f"{prefix}starts__lt", ends), (f"{prefix}ends__gt", starts))
