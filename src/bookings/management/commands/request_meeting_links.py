"""``manage.py request_meeting_links``: ask for the meeting links that bookings still lack."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from bookings.management.chunked_command import ChunkedCommand
from bookings.services import request_meeting_links


class Command(ChunkedCommand):
    help = (
        "Ask the adapter for the meeting links of confirmed bookings that have none. You can run "
        "it at any time."
    )

    def change_bookings(self, *, dry_run: bool, **options: Any) -> None:
        number = request_meeting_links(dry_run=dry_run, **options)
        message = (
            ngettext("%(number)d booking has no link.", "%(number)d bookings have no link.", number)
            if dry_run
            else ngettext(
                "%(number)d booking has a link now.", "%(number)d bookings have a link now.", number
            )
        )
        self.stdout.write(message % {"number": number})
