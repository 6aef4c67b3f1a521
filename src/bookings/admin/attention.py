"""The board of what needs attention: requests, holds, what is overdue, and what the apps add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings import extensions
from bookings.admin.base import BaseAdmin, Page
from bookings.admin.display import change_url
from bookings.extensions import AttentionRow, AttentionSection
from bookings.models import Booking

ROWS: Final = 8
"""How many rows of a section the board shows; the rest is in the list that it links to."""


def total_of(found: Sequence[Any], objects: QuerySet[Any], most: int) -> int:
    """Return how many objects there are, of which at most ``most`` have been read.

    It takes a query only if there may be more.
    """
    return len(found) if len(found) < most else objects.order_by().count()


class AttentionMixin(BaseAdmin):
    attention_template = "admin/bookings/booking/attention.html"

    def get_pages(self) -> list[Page]:
        return [Page("attention/", self.attention_view, "attention"), *super().get_pages()]

    def attention_view(self, request: HttpRequest) -> HttpResponse:
        self.check_view_permission(request)
        sections = self.get_attention(request)
        return self.render_page(
            request,
            self.attention_template,
            title=_("Needs attention"),
            sections=[section for section in sections if section.count],
            done=[section for section in sections if not section.count],
        )

    def get_attention(self, request: HttpRequest) -> list[AttentionSection]:
        """Return the sections of the board, with what this user may see; urgent ones first.

        It takes two queries for each section, however many bookings there are.
        """
        return [
            *self._booking_sections(request),
            *(
                section
                for extension in extensions.implementing("attention")
                for section in extension.attention(site=self.admin_site, request=request, rows=ROWS)
            ),
        ]

    def _booking_sections(self, request: HttpRequest) -> Iterator[AttentionSection]:
        now = timezone.now()
        bookings: Any = self.get_queryset(request).order_by()
        url = self.page_url("changelist")
        yield self._section(
            "approval",
            _("Requests to answer"),
            bookings.awaiting_approval(now),
            f"{url}?waiting=approval",
            since="requested_at",
        )
        yield self._section(
            "hold",
            _("Holds that run out"),
            bookings.holds(now).order_by("expires_at", "pk"),
            f"{url}?waiting=hold",
            until="expires_at",
        )
        yield self._section(
            "overdue",
            _("Over, and nobody has said what became of it"),
            bookings.active().filter(end_at__lte=now).order_by("end_at", "pk"),
            f"{url}?waiting=overdue",
            since="end_at",
        )
        yield self._section(
            "client",
            _("Delivered, and not confirmed by the client"),
            bookings.awaiting_confirmation().order_by("delivered_at", "pk"),
            f"{url}?waiting=client",
            since="delivered_at",
        )

    def _section(
        self,
        name: str,
        title: str,
        bookings: QuerySet[Booking],
        url: str,
        *,
        since: str | None = None,
        until: str | None = None,
    ) -> AttentionSection:
        found: Iterable[Booking] = bookings.select_related("service", "provider")[:ROWS]
        rows = [
            AttentionRow(
                text=booking.client_name or booking.reference,
                details=f"{booking.service} · {booking.provider}",
                url=change_url(self.admin_site, booking),
                start_at=booking.start_at,
                since=getattr(booking, since) if since else None,
                until=getattr(booking, until) if until else None,
            )
            for booking in found
        ]
        count = total_of(rows, bookings, ROWS)
        return AttentionSection(name=name, title=title, count=count, rows=rows, url=url)
