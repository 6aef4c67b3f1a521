"""What is done to several schedules at once, each after a page that asks how."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from bookings.contrib.schedule.admin.links import list_of
from bookings.contrib.schedule.admin.rows import DayInput
from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.services import add_closures, copy_schedule, remove_closures
from bookings.exceptions import BookingError

if TYPE_CHECKING:
    from bookings.contrib.schedule.admin.schedule import ScheduleAdmin

Action = Callable[["ScheduleAdmin", HttpRequest, "QuerySet[Schedule]"], HttpResponse | None]


class QuestionForm(forms.Form):
    """Its subclasses do what was asked for, and say so, or raise a ``BookingError``."""

    required_css_class = "required"

    title: ClassVar[Any]
    button: ClassVar[Any]
    act: Callable[[], None]

    def __init__(
        self,
        data: Any,
        *,
        staff: ScheduleAdmin,
        request: HttpRequest,
        schedules: list[Schedule],
    ) -> None:
        super().__init__(data)
        self.staff, self.request, self.schedules = staff, request, schedules

    def is_done(self) -> bool:
        if not self.is_valid():
            return False
        try:
            self.act()
        except BookingError as error:
            self.add_error(None, list(error.messages))
            return False
        for schedule in self.schedules:
            self.staff.log_change(self.request, schedule, f"{self.title}")
        return True


class DatesForm(QuestionForm):
    first_date = forms.DateField(label=gettext_lazy("First day"), widget=DayInput())
    last_date = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=DayInput(),
        help_text=gettext_lazy("Empty for one day."),
    )

    def dates(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("first_date", "last_date")}


class CloseForm(DatesForm):
    title = pgettext_lazy("action on schedules", "Close dates")
    button = pgettext_lazy("action on schedules", "Close")
    reason = DateOverride._meta.get_field("reason").formfield()

    def act(self) -> None:
        closed = add_closures(
            schedules=self.schedules, reason=self.cleaned_data["reason"], **self.dates()
        )
        count = len(closed.overrides)
        text = ngettext("%(count)d day was closed.", "%(count)d days were closed.", count)
        messages.success(self.request, text % {"count": count})
        if closed.bookings:
            count = len(closed.bookings)
            text = ngettext(
                "%(count)d booking lies on a closed day. Move it, or keep it.",
                "%(count)d bookings lie on closed days. Move them, or keep them.",
                count,
            )
            named = list_of(self.staff.admin_site, self.request, closed.bookings)
            messages.warning(self.request, format_html("{} {}", text % {"count": count}, named))


class OpenForm(DatesForm):
    title = pgettext_lazy("action on schedules", "Open closed dates again")
    button = pgettext_lazy("action on schedules", "Open again")

    def act(self) -> None:
        count = remove_closures(schedules=self.schedules, **self.dates())
        text = ngettext("%(count)d closure was removed.", "%(count)d closures were removed.", count)
        messages.success(self.request, text % {"count": count})


class CopyForm(QuestionForm):
    title = pgettext_lazy("action on schedules", "Copy to providers")
    button = pgettext_lazy("action on schedules", "Copy")
    providers: Any = forms.ModelMultipleChoiceField(queryset=None, label=gettext_lazy("Providers"))
    replace = forms.BooleanField(
        required=False,
        label=gettext_lazy("Replace the schedules that they have"),
        help_text=gettext_lazy("Their hours, and their dates that are different, are lost."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source: Any = Schedule._meta.get_field("provider")
        field: Any = self.fields["providers"]
        field.widget = self.staff.search_many_widget(source, self.request)
        field.queryset = self.staff.seen_by_user(source.related_model, self.request)
        if not self.staff.has_change_permission(self.request):
            del self.fields["replace"]

    def act(self) -> None:
        copies = copy_schedule(
            schedule=self.schedules[0],
            providers=self.cleaned_data["providers"],
            replace=self.cleaned_data.get("replace", False),
        )
        count = len(copies)
        text = ngettext(
            "The schedule was copied to %(count)d provider.",
            "The schedule was copied to %(count)d providers.",
            count,
        )
        messages.success(self.request, text % {"count": count})


def ask(
    staff: ScheduleAdmin,
    request: HttpRequest,
    queryset: QuerySet[Schedule],
    kind: type[QuestionForm],
    name: str,
) -> HttpResponse | None:
    schedules = list(queryset)
    data = request.POST if "_answered" in request.POST else None
    form = kind(data, staff=staff, request=request, schedules=schedules)
    if form.is_done():
        return None
    context = {
        **staff.admin_site.each_context(request),
        "title": form.title,
        "opts": staff.opts,
        "media": staff.media + form.media,
        "form": form,
        "button": form.button,
        "schedules": [staff.owner(schedule) for schedule in schedules],
        "hidden": [
            ("action", name),
            *((helpers.ACTION_CHECKBOX_NAME, str(schedule.pk)) for schedule in schedules),
        ],
    }
    request.current_app = staff.admin_site.name
    return TemplateResponse(request, "admin/bookings_schedule/schedule/question.html", context)


@admin.action(
    permissions=["change"],
    description=pgettext_lazy("action on schedules", "Close dates of selected schedules…"),
)
def close_dates(
    staff: ScheduleAdmin, request: HttpRequest, queryset: QuerySet[Schedule]
) -> HttpResponse | None:
    return ask(staff, request, queryset, CloseForm, "close_dates")


@admin.action(
    permissions=["change"],
    description=pgettext_lazy("action on schedules", "Open closed dates of selected schedules…"),
)
def open_dates(
    staff: ScheduleAdmin, request: HttpRequest, queryset: QuerySet[Schedule]
) -> HttpResponse | None:
    return ask(staff, request, queryset, OpenForm, "open_dates")


@admin.action(
    permissions=["add"],
    description=pgettext_lazy("action on schedules", "Copy the selected schedule to providers…"),
)
def copy_to_providers(
    staff: ScheduleAdmin, request: HttpRequest, queryset: QuerySet[Schedule]
) -> HttpResponse | None:
    if queryset.count() != 1:
        messages.error(request, _("Select one schedule: the one to be copied."))
        return None
    return ask(staff, request, queryset, CopyForm, "copy_to_providers")


ACTIONS: Final[list[Action]] = [close_dates, open_dates, copy_to_providers]
