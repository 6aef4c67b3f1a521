"""The table of waitlist entries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.contrib.group_sessions.models.session import APP_LABEL, Session
from bookings.exceptions import NotAllowed
from bookings.models import Booking
from bookings.models.client_identity import CLIENT_FIELDS, LOOKUP, ClientLookupField
from bookings.models.deletion import RelatedNameField, keep_name, release_client
from bookings.models.fields import ClientEmailField, ClientTextField, SettingForeignKey
from bookings.models.instance_text import default_if_incomplete

GUARDED_FIELDS: Final = CLIENT_FIELDS | {LOOKUP}
"""What an entry's client is identified by; ``client_key`` is computed of it too."""


class WaitlistQuerySet(models.QuerySet["WaitlistEntry"]):
    def waiting(self) -> WaitlistQuerySet:
        """Return the entries that wait, in the order in which they are promoted."""
        return self.filter(status=WaitlistEntry.Status.WAITING).order_by(*WaitlistEntry.ORDER)

    def unnotified(self, now: datetime) -> WaitlistQuerySet:
        """Return the entries whose clients were promoted and have not been told yet.

        They have seats or an offer, and their session has not begun. An offer that lapses soon is
        first, then the session that begins first.
        """
        return self.filter(
            unnotified_since__isnull=False,
            booking__status__in=Booking.ACTIVE_STATUSES,
            booking__start_at__gt=now,
        ).order_by(F("booking__expires_at").asc(nulls_last=True), "booking__start_at", "pk")

    def update(self, **kwargs: Any) -> int:
        """Update as Django does, but refuse a client's details, by which an entry is found."""
        _refuse_guarded(kwargs)
        return super().update(**kwargs)

    def bulk_create(
        self, objs: Iterable[WaitlistEntry], *args: Any, **kwargs: Any
    ) -> list[WaitlistEntry]:
        # An upsert is an update() of the rows that are there.
        _refuse_guarded(kwargs.get("update_fields") or ())
        return super().bulk_create(objs, *args, **kwargs)


def _refuse_guarded(names: Iterable[str]) -> None:
    if guarded := sorted(GUARDED_FIELDS.intersection(names)):
        raise NotAllowed(
            _(
                "update() would leave behind what the waitlist finds a client by, for: %(fields)s. "
                "Call leave_waitlist() and join_waitlist() instead."
            ),
            params={"fields": ", ".join(guarded)},
        )


class WaitlistEntry(models.Model):
    """A client who waits, or has waited, for seats of a full session; the services write it.

    The database refuses a second waiting entry of a client for a session.
    """

    class Status(models.TextChoices):
        WAITING = "WAITING", _("Waiting")
        OFFERED = "OFFERED", _("Offered")
        ACCEPTED = "ACCEPTED", _("Accepted")
        EXPIRED = "EXPIRED", _("Expired")
        LEFT = "LEFT", _("Left")

    ORDER: Final = ("-priority", "joined_at", "pk")
    """Higher priorities first; within one, first come, first served."""

    session = models.ForeignKey(
        Session,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="waitlist",
        verbose_name=pgettext_lazy("group session", "session"),
    )
    client_name = ClientTextField(_("client's name"), max_length=255)
    client_email = ClientEmailField(_("client's e-mail"), blank=True)
    client_phone = models.CharField(_("client's phone"), max_length=64, blank=True)
    client_user = SettingForeignKey(
        "USER_MODEL",
        on_delete=release_client,
        null=True,
        blank=True,
        related_name="waitlist_entries",
        verbose_name=_("client's account"),
    )
    client_lookup = ClientLookupField()
    # Null once the client does not wait any more, as with a seat.
    client_key = models.CharField(_("client"), max_length=64, null=True, blank=True, editable=False)
    party_size = models.PositiveIntegerField(_("party size"), default=1)
    priority = models.IntegerField(
        _("priority"), default=0, help_text=_("Higher priorities are served first.")
    )
    joined_at = models.DateTimeField(_("joined at"))
    status = models.CharField(
        _("status"), max_length=8, choices=Status.choices, default=Status.WAITING, editable=False
    )
    refusal = models.CharField(
        _("refusal"),
        max_length=64,
        blank=True,
        editable=False,
        help_text=_("The code of the error that kept the client from being booked."),
    )
    booking = models.OneToOneField(
        Booking,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="waitlist_entry",
        verbose_name=_("booking"),
    )
    unnotified_since = models.DateTimeField(
        _("not notified since"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the client was promoted, until somebody has told them."),
    )
    created_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=keep_name,
        null=True,
        blank=True,
        editable=False,
        related_name="waitlist_entries_created",
        verbose_name=_("created by"),
    )
    created_by_name = RelatedNameField(_("name of who created it"))

    objects = WaitlistQuerySet.as_manager()

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("waitlist entry")
        verbose_name_plural = _("waitlist entries")
        ordering: ClassVar = ["session", "-priority", "joined_at", "id"]
        indexes: ClassVar = [
            models.Index(
                fields=["session", "status", "joined_at"], name="bookings_sessions_waiting"
            ),
            models.Index(fields=["status", "refusal"], name="bookings_sessions_refused"),
            models.Index(fields=["unnotified_since"], name="bookings_sessions_unnotified"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session", "client_key"], name="bookings_sessions_one_place"
            ),
            models.CheckConstraint(
                condition=Q(party_size__gte=1), name="bookings_sessions_party_waits"
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{self.client_name}: {self.session}"
