"""What group sessions add to the core."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bookings.contrib.group_sessions import (
    booking_changes,
    integrity,
    seat_claims,
    session_seats,
    waitlist,
    waitlist_erasure,
    waitlist_retry,
)
from bookings.extensions import AttentionSection, CalendarEntry, Extension
from bookings.integrity import Problem
from bookings.ledger.claims import Claim
from bookings.models import Booking
from bookings.protocols import ProviderLike
from bookings.services.anonymize import ErasedClient

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.db.models import Model
    from django.http import HttpRequest
    from django.utils.safestring import SafeString


class GroupSessionsExtension(Extension):
    name = "bookings_group_sessions"
    order = 20
    # The key of a seat's client is made of these.
    guarded_fields = frozenset({"client_name", "client_email", "client_phone", "client_user"})

    def after_event(
        self, booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
    ) -> None:
        booking_changes.after_booking_event(booking_ids, event_type, using=using, now=now)

    def after_deletion(self, interval_ids: Sequence[int], *, using: str) -> None:
        booking_changes.after_booking_deletion(interval_ids, using=using)

    def sweep(self, *, using: str, now: datetime) -> None:
        waitlist_retry.retry_all(using=using, now=now)
        waitlist.forget_unnotified(using=using, now=now)

    def anonymize_client(
        self, client: ErasedClient, *, using: str, now: datetime, dry_run: bool
    ) -> int:
        return waitlist_erasure.anonymize_entries(client, using=using, dry_run=dry_run)

    def find_problems(self, using: str) -> Iterator[Problem]:
        return integrity.find_problems(using)

    def claim(self, booking: Booking, *, using: str) -> Claim | None:
        return seat_claims.seat_claim(booking, using)

    def check_more_seats(
        self, booking: Booking, *, now: datetime, using: str, override_policy: bool
    ) -> None:
        session_seats.check_more_seats(
            booking, now=now, using=using, override_policy=override_policy
        )

    def refusal_link(
        self, code: str, booking: Booking, *, site: AdminSite, request: HttpRequest
    ) -> SafeString | None:
        if code != "in_session":
            return None
        from bookings.contrib.group_sessions.admin.seat_pages import permitted_move_link

        return permitted_move_link(booking, site, request)

    def calendar_entries(
        self,
        providers: Collection[ProviderLike],
        start_at: datetime,
        end_at: datetime,
        *,
        site: AdminSite,
        request: HttpRequest,
    ) -> Iterator[CalendarEntry]:
        from bookings.contrib.group_sessions.admin.calendar_entries import session_entries

        return session_entries(providers, start_at, end_at, site=site, request=request)

    def attention(
        self, *, site: AdminSite, request: HttpRequest, rows: int
    ) -> Iterator[AttentionSection]:
        from bookings.contrib.group_sessions.admin.attention import (
            unnotified_promotions,
            waitlists_with_free_seats,
        )

        yield unnotified_promotions(site=site, request=request, rows=rows)
        yield waitlists_with_free_seats(site=site, request=request, rows=rows)

    def related_links(
        self, instance: Model, site: AdminSite, request: HttpRequest
    ) -> Iterable[tuple[str, SafeString]]:
        if not isinstance(instance, Booking) or not instance.is_in_session:
            return ()
        from bookings.contrib.group_sessions.admin.seat_pages import session_links

        return session_links(instance, site, request)
