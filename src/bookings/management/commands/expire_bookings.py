"""``manage.py expire_bookings``: give back the time of holds that have run out. For cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import ngettext

from bookings.exceptions import BookingError
from bookings.services import expire_bookings


class Command(BaseCommand):
    help = "Expire pending bookings whose expires_at has passed. Safe to run at any time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, help="Expire this many at most.")
        parser.add_argument(
            "--chunk-size", type=int, default=500, help="Bookings per transaction (default: 500)."
        )

    def handle(self, *args: Any, limit: int | None, chunk_size: int, **options: Any) -> None:
        try:
            expired = expire_bookings(limit=limit, chunk_size=chunk_size)
        except BookingError as error:
            raise CommandError(str(error)) from error
        said = ngettext("%(expired)d booking expired.", "%(expired)d bookings expired.", expired)
        self.stdout.write(said % {"expired": expired})
