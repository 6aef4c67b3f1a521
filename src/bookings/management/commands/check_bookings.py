"""``manage.py check_bookings``: check that the stored rows keep all invariants."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.integrity import find_problems, repair


class Command(BaseCommand):
    help = "Check that no claims overlap, seats add up, and every change has its event."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--fix", action="store_true", help="Repair what can be repaired safely."
        )
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS)

    def handle(self, *args: Any, fix: bool, database: str, **options: Any) -> None:
        found = remaining = 0
        # All problems are found first, because a repair changes what later queries find.
        for problem in list(find_problems(using=database)) if fix else find_problems(database):
            found += 1
            outcome = f" - {repair(problem)}" if fix else ""
            self.stdout.write(f"[{problem.invariant}] {problem.message}{outcome}")
        if fix:
            remaining = sum(1 for _problem in find_problems(using=database))
            message = ngettext(
                "%(found)d problem found, remaining: %(remaining)d.",
                "%(found)d problems found, remaining: %(remaining)d.",
                found,
            )
        else:
            remaining = found
            message = (
                ngettext("%(found)d problem found.", "%(found)d problems found.", found)
                if found
                else _("All invariants hold.")
            )
        self.stdout.write(message % {"found": found, "remaining": remaining})
        if remaining:
            raise SystemExit(1)
