"""Which rows are of the same client, by the rule of :mod:`bookings.rules.clients`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import models
from django.db.models import Q

from bookings.rules import clients

if TYPE_CHECKING:
    from bookings.models import Booking

LOOKUP: Final = "client_lookup"
"""The name of every :class:`ClientLookupField`."""

CLIENT_FIELDS: Final = frozenset(
    {"client_name", "client_email", "client_phone", "client_user", "client_user_id"}
)
"""What a client is identified by; the lookup follows a change of any of them."""


def same_client(of: Any) -> Q:
    """Return a filter for the rows of the client of ``of``; it matches none without a client.

    ``of`` and the rows have a client's name, e-mail address, phone number and account, and a
    :class:`ClientLookupField`, as a booking has.
    """
    condition = Q(pk__in=())
    for kind, _value in clients.identifiers(of):
        if kind == clients.ACCOUNT:
            condition |= Q(client_user_id=of.client_user_id)
        elif kind == clients.EMAIL:
            condition |= has_email(of.client_email)
        else:
            condition |= Q((LOOKUP, lookup_digest(of)))
    return condition


def has_email(email: str) -> Q:
    """Return a filter for the rows with an e-mail address, in any case of its letters."""
    condition = Q()
    for spelling in _spellings(email):
        condition |= Q(client_email__iexact=spelling)
    return condition


def _spellings(email: str) -> Iterable[str]:
    """Return what to look for: SQLite ignores the case of ASCII letters alone."""
    return [email] if email.isascii() else dict.fromkeys([email, email.lower(), email.upper()])


def has_phone(phone: str) -> Q:
    """Return a filter for the rows with a phone number, however it is written."""
    number = clients.normalize_phone(phone)
    return Q((LOOKUP, _digest(clients.PHONE, number))) if number else Q(pk__in=())


def lock_keys(booking: Booking) -> list[str]:
    """Return what to lock before a client's bookings are counted, in the order of locking.

    There is one digest for each identifier, so that every transaction that could count this booking
    waits for the one that makes it. The digests of two tenants differ.
    """
    return sorted(
        _digest(str(booking.tenant_id), *identifier) for identifier in clients.identifiers(booking)
    )


def digest(of: Any, *, named: bool = False) -> str | None:
    """Return a digest of the client's strongest identifier, for a unique constraint in a tenant.

    ``None`` while there is no client. Two rows with one digest are of the same client; two rows of
    the same client may have different ones: see :func:`same_client`. With ``named``, two names have
    two digests.
    """
    name = [clients.normalize_name(of.client_name)] if named else []
    for identifier in clients.identifiers(of):
        return _digest(*identifier, *name)
    return None


def lookup_digest(of: Any) -> str:
    """Return a digest of the phone number, or of the name where that identifies the client.

    Empty if the client is found by the account or the e-mail address alone.
    """
    values = (of.client_user_id, of.client_email, of.client_phone, of.client_name)
    # A value of a wrong type may not be hashable, and is refused where the fields are validated.
    find = _find_lookup_digest if all(map(_is_plain, values)) else _find_lookup_digest.__wrapped__
    return find(*values)


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (str, int, UUID)


@lru_cache(maxsize=1)
def _find_lookup_digest(user_id: Any, email: Any, phone: Any, name: Any) -> str:
    """Return the digest; that of one client is kept, for a series writes it for each booking."""
    of = SimpleNamespace(
        client_user_id=user_id, client_email=email, client_phone=phone, client_name=name
    )
    for kind, value in clients.identifiers(of):
        if kind in {clients.PHONE, clients.NAME}:
            return _digest(kind, value)
    return ""


def _digest(*parts: str) -> str:
    return sha256(":".join(parts).encode()).hexdigest()


class _ClientLookup:
    """Computes the value from the client's details whenever it is read, as for every write.

    So it cannot differ from them, also where Django writes a row without ``save()``, as
    ``bulk_create()`` and ``loaddata`` do.
    """

    def __init__(self, field: Any) -> None:
        self.field = field

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else lookup_digest(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        # What was read is kept only so that Django takes the field for loaded.
        instance.__dict__[self.field.attname] = value


class ClientLookupField(models.CharField):  # type: ignore[type-arg]
    """What a client's rows are found by besides the account and the e-mail address.

    Databases cannot compare two spellings of a phone number, so the row has a digest of one: see
    :func:`lookup_digest`.
    """

    descriptor_class = _ClientLookup

    def __init__(self, **kwargs: Any) -> None:
        options: dict[str, Any] = {
            "max_length": 64,
            "blank": True,
            "default": "",
            "editable": False,
        }
        super().__init__(**(options | kwargs))
