"""The page on which staff publish a weekly class: a series of sessions.

Import it only where the app of sessions is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any, ClassVar, Final
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import router, transaction
from django.db.models import QuerySet
from django.forms.models import modelform_factory
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bookings import extensions
from bookings.admin.base import BaseAdmin, posted_data
from bookings.admin.conflicts import list_in_the_way
from bookings.admin.form_errors import error_message
from bookings.admin.form_fields import DayInput, InstantField, time_zone_help
from bookings.admin.generic_bases import ModelAdmin
from bookings.admin.tenants import tenant_fields
from bookings.admin.visibility import can_view, refuse_hidden, registered_admin, visible_objects
from bookings.contrib.group_sessions.admin.forms import DETAIL_FIELDS, SessionDetailsForm
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.series.exceptions import InvalidRecurrence, SeriesConflict, Skipped
from bookings.contrib.series.models import Series
from bookings.contrib.series.recurrences import DEFAULT_LIMIT, HORIZON_YEARS, YEARS
from bookings.contrib.series.services import SeriesResult, create_session_series
from bookings.exceptions import BookingError, IdempotencyKeyReused
from bookings.rules import instants
from bookings.rules.lengths import ONE_MINUTE

MAX_SKIPPED: Final = 10
"""How many starts that are not possible a message lists."""

TEMPLATE: Final = "admin/bookings_series/series/publish.html"


class PublishForm(SessionDetailsForm):
    site: ClassVar[admin.AdminSite]
    request: ClassVar[HttpRequest]
    required_css_class = "required"

    form_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    start_at = InstantField(label=gettext_lazy("First start"))
    interval = forms.IntegerField(
        label=gettext_lazy("Every so many weeks"), initial=1, min_value=1, max_value=52
    )
    count = forms.IntegerField(
        label=gettext_lazy("How many times"),
        initial=10,
        min_value=1,
        max_value=DEFAULT_LIMIT,
        required=False,
    )
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=DayInput(),
        help_text=gettext_lazy("The last day, in place of a number of times."),
    )
    skip = forms.BooleanField(
        label=gettext_lazy("Leave out starts that are not possible"),
        required=False,
        help_text=gettext_lazy("Otherwise nothing is published if one of them is taken."),
    )
    field_order = (
        *("tenant", "service", "provider", "start_at"),
        *("interval", "count", "until", "skip"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["start_at"].help_text = time_zone_help()

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if not values.get("until") and not values.get("count") and not self.errors:
            self.add_error("count", _("Say how many times, or until when."))
        first, last = values.get("start_at"), values.get("until")
        if first and last:
            if last < timezone.localtime(first).date():
                self.add_error("until", _("The last day must not be before the first start."))
            elif not YEARS[0] <= last.year <= YEARS[1]:
                text = _("The last day must lie between the years %(first)d and %(last)d.")
                self.add_error("until", text % {"first": YEARS[0], "last": YEARS[1]})
        return values

    def as_form_error(self, error: BookingError) -> ValidationError:
        if isinstance(error, IdempotencyKeyReused):
            return ValidationError(
                _("This form has published these sessions before. Open a new form to publish more.")
            )
        if isinstance(error, SeriesConflict):
            text = _("Not all starts are possible. Change them, or leave these out:")
            return ValidationError(
                {"start_at": [format_html("{} {}", text, self.listed(error.skipped))]}
            )
        if isinstance(error, InvalidRecurrence):
            # A weekly rule with a valid end can only go on for too long.
            text = _(
                "That goes on for too long: a class has %(count)d sessions at most, within "
                "%(years)d years. Publish fewer of them."
            )
            field = "until" if self.cleaned_data["until"] else "count"
            return ValidationError(
                {field: [text % {"count": DEFAULT_LIMIT, "years": HORIZON_YEARS}]}
            )
        return super().as_form_error(error)

    def listed(self, skipped: tuple[Skipped, ...]) -> SafeString:
        """Return the starts that are not possible, each with the reason and what is in the way."""
        shown = skipped[:MAX_SKIPPED]
        lines = (
            (
                date_format(timezone.localtime(item.start_at), "DATETIME_FORMAT"),
                error_message(item.error),
                self._in_the_way(item),
            )
            for item in shown
        )
        rest = len(skipped) - len(shown)
        more = format_html('<div role="listitem">… (+{})</div>', rest) if rest else ""
        items = format_html_join("", '<div role="listitem">{} · {} {}</div>', lines)
        return format_html('<div class="bookings-conflicts" role="list">{}{}</div>', items, more)

    def _in_the_way(self, item: Skipped) -> SafeString:
        service, provider = self.cleaned_data["service"], self.cleaned_data["provider"]
        length = service.duration_minutes * ONE_MINUTE
        return list_in_the_way(
            *(self.site, self.request, item.error),
            service=service,
            providers=[provider],
            start_at=item.start_at,
            end_at=instants.add_elapsed(item.start_at, length),
        )

    def publish(self, actor: Any, check: Callable[[QuerySet[Any]], None]) -> SeriesResult | None:
        """Publish the sessions; return ``None`` if the form has an error now.

        ``check`` is called with the new sessions, and may raise a ``BookingError``.
        """
        values: dict[str, Any] = dict(self.cleaned_data)
        tenant, provider = values.get("tenant"), values["provider"]
        zone = zone_name(provider, tenant)
        using = router.db_for_write(Session)
        try:
            with transaction.atomic(using=using):
                result = create_session_series(
                    rrule=self._rrule(values),
                    timezone=zone,
                    start_at=values["start_at"],
                    service=values["service"],
                    provider=provider,
                    tenant=tenant,
                    on_conflict="skip" if values["skip"] else "refuse",
                    idempotency_key=f"admin:{values['form_key']}",
                    created_by=actor,
                    **{name: values[name] for name in DETAIL_FIELDS},
                )
                keys = [session.pk for session in result.sessions]
                check(Session._base_manager.using(using).filter(pk__in=keys))
                return result
        except BookingError as error:
            self.add_error(None, self.as_form_error(error))
            return None

    @staticmethod
    def _rrule(values: dict[str, Any]) -> str:
        rule = f"FREQ=WEEKLY;INTERVAL={values['interval']}"
        if not values["until"]:
            return f"{rule};COUNT={values['count']}"
        # To the end of that day, of which the start is written too.
        last = timezone.localtime(values["start_at"]).replace(
            year=values["until"].year, month=values["until"].month, day=values["until"].day
        )
        last = last.replace(hour=23, minute=59, second=59, microsecond=0)
        return f"{rule};UNTIL={last.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def zone_name(provider: Any, tenant: Any) -> str:
    """Return the zone whose clocks the class follows: the provider's, else the current one."""
    key = None if tenant is None else tenant.pk
    zone = extensions.time_zones([provider], tenant_id=key).get(provider.pk)
    return getattr(zone, "key", None) or timezone.get_current_timezone_name()


