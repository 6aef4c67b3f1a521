"""``manage.py expire_bookings``: give back the time that nobody came for. For cron."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from bookings.management.sweeping import SweepCommand
from bookings.services import expire_bookings


class Command(SweepCommand):
    help = (
        "Cancel holds that have run out, and bookings that are overdue: nobody has said what "
        "became of them. Safe to run at any time, and in several places at once."
    )

    def sweep(self, *, dry_run: bool, **options: Any) -> None:
        swept = expire_bookings(dry_run=dry_run, **options)
        said = (
            ngettext("%(expired)d booking is due.", "%(expired)d bookings are due.", swept)
            if dry_run
            else ngettext("%(expired)d booking expired.", "%(expired)d bookings expired.", swept)
        )
        self.stdout.write(said % {"expired": swept})
        if swept.overdue:
            said = ngettext(
                "%(overdue)d of them is overdue.", "%(overdue)d of them are overdue.", swept.overdue
            )
            self.stdout.write(said % {"overdue": swept.overdue})
        for refusal in swept.refusals:
            self.stderr.write(str(refusal))
        if swept.refusals:
            raise SystemExit(1)
