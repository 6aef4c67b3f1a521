"""The base of the commands that change bookings in chunks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from bookings.exceptions import BookingError

VERBOSE: Final = 2
"""The verbosity from which on the commands write their progress."""


class ChunkedCommand(BaseCommand, ABC):
    """A command with a limit, a chunk size and a dry run.

    It writes its progress to a terminal, or with ``--verbosity 2``.
    """

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
        writes_progress = verbosity >= VERBOSE or self.stderr.isatty()
        try:
            self.change_bookings(
                limit=limit,
                chunk_size=chunk_size,
                dry_run=dry_run,
                progress=self._write_progress if writes_progress else None,
            )
        except BookingError as error:
            raise CommandError(str(error)) from error
        if dry_run:
            self.stdout.write(_("Nothing was changed."))

    @abstractmethod
    def change_bookings(self, *, dry_run: bool, **options: Any) -> None:
        """Change the bookings and write how many they were.

        Raises ``SystemExit`` if some bookings could not be changed.
        """

    def _write_progress(self, done: int) -> None:
        self.stderr.write(_("%(done)d so far") % {"done": done}, self.style.NOTICE)
