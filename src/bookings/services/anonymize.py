"""Erase who a client is from bookings and from their history."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import extensions
from bookings.exceptions import InvalidBooking
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingEvent, client_identity
from bookings.models.arguments import saved_tenant
from bookings.models.bulk_rows import update_rows
from bookings.rules import validation
from bookings.services import references
from bookings.services.chunked_changes import ChunkedChange, ChunkedRun, ChunkRow, Progress
from bookings.services.history import record_events

logger = logging.getLogger("bookings")

MAX_EMAIL: Final = 254
ANONYMOUS: Final = "anonymous"
"""What the name of an anonymized client begins with."""

EMPTY_VALUES: Final[dict[str, Any]] = {
    "client_language": "",
    "client_timezone": "",
    "notes_client": "",
    "notes_internal": "",
    "answers": [],
}
"""What takes the place of what is said about a client, besides who it is."""

PERSONAL_FIELDS: Final = (
    "client_name",
    "client_email",
    "client_phone",
    "client_user",
    *EMPTY_VALUES,
)
ACTORS: Final = ("created_by", "cancelled_by")
WRITTEN_FIELDS: Final = (
    *PERSONAL_FIELDS,
    *ACTORS,
    *("cancellation_reason", client_identity.LOOKUP),
)
EVENTS_PER_STATEMENT: Final = 200


@dataclass(frozen=True, slots=True)
class ErasedClient:
    """Whom to erase, and what to write instead."""

    email: str
    user: Any
    tenant_id: Any
    """The key of the only tenant whose rows to change; ``None`` for all."""
    code: str
    """A random part of the names that the client's rows get."""

    def rows(self) -> Q:
        """Return a filter for rows with a client's e-mail address, account and tenant."""
        condition = Q(pk__in=())
        if self.email:
            condition |= client_identity.has_email(self.email)
        if self.user is not None:
            condition |= Q(client_user=self.user)
        return condition if self.tenant_id is None else condition & Q(tenant=self.tenant_id)

    def values(self, row: Any) -> dict[str, Any]:
        """Return what to write to the columns of a client in a row, with their lookup.

        Each row gets a name of its own. So no two of them are of the same client, which a session
        would refuse, and nobody can tell that they were.
        """
        name = f"{ANONYMOUS}-{self.code}-{row.pk}"
        nobody = SimpleNamespace(
            client_name=name, client_email="", client_phone="", client_user_id=None
        )
        return {
            "client_name": name,
            "client_email": "",
            "client_phone": "",
            "client_user_id": None,
            client_identity.LOOKUP: client_identity.lookup_digest(nobody),
        }


def anonymize_client(
    *,
    email: str = "",
    user: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
    chunk_size: int = 500,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> int:
    """Erase who a client is from all bookings and waitlist entries of the client.

    The name becomes ``anonymous-`` and a code, another one in each of them. The e-mail address, the
    phone number, the account, the language, the time zone, the notes and the answers are
    removed, also from the history, and so are its messages and the reasons that people gave. Times,
    prices, statuses, ``metadata`` and the events themselves stay. Each booking gets an UPDATED
    event whose data has ``"anonymized": true``. The client waits for no session any more.

    It does not cancel anything: a booking that is still to come keeps its time. What the client
    did by the account, such as making the booking, is done by nobody afterwards.

    Each chunk is one transaction, so a call that was interrupted can be repeated. A client who is
    not known, as after the first call, is no error.

    :param email: the client's e-mail address, in any case of its letters; empty for none.
    :param user: the client's user account; ``None`` for none. With both, rows with either of them
        are the client's.
    :param tenant: the only tenant whose rows are changed; ``None`` for all tenants.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param chunk_size: the number of bookings that one transaction changes.
    :param dry_run: count the bookings and change nothing.
    :param progress: a function that is called after each chunk with the number of bookings so far.
    :returns: the number of bookings, and of rows that apps have of the client.
    :raises InvalidBooking: neither ``email`` nor ``user`` is given (code ``nobody``), or an
        argument is invalid or cannot be stored.
    :raises TenantMismatch: a tenant is given without tenancy.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    email = validation.validate_text("email", email).strip()
    if len(email) > MAX_EMAIL:
        raise InvalidBooking(
            _("%(name)s has %(length)d characters; it may have %(most)d."),
            params={"name": "email", "length": len(email), "most": MAX_EMAIL},
        )
    user = references.saved_user(user, "user")
    if not email and user is None:
        raise InvalidBooking(
            _("Nobody is named who is to be erased. Pass the e-mail address or the account."),
            "nobody",
        )
    tenant = saved_tenant(tenant)
    client = ErasedClient(
        email=email,
        user=user,
        tenant_id=None if tenant is None else tenant.pk,
        code=secrets.token_hex(6),
    )
    run = ChunkedRun.of(now_dt, None, chunk_size, dry_run, progress)
    change = ChunkedChange(
        Booking.objects.filter(client.rows()),
        partial(_anonymize, client=client, now=run.now, using=run.using),
    )
    run.lock_all(change)
    # Those who wait first, so that none of them is booked meanwhile.
    of_apps = {
        extension.name: extension.anonymize_client(
            client, using=run.using, now=run.now, dry_run=dry_run
        )
        for extension in extensions.implementing("anonymize_client")
    }
    bookings = run.execute(change)
    if not dry_run:
        logger.info("Anonymized %d bookings of a client, and of apps: %s.", bookings, of_apps)
    return bookings + sum(of_apps.values())


def _anonymize(
    rows: Sequence[ChunkRow], *, client: ErasedClient, now: datetime, using: str
) -> None:
    keys = [row.pk for row in rows]
    _redact_events(keys, using=using)
    stored: QuerySet[Booking] = QuerySet(Booking, using=using)
    bookings = list(fresh(stored.filter(pk__in=keys)).order_by("pk"))
    for booking in bookings:
        for name in ACTORS:
            own = getattr(booking, f"{name}_id")
            if own is not None and own == booking.client_user_id:
                setattr(booking, f"{name}_id", None)
        if not booking.auto_cancelled:
            booking.cancellation_reason = ""
        for name, value in (EMPTY_VALUES | client.values(booking)).items():
            setattr(booking, name, value)
    update_rows(
        stored,
        bookings,
        WRITTEN_FIELDS,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    data = {"new_client_name": ANONYMOUS, "anonymized": True}
    record_events(keys, BookingEvent.EventType.UPDATED, data, using=using, now=now)


def _redact_events(booking_ids: Sequence[Any], *, using: str) -> None:
    """Remove what the history says about the client; the only change of events there is."""
    stored: QuerySet[BookingEvent] = QuerySet(BookingEvent, using=using)
    of_client = stored.filter(booking__in=booking_ids)
    of_client.filter(actor_user=F("booking__client_user")).update(actor_user=None, actor_name="")
    changed = []
    for event in fresh(of_client).order_by("pk"):
        data = redacted(event.data)
        if event.message or data != event.data:
            event.message, event.data = "", data
            changed.append(event)
    stored.bulk_update(changed, ["message", "data"], batch_size=EVENTS_PER_STATEMENT)


def redacted(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of an event without what it says about the client.

    The names of what has changed stay. A reason that a sweep has given stays too.
    """
    personal = {f"{side}_{name}" for side in ("old", "new") for name in PERSONAL_FIELDS}
    result = {name: None if name in personal else value for name, value in data.items()}
    if result.get("reason") and "notify" not in data:
        result["reason"] = ""
    if "request" in result:
        # A digest of the client's details, which somebody who knows them could recognize.
        result["request"] = ""
    return result
