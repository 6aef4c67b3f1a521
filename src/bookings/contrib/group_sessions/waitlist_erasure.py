"""Erase who a client is from the waitlists."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import Q, QuerySet

from bookings.contrib.group_sessions.models import WaitlistEntry
from bookings.ledger import locks
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import client_identity
from bookings.services.anonymize import ErasedClient


def anonymize_entries(client: ErasedClient, *, using: str, dry_run: bool) -> int:
    """Erase the client from all entries, and end those that wait; return their number."""
    condition = _of_client(client)
    entries = WaitlistEntry.objects.using(using).filter(condition)
    if dry_run:
        return entries.count()
    providers = set(entries.order_by().values_list("session__provider_id", flat=True))
    if not providers:
        return 0
    write = partial(_anonymize, client, condition, providers, using=using)
    return atomic_with_retry(write, using=using)


def _of_client(client: ErasedClient) -> Q:
    """Return the client's filter for entries, which have the tenant of their session."""
    condition = Q(pk__in=())
    if client.email:
        condition |= client_identity.has_email(client.email)
    if client.user is not None:
        condition |= Q(client_user=client.user)
    return (
        condition if client.tenant_id is None else condition & Q(session__tenant=client.tenant_id)
    )


def _anonymize(client: ErasedClient, condition: Q, providers: set[Any], *, using: str) -> int:
    locks.lock_calendars(providers, using=using)
    # Not the manager, whose update() refuses what clients are found by.
    entries: QuerySet[WaitlistEntry] = QuerySet(WaitlistEntry, using=using)
    found = list(fresh(entries.filter(pk__in=entries.filter(condition).values("pk"))))
    for entry in found:
        values = client.values(entry)
        if entry.status == WaitlistEntry.Status.WAITING:
            # A client who cannot be told of a seat does not wait for it.
            values |= {"status": WaitlistEntry.Status.LEFT, "client_key": None}
        if entry.created_by_id is not None and entry.created_by_id == entry.client_user_id:
            values["created_by_id"] = None
        entries.filter(pk=entry.pk).update(**values)
    return len(found)
