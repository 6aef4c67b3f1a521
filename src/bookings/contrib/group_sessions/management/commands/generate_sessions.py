"""``manage.py generate_sessions``: fill business hours with sessions. For cron."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.conf import app_settings
from bookings.contrib.group_sessions.services import Generated, generate_sessions
from bookings.exceptions import BookingError
from bookings.management.sweeping import TALKATIVE

PAGE: Final = 500
"""How many providers are read at once."""

BAR: Final = 30


class Command(BaseCommand):
    help = (
        "Publish a session of a service for every slot in the business hours of providers. Safe to "
        "run at any time, and in several places at once: what is there already is left as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--provider", nargs="+", metavar="KEY", help="Of these providers.")
        whose.add_argument(
            "--all-providers", action="store_true", help="Of all who are active and have hours."
        )
        parser.add_argument("--service", required=True, metavar="KEY", help="Of this service.")
        parser.add_argument("--tenant", metavar="KEY", help="By default the service's.")
        parser.add_argument(
            "--from", type=_date, dest="first", metavar="DATE", help="As 2031-12-24; today."
        )
        until = parser.add_mutually_exclusive_group()
        until.add_argument("--to", type=_date, dest="last", metavar="DATE", help="Included.")
        until.add_argument("--days", type=int, default=30, help="How many (default: 30).")
        parser.add_argument(
            "--duration", type=int, metavar="MINUTES", help="15 to 480 (default: the service's)."
        )
        parser.add_argument("--capacity", type=int, required=True, help="Seats of a session.")
        parser.add_argument("--title", default="", help="By default none.")
        parser.add_argument("--waitlist", action="store_true", help="Let clients wait for seats.")
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")

    def handle(self, *args: Any, verbosity: int, **options: Any) -> None:
        service = _stored("SERVICE_MODEL", "service", options["service"])
        tenant = _tenant(service, options["tenant"])
        first = options["first"] or timezone.localdate()
        try:
            last = options["last"] or first + timedelta(days=options["days"] - 1)
        except OverflowError:
            raise CommandError(_("There are not that many days.")) from None
        wanted = {
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
        self.is_talkative = verbosity >= TALKATIVE
        if options["all_providers"]:
            number = _providers(tenant).count()
            refused = self._generate(_in_pages(tenant), number, wanted, passed_over="no_schedule")
        else:
            named = [_stored("PROVIDER_MODEL", "provider", key) for key in options["provider"]]
            refused = self._generate(iter(named), len(named), wanted)
        if options["dry_run"]:
            self.stdout.write(_("Nothing was changed."))
        if refused:
            raise SystemExit(1)

    def _generate(
        self, providers: Iterator[Any], number: int, wanted: dict[str, Any], passed_over: str = ""
    ) -> int:
        """Sum up what there was; how many were refused, which keeps nothing from the others."""
        created = existing = taken = refused = slots = 0
        for done, provider in enumerate(providers):

            def show(seen: int, done: int = done, before: int = slots) -> None:
                self._show_bar(done, number, before + seen)

            try:
                generated = generate_sessions(provider=provider, progress=show, **wanted)
            except BookingError as error:
                if error.code != passed_over:
                    refused += 1
                    self.stderr.write(f"{provider}: {error}")
                continue
            created += generated.created
            existing += generated.existing
            taken += len(generated.conflicts)
            slots = created + existing + taken
            self._say_conflicts(provider, generated)
        self._show_bar(number, number, slots, "\n")
        said = (
            ngettext("%(number)d session to create.", "%(number)d sessions to create.", created)
            if wanted["dry_run"]
            else ngettext("%(number)d session created.", "%(number)d sessions created.", created)
        )
        self.stdout.write(said % {"number": created})
        for said, count in (
            (ngettext("%(number)d was there.", "%(number)d were there.", existing), existing),
            (ngettext("%(number)d slot is taken.", "%(number)d slots are taken.", taken), taken),
        ):
            if count:
                self.stdout.write(said % {"number": count})
        return refused

    def _say_conflicts(self, provider: Any, generated: Generated) -> None:
        for conflict in generated.conflicts if self.is_talkative else ():
            start, end = map(timezone.localtime, (conflict.start_at, conflict.end_at))
            said = f"{provider}: {start:%Y-%m-%d %H:%M}–{end:%H:%M}, {conflict.reason}"
            self.stdout.write(said)

    def _show_bar(self, done: int, number: int, slots: int, ending: str = "\r") -> None:
        if not self.stderr.isatty():
            return
        filled = "#" * (BAR * done // max(number, 1))
        said = _("%(slots)d slots") % {"slots": slots}
        self.stderr.write(f"[{filled:<{BAR}}] {done}/{number}, {said}", ending=ending)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date. Write one as 2031-12-24.") from None


def _stored(setting: str, name: str, key: Any) -> Any:
    manager = apps.get_model(app_settings.model_label(setting))._default_manager
    try:
        return manager.get(pk=key)
    except (manager.model.DoesNotExist, ValueError, ValidationError, OverflowError):
        raise CommandError(
            _("There is no %(name)s %(key)s.") % {"name": name, "key": f"{key:.64}"}
        ) from None


def _tenant(service: Any, key: Any) -> Any:
    if key is None and app_settings.tenancy_enabled:
        key = getattr(service, "tenant_id", None)
    return None if key is None else _stored("TENANT_MODEL", "tenant", str(key))


def _providers(tenant: Any) -> Any:
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    names = {field.name for field in model._meta.get_fields()}
    providers = model._default_manager.order_by("pk")
    if tenant is not None and "tenant" in names:
        providers = providers.filter(tenant=tenant)
    return providers.filter(is_active=True) if "is_active" in names else providers


def _in_pages(tenant: Any) -> Iterator[Any]:
    """One page after the other, because a cursor would not outlive the transactions between."""
    providers = page = _providers(tenant)
    while found := list(page[:PAGE]):
        yield from found
        page = providers.filter(pk__gt=found[-1].pk)
