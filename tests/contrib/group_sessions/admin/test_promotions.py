"""Clients who were promoted from a waitlist stay on the board until somebody has told them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.services import (
    book_seat,
    create_session,
    join_waitlist,
    mark_notified,
)
from bookings.exceptions import MissingReference
from bookings.extensions import AttentionSection
from bookings.models import Booking
from bookings.services import cancel_booking, confirm_booking, expire_bookings
from tests.admin.conftest import _browser
from tests.admin.page import messages_of, text_of

BOARD = "/admin/bookings/booking/attention/"
SESSIONS = "/admin/bookings_group_sessions/session/"

WAITING = {"Max": "+49 30 111111", "Eva": "+49 30 222222"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def full(service: Any, provider: Any) -> Session:
    """Full, with Max and Eva on the waitlist."""
    return make_full(service, provider, 2)


def make_full(service: Any, provider: Any, days: int, **values: Any) -> Session:
    session = create_session(
        service=service,
        provider=provider,
        start_at=timezone.now() + timedelta(days=days),
        capacity=1,
        enable_waitlist=True,
        title="Yoga",
        **values,
    )
    book_seat(session, client_name="Zoe")
    for name, phone in WAITING.items():
        join_waitlist(session, client_name=name, client_phone=phone)
    return session


def promote(session: Session) -> WaitlistEntry:
    """Cancel the seat that is taken; return the entry that gets it."""
    for booking in Booking.objects.active().filter(busy_interval=session.busy_interval_id):
        cancel_booking(booking)
    entry = session.waitlist.filter(status__in=["ACCEPTED", "OFFERED"]).latest("pk")
    return WaitlistEntry.objects.select_related("session", "booking").get(pk=entry.pk)


def section(client: Client) -> AttentionSection:
    page = client.get(BOARD)
    every = [*page.context["sections"], *page.context["done"]]
    return next(one for one in every if one.name == "promotions")


def test_a_promotion_is_on_the_board_until_the_client_is_told(boss: Client, full: Session) -> None:
    assert section(boss).count == 0
    entry = promote(full)
    found = section(boss)
    [row] = found.rows
    assert (found.count, row.text, row.details) == (1, "Max", "Yoga · Accepted · +49 30 111111")
    assert row.url == f"{SESSIONS}{full.pk}/change/"
    page = boss.get(BOARD)
    assert "Promoted from the waitlist: tell them" in text_of(page)
    answer = boss.post(row.action_url, {"board": "1"}, follow=True)
    assert answer.redirect_chain[-1][0] == BOARD
    assert messages_of(answer) == ["Told of the promotion from the waitlist: Max."]
    assert LogEntry.objects.latest("pk").object_id == f"{full.pk}"
    assert section(boss).count == 0
    entry.refresh_from_db()
    assert (entry.status, entry.unnotified_since) == ("ACCEPTED", None)
    again = boss.post(row.action_url, {"board": "1"}, follow=True)
    assert messages_of(again) == ["Max was that already: Accepted."]


def test_the_page_of_the_session_says_so_too(boss: Client, full: Session) -> None:
    entry = promote(full)
    url = f"{SESSIONS}{full.pk}/change/"
    page = text_of(boss.get(url))
    told = f'formaction="{SESSIONS}{full.pk}/waitlist/{entry.pk}/told/"'
    assert told in page
    assert page.count("not told yet") == 1
    done = boss.post(f"{SESSIONS}{full.pk}/waitlist/{entry.pk}/told/", follow=True)
    assert done.redirect_chain[-1][0] == url
    assert told not in text_of(done)
    assert "not told yet" not in text_of(done)


def test_an_offer_that_lapses_is_first_and_says_when(
    boss: Client, full: Session, service: Any, provider: Any
) -> None:
    promote(full)
    offering = make_full(service, provider, 9, waitlist_offer_minutes=60)
    offer = promote(offering)
    first, second = section(boss).rows
    assert first.details == "Yoga · Offered · +49 30 111111"
    assert (first.until, second.until) == (offer.booking.expires_at, None)
    # Whoever accepts it knows of it.
    confirm_booking(offer.booking)
    assert section(boss).count == 1


def test_what_is_cancelled_or_has_begun_is_told_to_nobody(
    boss: Client, full: Session, django_capture_on_commit_callbacks: Any
) -> None:
    entry = promote(full)
    cancel_booking(entry.booking)
    [row] = section(boss).rows
    assert row.text == "Eva"
    after = full.start_at + timedelta(minutes=1)
    eva = full.waitlist.get(client_name="Eva")
    assert not WaitlistEntry.objects.unnotified(after).exists()
    assert eva.unnotified_since is not None
    with django_capture_on_commit_callbacks(execute=True):
        expire_bookings(now_dt=after)
    assert not WaitlistEntry.objects.filter(unnotified_since__isnull=False).exists()


def test_a_promotion_whose_session_has_begun_has_no_button(boss: Client, full: Session) -> None:
    promote(full)
    begun = timezone.now() - timedelta(minutes=5)
    Booking._base_manager.update(start_at=begun)
    page = text_of(boss.get(f"{SESSIONS}{full.pk}/change/"))
    assert "/told/" not in page


def test_whoever_is_promoted_by_joining_hears_it_at_once(
    service: Any, provider: Any, settings: Any
) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = "strict"
    session = make_full(service, provider, 2)
    # Those who wait have other bookings, and may have no more: the seat stays free.
    for number, (name, phone) in enumerate(WAITING.items()):
        other = create_session(
            service=service,
            provider=provider,
            start_at=session.start_at + timedelta(days=1 + number),
            capacity=1,
        )
        book_seat(other, client_name=name, client_phone=phone)
    service.max_active_bookings_per_client = 1
    service.save()
    cancel_booking(Booking.objects.get(busy_interval=session.busy_interval_id))
    joined = join_waitlist(session, client_name="Kim", client_phone="+49 30 333333")
    assert joined.status == WaitlistEntry.Status.ACCEPTED
    assert joined.unnotified_since is None


def test_who_may_not_change_the_session_has_no_button(full: Session) -> None:
    promote(full)
    [row] = section(_browser("reader", "view_booking", "view_session")).rows
    assert (row.action_label, row.action_url) == ("", "")
    assert section(_browser("clerk", "view_booking")).count == 0


def test_without_a_board_the_button_leads_to_the_session(
    boss: Client, full: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = promote(full)
    monkeypatch.delitem(admin.site._registry, Booking)
    answer = boss.post(
        f"{SESSIONS}{full.pk}/waitlist/{entry.pk}/told/", {"board": "1"}, follow=False
    )
    assert answer["Location"] == f"{SESSIONS}{full.pk}/change/"


def test_an_entry_that_is_gone_cannot_be_marked(full: Session) -> None:
    entry = promote(full)
    assert mark_notified(entry) is entry
    stored = WaitlistEntry.objects.get(pk=entry.pk)
    WaitlistEntry.objects.filter(pk=entry.pk).delete()
    with pytest.raises(MissingReference):
        mark_notified(stored)


def test_the_queries_do_not_grow_with_the_promotions(
    boss: Client, full: Session, service: Any, provider: Any
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            boss.get(BOARD)
        return len(captured)

    promote(full)
    before = queries()
    for days in (5, 7):
        promote(make_full(service, provider, days))
    assert section(boss).count == 3
    assert queries() == before
