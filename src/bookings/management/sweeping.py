"""What the commands that sweep have in common: their options, and how they say how far they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from bookings.exceptions import BookingError

TALKATIVE: Final = 2


class SweepCommand(BaseCommand, ABC):
    """Runs a sweep, tells how far it is on a terminal or with ``--verbosity 2``, and sums up."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, help="Change this many at most.")
        parser.add_argument(
            "--chunk-size", type=int, default=500, help="Bookings per transaction (default: 500)."
        )
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")

    def handle(
        self,
        *args: Any,
        limit: int | None,
        chunk_size: int,
        dry_run: bool,
        verbosity: int,
        **options: Any,
    ) -> None:
        is_wanted = verbosity >= TALKATIVE or self.stderr.isatty()
        try:
            self.sweep(
                limit=limit,
                chunk_size=chunk_size,
                dry_run=dry_run,
                progress=self._say_how_far if is_wanted else None,
            )
        except BookingError as error:
            raise CommandError(str(error)) from error
        if dry_run:
            self.stdout.write(_("Nothing was changed."))

    @abstractmethod
    def sweep(self, *, dry_run: bool, **options: Any) -> None:
        """Sweep, and say what was done; ``SystemExit`` if that was not all."""

    def _say_how_far(self, done: int) -> None:
        self.stderr.write(_("%(done)d so far") % {"done": done}, self.style.NOTICE)
