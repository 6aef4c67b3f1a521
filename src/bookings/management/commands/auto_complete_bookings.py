"""``manage.py auto_complete_bookings``: complete what was delivered and not disputed. For cron."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from bookings.management.sweeping import SweepCommand
from bookings.services import auto_complete_bookings


class Command(SweepCommand):
    help = (
        "Complete bookings that were delivered BOOKINGS_AUTO_COMPLETE_HOURS ago. Safe to run at "
        "any time, and in several places at once."
    )

    def sweep(self, *, dry_run: bool, **options: Any) -> None:
        completed = auto_complete_bookings(dry_run=dry_run, **options)
        said = (
            ngettext("%(number)d booking is due.", "%(number)d bookings are due.", completed)
            if dry_run
            else ngettext(
                "%(number)d booking completed.", "%(number)d bookings completed.", completed
            )
        )
        self.stdout.write(said % {"number": completed})
