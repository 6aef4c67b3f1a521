"""``manage.py purge_idempotency_keys``: forget the answers to requests that are long over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import ngettext

from bookings.contrib.api.idempotency import purge_idempotency_keys


class Command(BaseCommand):
    help = "Delete the stored answers of the API that are older than --hours."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--hours", type=int, default=24, help="How long they are kept, 24 at least."
        )

    def handle(self, *args: Any, hours: int, **options: Any) -> None:
        try:
            purged = purge_idempotency_keys(older_than=timedelta(hours=hours))
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            ngettext("%(number)d key deleted.", "%(number)d keys deleted.", purged)
            % {"number": purged}
        )
