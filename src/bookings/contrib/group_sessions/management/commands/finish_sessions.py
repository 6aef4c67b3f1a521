"""``manage.py finish_sessions``: finish the sessions that have ended; meant for cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import ngettext

from bookings.contrib.group_sessions.services import finish_sessions
from bookings.exceptions import BookingError


class Command(BaseCommand):
    help = (
        "Finish sessions that have ended, and end their waitlists. Safe to run at any time, and in "
        "several places at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--limit", type=int, default=1000, help="Finish this many at most (default: 1000)."
        )

    def handle(self, *args: Any, limit: int, **options: Any) -> None:
        try:
            finished = finish_sessions(limit=limit)
        except BookingError as error:
            raise CommandError(str(error)) from error
        text = ngettext("%(number)d session finished.", "%(number)d sessions finished.", finished)
        self.stdout.write(text % {"number": finished})
