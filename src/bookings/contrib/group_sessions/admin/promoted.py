"""Who has got seats by what staff did to a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bookings.contrib.group_sessions.models import Session, WaitlistEntry

NAMED: Final = 20
"""How many clients a message names."""

GOT_SEATS: Final = (WaitlistEntry.Status.ACCEPTED, WaitlistEntry.Status.OFFERED)


def promoted_by(session: Session, act: Callable[[], Any]) -> list[str]:
    """``act``; the clients of whom it was the turn then, in their order."""
    waiting = list(session.waitlist.waiting().values_list("pk", flat=True))
    act()
    promoted = session.waitlist.filter(pk__in=waiting, status__in=GOT_SEATS)
    return list(promoted.order_by(*WaitlistEntry.ORDER).values_list("client_name", flat=True))


def tell_promoted(request: HttpRequest, clients: list[str]) -> None:
    if clients:
        named = ", ".join(clients[:NAMED]) + (" …" if len(clients) > NAMED else "")
        messages.success(request, _("Promoted from the waitlist: %(client)s.") % {"client": named})
