"""``manage.py generate_sessions``: fill business hours with sessions; meant for cron."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.conf import app_settings
from bookings.contrib.group_sessions.services import Generated, generate_sessions
from bookings.exceptions import BookingError
from bookings.management.chunked_command import VERBOSE
from bookings.selectors.providers import active_providers

PAGE_SIZE: Final = 500
"""How many providers are read at once."""

BAR_WIDTH: Final = 30


class Command(BaseCommand):
    help = (
        "Publish a session of a service in every slot of the business hours of providers. Safe to "
        "run at any time, and in several places at once: existing sessions are left as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        providers = parser.add_mutually_exclusive_group(required=True)
        providers.add_argument("--provider", nargs="+", metavar="KEY", help="Of these providers.")
        providers.add_argument(
            "--all-providers",
            action="store_true",
            help="Of all providers who are active and have a schedule.",
        )
        parser.add_argument("--service", required=True, metavar="KEY", help="Of this service.")
        parser.add_argument("--tenant", metavar="KEY", help="Default: the service's tenant.")
        parser.add_argument(
            "--from",
            type=_date,
            dest="first",
            metavar="DATE",
            help="The first day, as 2031-12-24 (default: today).",
        )
        last = parser.add_mutually_exclusive_group()
        last.add_argument("--to", type=_date, dest="last", metavar="DATE", help="The last day.")
        last.add_argument("--days", type=int, default=30, help="How many days (default: 30).")
        parser.add_argument(
            "--duration",
            type=int,
            metavar="MINUTES",
            help="The length of a session, 15 to 480 (default: the service's duration).",
        )
        parser.add_argument("--capacity", type=int, required=True, help="The seats of a session.")
        parser.add_argument("--title", default="", help="The title of each session.")
        parser.add_argument("--waitlist", action="store_true", help="Let clients join a waitlist.")
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")

    def handle(self, *args: Any, verbosity: int, **options: Any) -> None:
        service = _get_instance("SERVICE_MODEL", "service", options["service"])
        tenant = _get_tenant(service, options["tenant"])
        first = options["first"] or timezone.localdate()
        try:
            last = options["last"] or first + timedelta(days=options["days"] - 1)
        except OverflowError:
            raise CommandError(_("There are not that many days.")) from None
        arguments = {
            "service": service,
            "tenant": tenant,
            "start_date": first,
            "end_date": last,
            "slot_duration_minutes": options["duration"] or service.duration_minutes,
            "capacity": options["capacity"],
            "title": options["title"],
            "enable_waitlist": options["waitlist"],
            "dry_run": options["dry_run"],
        }
        self.lists_conflicts = verbosity >= VERBOSE
        if options["all_providers"]:
            model = apps.get_model(app_settings.PROVIDER_MODEL)
            providers = active_providers(model._default_manager.order_by("pk"), tenant=tenant)
            refused = self._generate(
                _in_pages(providers), providers.count(), arguments, ignored_code="no_schedule"
            )
        else:
            chosen = [
                _get_instance("PROVIDER_MODEL", "provider", key) for key in options["provider"]
            ]
            refused = self._generate(iter(chosen), len(chosen), arguments)
        if options["dry_run"]:
            self.stdout.write(_("Nothing was changed."))
        if refused:
            raise SystemExit(1)

    def _generate(
        self,
        providers: Iterator[Any],
        number: int,
        arguments: dict[str, Any],
        ignored_code: str = "",
    ) -> int:
        """Generate the sessions of each provider, print the sums, and return how many failed.

        A provider who is refused does not keep the others from getting their sessions.
        """
        created = existing = conflicts = refused = slots = 0
        for done, provider in enumerate(providers):

            def show_progress(new_slots: int, done: int = done, before: int = slots) -> None:
                self._show_bar(done, number, before + new_slots)

            try:
                generated = generate_sessions(
                    provider=provider, progress=show_progress, **arguments
                )
            except BookingError as error:
                if error.code != ignored_code:
                    refused += 1
                    self.stderr.write(f"{provider}: {error}")
                continue
            created += generated.created
            existing += generated.existing
            conflicts += len(generated.conflicts)
            slots = created + existing + conflicts
            if self.lists_conflicts:
                self._list_conflicts(provider, generated)
        self._show_bar(number, number, slots, "\n")
        text = (
            ngettext("%(number)d session to create.", "%(number)d sessions to create.", created)
            if arguments["dry_run"]
            else ngettext("%(number)d session created.", "%(number)d sessions created.", created)
        )
        self.stdout.write(text % {"number": created})
        if existing:
            text = ngettext("%(number)d was there.", "%(number)d were there.", existing)
            self.stdout.write(text % {"number": existing})
        if conflicts:
            text = ngettext("%(number)d slot is taken.", "%(number)d slots are taken.", conflicts)
            self.stdout.write(text % {"number": conflicts})
        return refused

    def _list_conflicts(self, provider: Any, generated: Generated) -> None:
        for conflict in generated.conflicts:
            start, end = map(timezone.localtime, (conflict.start_at, conflict.end_at))
            self.stdout.write(f"{provider}: {start:%Y-%m-%d %H:%M}–{end:%H:%M}, {conflict.reason}")

    def _show_bar(self, done: int, number: int, slots: int, ending: str = "\r") -> None:
        if not self.stderr.isatty():
            return
        filled = "#" * (BAR_WIDTH * done // max(number, 1))
        text = _("%(slots)d slots") % {"slots": slots}
        self.stderr.write(f"[{filled:<{BAR_WIDTH}}] {done}/{number}, {text}", ending=ending)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date. Write one as 2031-12-24.") from None


def _get_instance(setting: str, name: str, key: Any) -> Any:
    manager = apps.get_model(app_settings.model_label(setting))._default_manager
    try:
        return manager.get(pk=key)
    except (manager.model.DoesNotExist, ValueError, ValidationError, OverflowError):
        raise CommandError(
            _("There is no %(name)s %(key)s.") % {"name": name, "key": f"{key:.64}"}
        ) from None


def _get_tenant(service: Any, key: Any) -> Any:
    if key is None and app_settings.tenancy_enabled:
        key = getattr(service, "tenant_id", None)
    return None if key is None else _get_instance("TENANT_MODEL", "tenant", str(key))


def _in_pages(providers: QuerySet[Any]) -> Iterator[Any]:
    """Yield the providers page by page: a cursor would not outlive the transactions between."""
    page = providers
    while found := list(page[:PAGE_SIZE]):
        yield from found
        page = providers.filter(pk__gt=found[-1].pk)