def session_admin(site: admin.AdminSite, request: HttpRequest) -> ModelAdmin | None:
    """Return the admin of sessions, if this user may add sessions there."""
    sessions = registered_admin(site, Session)
    if sessions is None or not sessions.has_add_permission(request):
        return None
    return sessions


def publish_url(site: admin.AdminSite) -> str:
    return reverse("admin:bookings_series_series_publish", current_app=site.name)


def publish_view(series_admin: BaseAdmin, request: HttpRequest) -> HttpResponse:
    sessions = session_admin(series_admin.admin_site, request)
    if sessions is None:
        raise PermissionDenied
    form = publish_form(sessions, request)(posted_data(request))
    if form.is_valid():
        check = partial(refuse_hidden, sessions, request)
        result = form.publish(series_admin.get_actor(request), check)
        if result is not None:
            text = _tell(request, form, result)
            if not result.is_replay:
                series_admin.log_addition(request, result.series, text)
            return HttpResponseRedirect(_next_url(series_admin, request, result.series))
    return series_admin.render_page(
        request, TEMPLATE, title=_("Publish a weekly class"), media=form.media, form=form
    )


def publish_form(sessions: ModelAdmin, request: HttpRequest) -> Any:
    form: Any = modelform_factory(
        Session,
        form=PublishForm,
        fields=(*tenant_fields(), "service", "provider", *DETAIL_FIELDS),
        formfield_callback=partial(sessions.formfield_for_dbfield, request=request),
    )
    form.site, form.request = sessions.admin_site, request
    for field in form.base_fields.values():
        if isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
    return form


def _next_url(series_admin: BaseAdmin, request: HttpRequest, series: Series) -> str:
    """Return the page of the series, the list of sessions or the index: what the user may see."""
    site = series_admin.admin_site
    visible = visible_objects(site, Series, request).using(series._state.db)
    if visible.filter(pk=series.pk).exists():
        return series_admin.page_url("change", series)
    name = "bookings_group_sessions_session_changelist"
    return reverse(
        f"admin:{name if can_view(site, Session, request) else 'index'}", current_app=site.name
    )


def _tell(request: HttpRequest, form: PublishForm, result: SeriesResult) -> str:
    """Say in messages what was made and what was left out; return the first."""
    count = len(result.sessions)
    text = ngettext("%(count)d session was made.", "%(count)d sessions were made.", count)
    text %= {"count": count}
    messages.success(request, text)
    if result.skipped:
        refused = _("These starts were not possible:")
        messages.warning(request, format_html("{} {}", refused, form.listed(result.skipped)))
    return text
