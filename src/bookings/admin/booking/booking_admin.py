"""Bookings in the admin."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings import extensions
from bookings.admin.attention import AttentionMixin
from bookings.admin.booking import fieldsets
from bookings.admin.booking.actions import ACTIONS
from bookings.admin.booking.forms import AddForm, DetailsForm, MoveForm
from bookings.admin.booking.inlines import (
    BookingAddonInline,
    BookingEventInline,
    BookingResourceInline,
)
from bookings.admin.booking.quick_entry import CLIENT_VALUES, QuickEntryMixin, phone_pattern
from bookings.admin.booking.steps import STEPS
from bookings.admin.calendar.drag import DragMixin
from bookings.admin.calendar.view import CalendarMixin
from bookings.admin.choices import AutocompleteSelect, RelatedFilter, with_key
from bookings.admin.display import booking_heading, status_badge
from bookings.admin.filters import WhenFilter, WhenOrderingMixin
from bookings.admin.form_errors import stale_message
from bookings.admin.form_fields import initial_instant
from bookings.admin.own_providers import OwnProvidersMixin
from bookings.admin.question_fields import (
    FIELD_PREFIX,
    QuestionsForm,
    answers_list,
    field_names,
    questions_for_staff,
    with_questions,
)
from bookings.admin.related_search import RelatedSearchMixin
from bookings.admin.service_forms import ServiceFormMixin
from bookings.admin.steps import Step, StepOutcome, StepsMixin
from bookings.admin.tenants import (
    TenantSearchWidget,
    limit_searches_to,
    tenant_fields,
    tenant_filters,
)
from bookings.admin.visibility import selectable_objects
from bookings.exceptions import StaleBooking
from bookings.models import Booking, BookingAddon, BookingResource
from bookings.questions import Question, values_of
from bookings.rules.money import format_amount
from bookings.services.offered_providers import may_restrict_providers


class WaitingFilter(admin.SimpleListFilter):
    """Filter bookings by who has to act on them next: the provider, the client or staff."""

    title = pgettext_lazy("filter", "waiting for")
    parameter_name = "waiting"

    ORDERINGS: ClassVar[dict[str, list[str]]] = {
        "approval": ["requested_at", "pk"],
        "client": ["delivered_at", "pk"],
        "hold": ["expires_at", "pk"],
        "overdue": ["end_at", "pk"],
    }
    """The order of rows for each choice: who waits longest is first, or what ends soonest."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("approval", _("Approval")),
            ("client", _("The client's confirmation")),
            ("hold", _("The client, during a hold")),
            ("overdue", _("Somebody to say what became of it")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        match self.value():
            case "approval":
                return queryset.filter(pk__in=Booking.objects.awaiting_approval().values("pk"))
            case "client":
                return queryset.filter(pk__in=Booking.objects.awaiting_confirmation().values("pk"))
            case "hold":
                return queryset.filter(pk__in=Booking.objects.holds().values("pk"))
            case "overdue":
                return queryset.filter(status__in=Booking.ACTIVE_STATUSES, end_at__lte=now)
        return queryset


@admin.register(Booking)
class BookingAdmin(
    ServiceFormMixin,
    StepsMixin,
    DragMixin,
    CalendarMixin,
    AttentionMixin,
    QuickEntryMixin,
    WhenOrderingMixin,
    RelatedSearchMixin,
    OwnProvidersMixin,
):
    """Every write is a service's. A booking is cancelled, never deleted."""

    actions = list(ACTIONS)  # noqa: RUF012 - as ModelAdmin declares it
    steps = STEPS
    date_hierarchy = "start_at"
    inlines: ClassVar = [BookingResourceInline, BookingAddonInline, BookingEventInline]
    list_display: Any = (
        *("reference", "start_at", "state", "client_name", "service", "provider", "total"),
        *tenant_fields(),
    )
    list_filter: ClassVar[Any] = (
        *(WhenFilter, WaitingFilter, "status"),
        *tenant_filters(),
        *(("provider", RelatedFilter), ("service", RelatedFilter)),
    )
    list_select_related: ClassVar[Any] = ("service", "provider", "tenant")
    search_fields = (
        *("reference", "client_name", "client_email", "client_phone"),
        *("service_name", "provider_name"),
    )
    search_help_text = _(
        "Reference, the client's name, e-mail address or phone number, the service or the provider."
    )

    @admin.display(description=_("status"), ordering="status")
    def state(self, booking: Booking) -> SafeString:
        """Return the status; of a hold, also until when it holds its time."""
        if booking.status != Booking.Status.PENDING or booking.expires_at is None:
            return status_badge(booking)
        has_expired = booking.expires_at <= timezone.now()
        text = _("ran out %(time)s") if has_expired else _("until %(time)s")
        until = text % {"time": localize(timezone.localtime(booking.expires_at))}
        return format_html(
            '{} <small class="bookings-until">{}</small>', status_badge(booking), until
        )

    @admin.display(description=_("total"), ordering="total_amount")
    def total(self, booking: Booking) -> str:
        if booking.total_amount is None:
            return "–"
        return f"{format_amount(booking.total_amount, booking.currency)} {booking.currency}"

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Return the order of the list; of what waits for somebody, the most urgent is first."""
        waiting = request.GET.get(WaitingFilter.parameter_name, "")
        return WaitingFilter.ORDERINGS.get(waiting) or super().get_ordering(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search, for a phone number in any spelling too."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if pattern := phone_pattern(search_term):
            found |= queryset.filter(client_phone__iregex=pattern)
        return found, may_have_duplicates

    def rows_of_providers(self, keys: frozenset[Any]) -> Q:
        """Return the condition for the bookings that take the time of these providers."""
        as_resource = BookingResource.objects.filter(provider__in=keys)
        return super().rows_of_providers(keys) | Q(pk__in=as_resource.values("booking"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("answers"))
    def answered(self, booking: Booking) -> SafeString | str:
        """Return the stored answers, with the questions as they were asked."""
        return answers_list(booking.answers)

    def get_questions(self, request: HttpRequest, obj: Any = None) -> tuple[Question, ...]:
        """Return the questions to ask on the page of a booking, or of one that is being made.

        Those of a new booking are known once its service is chosen.
        """
        key = None if obj is None else obj.pk
        known: dict[Any, tuple[Question, ...]] = request.__dict__.setdefault("_questions", {})
        if key not in known:
            service = obj.service if obj is not None else self._chosen_service(request)
            known[key] = () if service is None else questions_for_staff(service)
        return known[key]

    def _chosen_service(self, request: HttpRequest) -> Any:
        key = request.POST.get("service") or request.GET.get("service")
        model: Any = Booking._meta.get_field("service").related_model
        services = selectable_objects(self.admin_site, model, request)
        return with_key(services, key).first() if key else None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        names = field_names(self.get_questions(request, obj))
        if obj is None:
            return fieldsets.add_fieldsets(names)
        if not self.has_change_permission(request, obj):
            return fieldsets.view_fieldsets(["answered"] if obj.answers else [], obj)
        if {f"{FIELD_PREFIX}{name}" for name in values_of(obj)} - {*names}:
            # Something was asked that is not asked any more.
            names = [*names, "answered"]
        return fieldsets.change_fieldsets(names, obj, is_movable=self.is_movable(obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            editable = fieldsets.EDITABLE_WHEN_NEW
        elif not self.has_change_permission(request, obj):
            editable = frozenset()
        elif self.is_movable(obj):
            editable = fieldsets.EDITABLE_WHILE_ACTIVE
        else:
            editable = fieldsets.EDITABLE_ONCE_OVER
        editable |= {*field_names(self.get_questions(request, obj))}
        names = flatten_fieldsets(self.get_fieldsets(request, obj))
        own = [
            name
            for name in super().get_readonly_fields(request, obj)
            if obj is not None or name not in fieldsets.NEEDED_WHEN_NEW
        ]
        return [*own, *(name for name in names if name not in {*own, *editable})]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        base: Any = kwargs.get("form") or self.choose_form(request, obj)
        if issubclass(base, QuestionsForm):
            base = with_questions(base, self.get_questions(request, obj))
        # As Django does for the fields that are declared on ``self.form``.
        read_only = set(self.get_readonly_fields(request, obj))
        hidden = dict.fromkeys(read_only & base.declared_fields.keys())
        kwargs["form"] = type(base.__name__, (base,), hidden) if hidden else base
        form = super().get_form(request, obj, change, **kwargs)
        form.site, form.request = self.admin_site, request
        self.search_many(
            request,
            form,
            obj,
            "addons",
            foreign_key=BookingAddon._meta.get_field("addon"),
            queryset=self.get_addons_queryset(request),
        )
        self.search_many(
            request,
            form,
            obj,
            "resources",
            foreign_key=BookingResource._meta.get_field("provider"),
        )
        if obj is not None:
            # The tenant of a booking is no field of its form, so the script of the search boxes
            # cannot read it there.
            limit_searches_to(obj.tenant_id, form.base_fields.values(), service=obj.service_id)
        return form

    def search_widget(self, db_field: Any, request: HttpRequest, using: Any) -> Any:
        """Let the search box for the provider say who does not offer the service."""
        widget = super().search_widget(db_field, request, using)
        if db_field.name != "provider" or not may_restrict_providers():
            return widget
        if type(widget) is AutocompleteSelect:
            widget = self.own_search_widget(db_field, using)
        if isinstance(widget, TenantSearchWidget):
            widget.is_for_service = True
        return widget

    def choose_form(self, request: HttpRequest, obj: Any = None) -> type[Any]:
        """Return the form of the page. The ``form`` of a subclass goes before ours, as a mixin."""
        if obj is None:
            chosen: type[Any] = AddForm
        elif not self.has_change_permission(request, obj):
            chosen = forms.ModelForm
        else:
            chosen = MoveForm if self.is_movable(obj) else DetailsForm
        if self.form is forms.ModelForm:
            return chosen
        return type(self.form.__name__, (self.form, chosen), {})

    def is_movable(self, obj: Any) -> bool:
        """Return whether the page changes when the booking is. A seat is when its session is."""
        return bool(obj.holds_time) and not obj.is_in_session

    def get_addons_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the add-ons to choose from."""
        addon: Any = BookingAddon._meta.get_field("addon").related_model
        return selectable_objects(self.admin_site, addon, request)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        if obj is None:
            return []
        of_extensions = [
            inline
            for extension in extensions.registered()
            for inline in extension.booking_inlines()
        ]
        inlines = [*super().get_inlines(request, obj)]
        if not obj.resource_count:
            inlines = [inline for inline in inlines if inline is not BookingResourceInline]
        added = [inline for inline in of_extensions if inline not in inlines]
        # Before the history, wherever a host's subclass puts that.
        place = inlines.index(BookingEventInline) if BookingEventInline in inlines else len(inlines)
        return [*inlines[:place], *added, *inlines[place:]]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        if "start_at" in initial:
            initial["start_at"] = initial_instant(initial["start_at"])
        return initial

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any = None, change: bool = False
    ) -> None:
        """Save by the services that the form calls; without such a form, validate and save."""
        write = getattr(form, "write", None)
        if write is None:
            obj.full_clean()
            obj.save()
        else:
            obj.copy_from(write(self.get_actor(request)))

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        booking = context["original"]
        if booking is None:
            context["clients_url"] = self.page_url("clients")
            context["starts_url"] = self.page_url("starts")
        else:
            if self.has_add_permission(request):
                context["again_url"] = self.again_url(booking)
            context["title"] = booking_heading(booking)
            context["open_steps"] = self.open_steps(request, booking)
            context["version"] = self.version_of(booking)
            context["related_links"] = [
                link
                for extension in extensions.implementing("related_links")
                for link in extension.related_links(booking, self.admin_site, request)
            ]
        if context["adminform"].form.errors:
            _offer_exceptions(context["adminform"])
        return super().render_change_form(request, context, *args, **kwargs)

    def again_url(self, booking: Any) -> str:
        """Return the address of the form for a new booking of the same client and service."""
        names = ("tenant", "service", "provider")
        keys = {name: getattr(booking, f"{name}_id") for name in names}
        client = {name: getattr(booking, name) for name in CLIENT_VALUES}
        values = {name: value for name, value in {**keys, **client}.items() if value}
        return f"{self.page_url('add')}?{urlencode(values)}"

    def version_of(self, obj: Any) -> str:
        return str(obj.version)

    def step_notes(self, request: HttpRequest, step: Step, obj: Any) -> list[str]:
        if step.name != "cancel":
            return []
        return [
            note
            for extension in extensions.implementing("cancellation_notes")
            for note in extension.cancellation_notes(
                [obj], by="client", site=self.admin_site, request=request
            ).get(obj.pk, ())
        ]

    def take_step(
        self, request: HttpRequest, step: Step, obj: Any, *, version: str | None, **values: Any
    ) -> StepOutcome:
        expected_version = None if version is None else _parse_version(version)
        if step.is_done_for(obj):
            return StepOutcome(is_new=False)
        actor = self.get_actor(request)
        step.service(obj, actor=actor, expected_version=expected_version, **values)
        self.log_change(request, obj, f"{step.result_text(obj)}.")
        return StepOutcome(is_new=True)


def _offer_exceptions(adminform: Any) -> None:
    """Open the fieldset in which staff override rules, and put it first, below the refusal."""
    exceptions = [one for one in adminform.fieldsets if one[0] == fieldsets.EXCEPTIONS]
    others = [one for one in adminform.fieldsets if one[0] != fieldsets.EXCEPTIONS]
    opened = [(name, {**options, "classes": ()}) for name, options in exceptions]
    adminform.fieldsets = [*opened, *others]


def _parse_version(text: str) -> int:
    """Return the submitted version; raise ``StaleBooking`` if it is not a number."""
    try:
        return int(text)
    except ValueError:
        raise StaleBooking(stale_message()) from None
