"""Sessions in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings import extensions
from bookings.admin.amounts import amount_column, length_column
from bookings.admin.booking_search import BookingSearchMixin
from bookings.admin.choices import RelatedFilter
from bookings.admin.display import user_column
from bookings.admin.filters import WhenFilter, WhenOrderingMixin
from bookings.admin.form_fields import initial_instant
from bookings.admin.own_providers import OwnProvidersMixin
from bookings.admin.related_search import provider_search_fields
from bookings.admin.service_forms import ServiceFormMixin
from bookings.admin.tenants import limit_searches_to, tenant_fields, tenant_filters
from bookings.admin.visibility import selectable_objects
from bookings.contrib.group_sessions.admin.attendance import AttendanceMixin
from bookings.contrib.group_sessions.admin.display import (
    currency_of,
    seats_bar,
    session_badge,
    with_counts,
)
from bookings.contrib.group_sessions.admin.forms import (
    DETAIL_FIELDS,
    OWNER_FIELDS,
    SEAT_FIELDS,
    TIME_FIELDS,
    WAITLIST_FIELDS,
    SessionForm,
)
from bookings.contrib.group_sessions.admin.generate import GenerateMixin
from bookings.contrib.group_sessions.admin.inlines import (
    SeatInline,
    SessionResourceInline,
    WaitlistInline,
)
from bookings.contrib.group_sessions.admin.seat_pages import SeatPagesMixin
from bookings.contrib.group_sessions.admin.steps import SessionStepsMixin
from bookings.contrib.group_sessions.admin.waitlist import WaitlistMixin, show_promotions
from bookings.contrib.group_sessions.models import Session, SessionResource
from bookings.models import Booking

RECORD_FIELDS = (
    ("created_at", user_column(Session, "created_by")),
    "updated_at",
    ("cancelled_at", "cancellation_reason"),
)

SEAT_PRICE = amount_column(Session, "price_amount", currency_of)
OFFER_LENGTH = length_column(Session, "waitlist_offer_minutes")


class SeatsFilter(admin.SimpleListFilter):
    """Filters sessions that take place by whether they are full."""

    title = pgettext_lazy("filter", "seats")
    parameter_name = "seats"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("free", _("Seats free")), ("full", _("Full"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        capacity = F("busy_interval__capacity")
        coming = queryset.filter(status__in=Session.ACTIVE_STATUSES)
        match self.value():
            case "free":
                return coming.filter(busy_interval__seats_taken__lt=capacity)
            case "full":
                return coming.filter(busy_interval__seats_taken__gte=capacity)
        return queryset


@admin.register(Session)
class SessionAdmin(
    ServiceFormMixin,
    SessionStepsMixin,
    AttendanceMixin,
    WaitlistMixin,
    SeatPagesMixin,
    GenerateMixin,
    BookingSearchMixin,
    WhenOrderingMixin,
    OwnProvidersMixin,
):
    """Every write is a service's. A session is cancelled, never deleted."""

    actions = None
    booking_path = "seats__booking"
    date_hierarchy = "start_at"
    inlines: ClassVar = [SessionResourceInline, SeatInline, WaitlistInline]
    search_help_text = _("Title, provider, or a booking's reference or client.")

    class Media:
        css: ClassVar = {"all": ["bookings_group_sessions/admin.css"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = ["name", "start_at", "provider", "service", *tenant_fields()]
        return [*columns, "seats", "queue_length", "state"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        related = [("provider", RelatedFilter), ("service", RelatedFilter)]
        return [WhenFilter, SeatsFilter, "status", *tenant_filters(), *related]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["title", *provider_search_fields(self.admin_site, Session, request)]

    def searchable_bookings(self, request: HttpRequest) -> QuerySet[Any]:
        return selectable_objects(self.admin_site, Booking, request)

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Return the order of the filter; without one, coming sessions before past ones.

        The coming session that starts next is first, then the past session that started last.
        """
        if request.GET.get(WhenFilter.parameter_name):
            return super().get_ordering(request)
        is_ahead = Q(end_at__gt=timezone.now())
        ahead = Case(When(is_ahead, then=F("start_at")))
        is_past = Case(When(is_ahead, then=Value(0)), default=Value(1))
        return [is_past.asc(), ahead.asc(), "-start_at", "-pk"]

    def rows_of_providers(self, keys: frozenset[Any]) -> Q:
        """Return the condition for the sessions that take the time of these providers."""
        as_resource = SessionResource.objects.filter(provider__in=keys)
        return super().rows_of_providers(keys) | Q(pk__in=as_resource.values("session"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        related = ("service", "provider", "tenant", "busy_interval")
        return with_counts(super().get_queryset(request)).select_related(*related)

    @admin.display(description=_("title"), ordering="title")
    def name(self, session: Session) -> str:
        return session.title or str(session.service)

    @admin.display(description=_("seats taken"), ordering="booked")
    def seats(self, session: Any) -> SafeString:
        return seats_bar(session.booked, session.capacity)

    @admin.display(description=pgettext_lazy("how many wait", "waiting"), ordering="waiting")
    def queue_length(self, session: Any) -> str:
        return f"{session.waiting}" if session.waiting or session.enable_waitlist else "–"

    @admin.display(description=_("status"), ordering="status")
    def state(self, session: Session) -> SafeString:
        return session_badge(session, timezone.now())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def is_editable(self, request: HttpRequest, obj: Any) -> bool:
        return obj is None or (obj.is_active and self.has_change_permission(request, obj))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        state = () if obj is None else ("state", "seats")
        is_editable = self.is_editable(request, obj)
        version = ("version",) if obj is not None and is_editable else ()
        seats = SEAT_FIELDS if is_editable else ("capacity", SEAT_PRICE)
        waitlist = WAITLIST_FIELDS if is_editable else ("enable_waitlist", OFFER_LENGTH)
        resources = ("resources",) if is_editable else ()
        names = ("service", "provider", "title", *TIME_FIELDS, *resources, *version)
        record = {"fields": RECORD_FIELDS, "classes": ("collapse",)}
        return [
            (None, {"fields": (*state, *tenant_fields(), *names)}),
            (_("Seats"), {"fields": (seats, "location", "meeting_link")}),
            (_("Waitlist"), {"fields": (waitlist,)}),
            *([] if obj is None else [(pgettext_lazy("what is on record", "Record"), record)]),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        names = flatten_fieldsets(self.get_fieldsets(request, obj))
        if not self.is_editable(request, obj):
            return tuple(names)
        editable = {"version", "provider", "resources", *TIME_FIELDS, *DETAIL_FIELDS}
        if obj is None:
            editable |= {*OWNER_FIELDS}
        return tuple(name for name in names if name not in editable)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        is_editable = self.is_editable(request, obj)
        kwargs.setdefault("form", SessionForm if is_editable else forms.ModelForm)
        form = super().get_form(request, obj, change, **kwargs)
        form.site, form.request = self.admin_site, request
        self.search_many(
            request,
            form,
            obj,
            "resources",
            foreign_key=SessionResource._meta.get_field("provider"),
        )
        if obj is not None:
            # The tenant of a session is no field of its form, so the script of the search boxes
            # cannot read it there.
            limit_searches_to(obj.tenant_id, form.base_fields.values())
        return form

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        if obj is None:
            return []
        inlines = super().get_inlines(request, obj)
        if not obj.resource_count:
            inlines = [each for each in inlines if not issubclass(each, SessionResourceInline)]
        if obj.enable_waitlist or obj.waitlist.exists():
            return [*inlines]
        return [inline for inline in inlines if not issubclass(inline, WaitlistInline)]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return initial | {
            name: initial_instant(initial[name]) for name in TIME_FIELDS if name in initial
        }

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if isinstance(form, SessionForm):
            written = form.write(self.get_actor(request))
            obj.pk, obj._state.adding = written.pk, False
            obj.copy_from(written)
            show_promotions(request, form.promoted_clients)

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        session = context["original"]
        if session is not None:
            context["version"] = self.version_of(session)
            context["open_steps"] = self.open_steps(request, session)
            context["related_links"] = [
                link
                for extension in extensions.registered()
                for link in extension.related_links(session, self.admin_site, request)
            ]
            context["seat_links"] = self.seat_links(request, session)
            if self.can_mark_attendance(request, session):
                context["attendance_url"] = self.page_url("attendance", session)
            if not self.is_editable(request, session):
                context |= {"show_save": False, "show_save_and_continue": False}
                context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)
