"""Every page of the bundled admin classes besides Django's own, and who gets there.

The tests of both configurations use the table: with tenants and without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings.contrib.group_sessions.services import book_seat, create_session, join_waitlist
from bookings.contrib.payments.services import record_payment
from bookings.contrib.series.services import create_series
from bookings.services import cancel_booking, create_booking
from tests.hosts.samples import Host

DJANGOS: Final = ("add", "change", "changelist", "delete", "history")
MENU: Final = ("bookings_calendarpage", "bookings_attentionpage", "bookings_todaypage")

Objects = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, and the status of the answer for who may use it and for who may not."""

    editor: int
    """For who may view, add and change everything; the same for a superuser."""
    viewer: int
    """For who may view everything."""
    stranger: int = 403
    """For staff without a permission."""
    outsider: int = 404
    """For who may do everything, but not with this object: another tenant's or provider's."""
    args: Callable[[Objects], list[Any]] = lambda _objects: []
    query: dict[str, Any] = field(default_factory=dict)
    sent: Callable[[Objects], dict[str, Any]] | None = None
    """What is posted; ``None`` for a page that is opened."""
    site: str = "admin"


def _list(viewer: int = 200, editor: int = 200, **values: Any) -> Page:
    """A page about no single object, of which an outsider sees no rows of others."""
    return Page(editor=editor, viewer=viewer, outsider=values.pop("outsider", editor), **values)


def _change(name: str, *further: Any, viewer: int = 403, **values: Any) -> Page:
    """A page that changes an object."""

    def args(objects: Objects) -> list[Any]:
        return [objects[name].pk, *(one(objects) if callable(one) else one for one in further)]

    return Page(editor=values.pop("editor", 200), viewer=viewer, args=args, **values)


def _search(app_label: str, model_name: str) -> Page:
    asked = {"app_label": app_label, "model_name": model_name, "field_name": "provider"}
    return _list(query=asked | {"term": ""}, site="desk")


PAGES: Final[dict[str, Page]] = {
    "bookings_booking_calendar": _list(),
    "bookings_booking_attention": _list(),
    "bookings_booking_clients": _list(viewer=403, query={"q": "mary"}),
    "bookings_booking_starts": _list(viewer=403),
    "bookings_booking_search": _search("bookings", "booking"),
    "bookings_booking_step": _change("booking", "cancel"),
    "bookings_booking_calendar_move": Page(
        editor=200,
        viewer=403,
        sent=lambda objects: {"booking": objects["booking"].pk, "version": 1},
    ),
    "bookings_calendarpage_changelist": _list(editor=302, viewer=302),
    "bookings_attentionpage_changelist": _list(editor=302, viewer=302),
    "bookings_todaypage_changelist": _list(editor=302, viewer=302),
    "bookings_schedule_schedule_search": _search("bookings_schedule", "schedule"),
    "bookings_schedule_timeoff_search": _search("bookings_schedule", "timeoff"),
    "bookings_group_sessions_session_search": _search("bookings_group_sessions", "session"),
    "bookings_group_sessions_session_generate": _list(viewer=403),
    "bookings_group_sessions_session_step": _change("session", "cancel"),
    "bookings_group_sessions_session_attendance": _change("past_session"),
    "bookings_group_sessions_session_book": _change("session"),
    "bookings_group_sessions_session_wait": _change("full_session"),
    "bookings_group_sessions_session_move": _change("session", lambda objects: objects["seat"].pk),
    "bookings_group_sessions_session_waitlist": _change(
        "full_session",
        lambda objects: objects["entry"].pk,
        "remove",
        sent=lambda _objects: {},
        editor=302,
    ),
    "bookings_series_series_cancel": _change("series"),
    "bookings_series_series_publish": _list(viewer=403),
    "bookings_payments_payment_record": _change("booking"),
    "bookings_payments_payment_grant": _change("payment"),
    "bookings_payments_refunddue_grant": _change("refund_due"),
    "bookings_payments_refunddue_waive": _change("refund_due"),
    "bookings_reports_reportspage_changelist": _list(),
    "bookings_reports_reportspage_csv": _list(args=lambda _objects: ["bookings"]),
    "bookings_reports_reportspage_xlsx": _list(args=lambda _objects: ["bookings"]),
}


def custom_pages() -> Iterator[str]:
    """Yield the names of the pages of this package's admin classes that are not Django's own."""
    for model, model_admin in admin.site._registry.items():
        if not type(model_admin).__module__.startswith("bookings."):
            continue
        prefix = f"{model._meta.app_label}_{model._meta.model_name}"
        is_page = prefix in MENU or prefix == "bookings_reports_reportspage"
        for pattern in model_admin.get_urls():
            name = (pattern.name or "").removeprefix(f"{prefix}_")
            if name and (name not in DJANGOS or is_page):
                yield f"{prefix}_{name}"


def make_objects(host: Host) -> Objects:
    """Make one object of each kind that a page is about."""
    start = timezone.now().replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=2)

    def at(hours: int) -> dict[str, Any]:
        return {
            "service": host.service,
            "provider": host.provider,
            "tenant": host.tenant,
            "start_at": start + timedelta(hours=hours),
        }

    booking = create_booking(**at(0), client_name="Mary")
    gone = create_booking(**at(1), client_name="Mary")
    for number, paid in enumerate((booking, gone)):
        record_payment(paid, amount=Decimal(9), external_id=f"p{number}")
    cancel_booking(gone, by="provider")
    session = create_session(**at(2), capacity=9)
    create_session(**at(3), capacity=9)
    full = create_session(**at(4), capacity=1, enable_waitlist=True)
    book_seat(full, client_name="Zoe")
    past = create_session(**at(-24 * 9), capacity=9, allow_past=True)
    return {
        "booking": booking,
        "payment": booking.payments.get(),
        "refund_due": gone.refund_due,
        "session": session,
        "seat": book_seat(session, client_name="Zoe"),
        "full_session": full,
        "entry": join_waitlist(full, client_name="Kim"),
        "past_session": past,
        "series": create_series(
            rrule="FREQ=DAILY;COUNT=2", timezone="UTC", client_name="Mary", **at(6)
        ).series,
    }


def browser_of(name: str, *verbs: str, is_superuser: bool = False) -> Client:
    """Return a browser of staff with all permissions that begin with one of the verbs.

    The permission to see all bookings is none of them.
    """
    user = get_user_model().objects.create_user(
        name, is_staff=True, is_superuser=is_superuser, password=None
    )
    given = [
        permission
        for permission in Permission.objects.exclude(codename="view_all_bookings")
        if permission.codename.startswith(tuple(f"{verb}_" for verb in verbs))
    ]
    user.user_permissions.set(given)
    client = Client()
    client.force_login(user)
    return client


def statuses(client: Client, objects: Objects, *, site: str | None = None) -> dict[str, int]:
    """Return the status of the answer of each page, by its name."""
    return {name: _status(client, name, page, objects, site) for name, page in PAGES.items()}


def _status(client: Client, name: str, page: Page, objects: Objects, site: str | None) -> int:
    url = reverse(f"admin:{name}", args=page.args(objects), current_app=site or page.site)
    if page.sent is None:
        response = client.get(url, page.query)
    else:
        response = client.post(url, page.sent(objects))
    if response.streaming:
        # A file stays open until it is read.
        response.getvalue()
    return int(response.status_code)


def expected(column: str) -> dict[str, int]:
    return {name: getattr(page, column) for name, page in PAGES.items()}
