"""``manage.py auto_complete_bookings``: complete bookings that were delivered some time ago."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from bookings.management.chunked_command import ChunkedCommand
from bookings.services import auto_complete_bookings


class Command(ChunkedCommand):
    help = (
        "Complete bookings that were delivered BOOKINGS_AUTO_COMPLETE_HOURS ago. You can run it at "
        "any time, and in several processes at once."
    )

    def change_bookings(self, *, dry_run: bool, **options: Any) -> None:
        completed = auto_complete_bookings(dry_run=dry_run, **options)
        message = (
            ngettext("%(number)d booking is due.", "%(number)d bookings are due.", completed)
            if dry_run
            else ngettext(
                "%(number)d booking completed.", "%(number)d bookings completed.", completed
            )
        )
        self.stdout.write(message % {"number": completed})
