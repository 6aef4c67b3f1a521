"""``manage.py anonymize_client``: erase who a client is from bookings and waitlists."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.exceptions import BookingError
from bookings.models import Booking
from bookings.services import anonymize_client


class Command(BaseCommand):
    help = (
        "Erase a client's name, e-mail address, phone number, notes and answers. Times, prices and "
        "the history stay. It cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", default="", help="The client's e-mail address.")
        parser.add_argument("--user", help="The key of the client's user account.")
        parser.add_argument("--tenant", help="The key of the only tenant to change.")
        parser.add_argument(
            "--chunk-size", type=int, default=500, help="Bookings per transaction (default: 500)."
        )
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")

    def handle(
        self,
        *args: Any,
        email: str,
        user: str | None,
        tenant: str | None,
        chunk_size: int,
        dry_run: bool,
        **options: Any,
    ) -> None:
        try:
            number = anonymize_client(
                email=email,
                user=_related("client_user", user),
                tenant=_related("tenant", tenant),
                chunk_size=chunk_size,
                dry_run=dry_run,
            )
        except BookingError as error:
            raise CommandError(str(error)) from error
        message = (
            ngettext("%(number)d row is the client's.", "%(number)d rows are the client's.", number)
            if dry_run
            else ngettext("%(number)d row anonymized.", "%(number)d rows anonymized.", number)
        )
        self.stdout.write(message % {"number": number})
        if dry_run:
            self.stdout.write(_("Nothing was changed."))


def _related(name: str, key: str | None) -> Any:
    """Return the user or tenant with this key; ``None`` without one."""
    if key is None:
        return None
    field: Any = Booking._meta.get_field(name)
    try:
        found = field.related_model._base_manager.filter(pk=key).first()
    except (ValueError, ValidationError, OverflowError):
        found = None
    if found is None:
        raise CommandError(
            _("There is no %(model)s with the key %(key)s.")
            % {"model": field.related_model._meta.verbose_name, "key": key}
        )
    return found
