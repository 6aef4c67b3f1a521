"""``manage.py expire_bookings``: cancel holds and requests that have expired."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from bookings.management.chunked_command import ChunkedCommand
from bookings.services import expire_bookings


class Command(ChunkedCommand):
    help = (
        "Cancel holds and requests that have expired. You can run it at any time, and in several "
        "processes at once."
    )

    def change_bookings(self, *, dry_run: bool, **options: Any) -> None:
        expired = expire_bookings(dry_run=dry_run, **options)
        message = (
            ngettext("%(expired)d booking is due.", "%(expired)d bookings are due.", expired)
            if dry_run
            else ngettext("%(expired)d booking expired.", "%(expired)d bookings expired.", expired)
        )
        self.stdout.write(message % {"expired": expired})
