"""``manage.py auto_cancel_expired_bookings``: cancel overdue bookings."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from bookings.management.chunked_command import ChunkedCommand
from bookings.services import auto_cancel_expired_bookings


class Command(ChunkedCommand):
    help = (
        "Cancel overdue bookings: those that have ended, and that nobody has completed, delivered, "
        "marked as a no-show or cancelled. You can run it at any time, and in several processes at "
        "once."
    )

    def change_bookings(self, *, dry_run: bool, **options: Any) -> None:
        cancelled = auto_cancel_expired_bookings(dry_run=dry_run, **options)
        message = (
            ngettext(
                "%(number)d booking is overdue.", "%(number)d bookings are overdue.", cancelled
            )
            if dry_run
            else ngettext(
                "%(number)d overdue booking cancelled.",
                "%(number)d overdue bookings cancelled.",
                cancelled,
            )
        )
        self.stdout.write(message % {"number": cancelled})
        for refusal in cancelled.refusals:
            self.stderr.write(str(refusal))
        if cancelled.refusals:
            raise SystemExit(1)
