"""Actions on schedules, each after a page that asks for the dates or the providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from bookings.admin.base import action_fields, answer_data, submit
from bookings.admin.choices import ObjectsField
from bookings.admin.conflicts import conflict_list
from bookings.admin.form_fields import DayInput
from bookings.admin.related_search import RelatedSearchMixin
from bookings.admin.visibility import refuse_hidden, selectable_objects
from bookings.contrib.schedule.admin.display import schedule_name, warn_of_bookings_outside_hours
from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.outside_hours import upcoming_bookings
from bookings.contrib.schedule.services import add_closures, copy_schedule, remove_closures

Action = Callable[[RelatedSearchMixin, HttpRequest, "QuerySet[Schedule]"], HttpResponse | None]


class ActionForm(forms.Form):
    """A question about schedules. Its subclasses call a service in ``apply()``."""

    required_css_class = "required"

    title: ClassVar[Any]
    button: ClassVar[Any]
    apply: Callable[[], None]
    """Call the service with the answer, and show a message. May raise a ``BookingError``."""

    def __init__(
        self,
        data: Any,
        *,
        model_admin: RelatedSearchMixin,
        request: HttpRequest,
        schedules: list[Schedule],
    ) -> None:
        super().__init__(data)
        self.model_admin, self.request, self.schedules = model_admin, request, schedules


class DatesForm(ActionForm):
    first_date = forms.DateField(label=gettext_lazy("First day"), widget=DayInput())
    last_date = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=DayInput(),
        help_text=gettext_lazy("Empty for one day."),
    )

    def dates(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("first_date", "last_date")}


class CloseDatesForm(DatesForm):
    title = pgettext_lazy("action on schedules", "Close dates")
    button = pgettext_lazy("action on schedules", "Close")
    reason = DateOverride._meta.get_field("reason").formfield()

    def apply(self) -> None:
        closures = add_closures(
            schedules=self.schedules, reason=self.cleaned_data["reason"], **self.dates()
        )
        count = len(closures.overrides)
        text = ngettext("%(count)d day was closed.", "%(count)d days were closed.", count)
        messages.success(self.request, text % {"count": count})
        if closures.bookings:
            count = len(closures.bookings)
            text = ngettext(
                "%(count)d booking lies on a closed day. Move it, or keep it.",
                "%(count)d bookings lie on closed days. Move them, or keep them.",
                count,
            )
            site = self.model_admin.admin_site
            conflicts = conflict_list(site, self.request, closures.bookings)
            messages.warning(self.request, format_html("{} {}", text % {"count": count}, conflicts))


class OpenDatesForm(DatesForm):
    title = pgettext_lazy("action on schedules", "Open closed dates again")
    button = pgettext_lazy("action on schedules", "Open again")

    def apply(self) -> None:
        count = remove_closures(schedules=self.schedules, **self.dates())
        text = ngettext("%(count)d closure was removed.", "%(count)d closures were removed.", count)
        messages.success(self.request, text % {"count": count})


class CopyForm(ActionForm):
    title = pgettext_lazy("action on schedules", "Copy to providers")
    button = pgettext_lazy("action on schedules", "Copy")
    providers: Any = ObjectsField(queryset=None, label=gettext_lazy("Providers"))
    replace = forms.BooleanField(
        required=False,
        label=gettext_lazy("Replace the schedules that they have"),
        help_text=gettext_lazy("Their hours, and their dates that are different, are lost."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        provider_key: Any = Schedule._meta.get_field("provider")
        providers: Any = self.fields["providers"]
        providers.widget = self.model_admin.search_many_widget(provider_key, self.request)
        providers.queryset = selectable_objects(
            self.model_admin.admin_site, provider_key.related_model, self.request
        )
        if not self.model_admin.has_change_permission(self.request):
            del self.fields["replace"]

    def apply(self) -> None:
        using = router.db_for_write(Schedule)
        rows: QuerySet[Schedule] = QuerySet(Schedule, using=using)
        providers = self.cleaned_data["providers"]
        with transaction.atomic(using=using):
            # What is replaced has to be the user's own, and so has what is written.
            refuse_hidden(self.model_admin, self.request, rows.filter(provider__in=providers))
            copies = copy_schedule(
                schedule=self.schedules[0],
                providers=providers,
                replace=self.cleaned_data.get("replace", False),
            )
            keys = [copied.pk for copied in copies]
            refuse_hidden(self.model_admin, self.request, rows.filter(pk__in=keys))
        count = len(copies)
        text = ngettext(
            "The schedule was copied to %(count)d provider.",
            "The schedule was copied to %(count)d providers.",
            count,
        )
        messages.success(self.request, text % {"count": count})
        site, bookings = self.model_admin.admin_site, upcoming_bookings(copies)
        warn_of_bookings_outside_hours(site, self.request, bookings)


def ask_and_apply(
    model_admin: RelatedSearchMixin,
    request: HttpRequest,
    queryset: QuerySet[Schedule],
    form_class: type[ActionForm],
    action: str,
) -> HttpResponse | None:
    """Return the page that asks, until there is an answer that the service accepts."""
    schedules = list(queryset)
    form = form_class(
        answer_data(request), model_admin=model_admin, request=request, schedules=schedules
    )
    if submit(form, form.apply):
        for schedule in schedules:
            model_admin.log_change(request, schedule, f"{form.title}")
        return None
    return model_admin.render_question(
        request,
        form,
        [schedule_name(schedule) for schedule in schedules],
        title=form.title,
        button=form.button,
        hidden=action_fields(action, schedules),
    )


@admin.action(
    permissions=["change"],
    description=pgettext_lazy("action on schedules", "Close dates of selected schedules…"),
)
def close_dates(
    model_admin: RelatedSearchMixin, request: HttpRequest, queryset: QuerySet[Schedule]
) -> HttpResponse | None:
    return ask_and_apply(model_admin, request, queryset, CloseDatesForm, "close_dates")


@admin.action(
    permissions=["change"],
    description=pgettext_lazy("action on schedules", "Open closed dates of selected schedules…"),
)
def open_dates(
    model_admin: RelatedSearchMixin, request: HttpRequest, queryset: QuerySet[Schedule]
) -> HttpResponse | None:
    return ask_and_apply(model_admin, request, queryset, OpenDatesForm, "open_dates")


@admin.action(
    permissions=["add"],
    description=pgettext_lazy("action on schedules", "Copy the selected schedule to providers…"),
)
def copy_to_providers(
    model_admin: RelatedSearchMixin, request: HttpRequest, queryset: QuerySet[Schedule]
) -> HttpResponse | None:
    if queryset.count() != 1:
        messages.error(request, _("Select one schedule: the one to be copied."))
        return None
    return ask_and_apply(model_admin, request, queryset, CopyForm, "copy_to_providers")


ACTIONS: Final[list[Action]] = [close_dates, open_dates, copy_to_providers]
