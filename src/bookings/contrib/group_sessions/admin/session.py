"""Sessions in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.chronological import Chronological
from bookings.admin.filters import WhenFilter
from bookings.admin.refused import Refusing
from bookings.admin.relations import HostSearch, provider_search
from bookings.admin.start import from_link
from bookings.admin.tenants import TenantFilter, search_tenant
from bookings.conf import app_settings
from bookings.contrib.group_sessions.admin import form as session_form
from bookings.contrib.group_sessions.admin.attendance import AttendancePage
from bookings.contrib.group_sessions.admin.filters import SeatsFilter
from bookings.contrib.group_sessions.admin.form import SessionForm
from bookings.contrib.group_sessions.admin.generate import GeneratePage
from bookings.contrib.group_sessions.admin.inlines import SeatInline, WaitlistInline
from bookings.contrib.group_sessions.admin.lifecycle import Lifecycle
from bookings.contrib.group_sessions.admin.promoted import tell_promoted
from bookings.contrib.group_sessions.admin.seats import SeatPages
from bookings.contrib.group_sessions.admin.seen import mark_of
from bookings.contrib.group_sessions.admin.shown import seats_bar, session_badge, with_numbers
from bookings.contrib.group_sessions.admin.waitlist import WaitlistButtons
from bookings.contrib.group_sessions.models import Session

RECORD = (("created_at", "created_by"), "updated_at", ("cancelled_at", "cancellation_reason"))

Belonging: TypeAlias = Callable[
    [admin.AdminSite, HttpRequest, Session], tuple[str, SafeString] | None
]
"""A label, and a link to what the session is part of; ``None`` where it is part of nothing."""


@admin.register(Session)
class SessionAdmin(
    Refusing,
    Lifecycle,
    AttendancePage,
    WaitlistButtons,
    SeatPages,
    GeneratePage,
    Chronological,
    HostSearch,
):
    """Every write is a service's; a session is cancelled, never deleted."""

    actions = None
    date_hierarchy = "start_at"
    inlines: ClassVar = [SeatInline, WaitlistInline]
    belongs_to: ClassVar[list[Belonging]] = []
    """What other apps say of a session on its page."""
    search_help_text = _("Title, provider, or a booking's reference or client.")

    class Media:
        css: ClassVar = {"all": ["bookings/admin.css", "bookings_group_sessions/admin.css"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        tenant = ["tenant"] if app_settings.tenancy_enabled else []
        columns = ["name", "start_at", "provider", "service", *tenant]
        return [*columns, "seats", "waits", "state"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        tenant = [("tenant", TenantFilter)] if app_settings.tenancy_enabled else []
        return [WhenFilter, SeatsFilter, "status", *tenant, "provider", "service"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        booking = "seats__booking__"
        client = [f"{booking}{name}" for name in ("reference", "client_name", "client_email")]
        return ["title", *provider_search(self.admin_site, Session, request), *client]

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """What comes next first, and after what is still to come what was last."""
        if request.GET.get(WhenFilter.parameter_name):
            return super().get_ordering(request)
        is_ahead = Q(end_at__gt=timezone.now())
        ahead = Case(When(is_ahead, then=F("start_at")))
        is_over = Case(When(is_ahead, then=Value(0)), default=Value(1))
        return [is_over.asc(), ahead.asc(), "-start_at", "-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        related = ("service", "provider", "tenant", "busy_interval")
        return with_numbers(super().get_queryset(request)).select_related(*related)

    @admin.display(description=_("title"), ordering="title")
    def name(self, session: Session) -> str:
        return session.title or str(session.service)

    @admin.display(description=_("seats taken"), ordering="booked")
    def seats(self, session: Any) -> SafeString:
        return seats_bar(session.booked, session.capacity)

    @admin.display(description=pgettext_lazy("how many wait", "waiting"), ordering="waiting")
    def waits(self, session: Any) -> str:
        return f"{session.waiting}" if session.waiting or session.enable_waitlist else "–"

    @admin.display(description=_("status"), ordering="status")
    def state(self, session: Session) -> SafeString:
        return session_badge(session, timezone.now())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def is_editable(self, request: HttpRequest, obj: Any) -> bool:
        return obj is None or (obj.is_coming and self.has_change_permission(request, obj))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        tenant = ("tenant",) if app_settings.tenancy_enabled else ()
        about = () if obj is None else ("state", "seats")
        seen = ("seen",) if obj is not None and self.is_editable(request, obj) else ()
        what = (*about, *tenant, "service", "provider", "title", *session_form.TIMES, *seen)
        record = {"fields": RECORD, "classes": ("collapse",)}
        return [
            (None, {"fields": what}),
            (_("Seats"), {"fields": (session_form.SEATS, "meeting_link")}),
            (_("Waitlist"), {"fields": (session_form.WAITLIST,)}),
            *([] if obj is None else [(pgettext_lazy("what is on record", "Record"), record)]),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        if not self.is_editable(request, obj):
            return tuple(shown)
        written = {"seen", "provider", *session_form.TIMES, *session_form.DETAILS}
        owner = session_form.OWNER if obj is None else ()
        return tuple(name for name in shown if name not in {*written, *owner})

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        is_editable = self.is_editable(request, obj)
        kwargs.setdefault("form", SessionForm if is_editable else forms.ModelForm)
        form = super().get_form(request, obj, change, **kwargs)
        if obj is not None:
            # The tenant of a session is no field of its form, so the search cannot read it there.
            search_tenant(form.base_fields.values(), obj.tenant_id)
        return form

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        if obj is None:
            return []
        has_queue = obj.enable_waitlist or obj.waitlist.exists()
        inlines = super().get_inlines(request, obj)
        return [row for row in inlines if has_queue or not issubclass(row, WaitlistInline)]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        times = {name: from_link(initial[name]) for name in session_form.TIMES if name in initial}
        return initial | times

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if isinstance(form, SessionForm):
            written = form.write(self.get_actor(request))
            obj.pk, obj._state.adding = written.pk, False
            obj.take_over(written)
            tell_promoted(request, form.promoted)

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        session = context["original"]
        if session is not None:
            context["seen"] = mark_of(session)
            context["session_steps"] = self.open_steps(request, session)
            said = [tell(self.admin_site, request, session) for tell in self.belongs_to]
            context["belongs_to"] = [each for each in said if each is not None]
            context["seat_links"] = self.seat_links(request, session)
            if self.has_attendance(request, session):
                context["attendance_url"] = self.page_url("attendance", session)
            if not self.is_editable(request, session):
                context |= {"show_save": False, "show_save_and_continue": False}
                context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)
