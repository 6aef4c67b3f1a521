"""The same steps for many bookings at once, each booking on its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.admin.steps import STEPS, Step
from bookings.exceptions import BookingError
from bookings.models import Booking

if TYPE_CHECKING:
    from bookings.admin.booking import BookingAdmin

Action = Callable[["BookingAdmin", HttpRequest, "QuerySet[Booking]"], HttpResponse | None]

NAMED: Final = 20
"""How many references a message names; the rest is a number."""


class Report:
    """What became of each booking."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.done = 0
        self.already = 0
        self.refused: dict[str, list[str]] = defaultdict(list)

    def tell(self, request: HttpRequest) -> None:
        target = self.step.target
        status = str(self.step.done if target is None else Booking.Status(target).label)
        if self.done:
            text = (
                ngettext(
                    "%(count)d booking: %(status)s.", "%(count)d bookings: %(status)s.", self.done
                )
                if target is None
                else ngettext(
                    "%(count)d booking is now: %(status)s.",
                    "%(count)d bookings are now: %(status)s.",
                    self.done,
                )
            )
            messages.success(request, text % {"count": self.done, "status": status})
        if self.already:
            text = ngettext(
                "%(count)d booking was that already: %(status)s.",
                "%(count)d bookings were that already: %(status)s.",
                self.already,
            )
            messages.info(request, text % {"count": self.already, "status": status})
        for why, references in self.refused.items():
            text = ngettext(
                "%(count)d booking was left as it is. %(why)s (%(references)s)",
                "%(count)d bookings were left as they are. %(why)s (%(references)s)",
                len(references),
            )
            named = ", ".join(references[:NAMED]) + (" …" if len(references) > NAMED else "")
            count = len(references)
            messages.error(request, text % {"count": count, "why": why, "references": named})


def take_each(
    model_admin: BookingAdmin,
    request: HttpRequest,
    step: Step,
    bookings: QuerySet[Booking],
    **given: Any,
) -> Report:
    report = Report(step)
    actor = model_admin.get_actor(request)
    for booking in bookings:
        if not model_admin.has_change_permission(request, booking):
            report.refused[_("You may not change it.")].append(booking.reference)
            continue
        try:
            taken = model_admin.take_step(request, step, booking, actor=actor, **given)
        except BookingError as error:
            report.refused[" ".join(error.messages)].append(booking.reference)
        else:
            report.done += taken
            report.already += not taken
    return report


def as_action(step: Step) -> Action:
    @admin.action(permissions=["change"], description=step.title)
    def act(
        model_admin: BookingAdmin, request: HttpRequest, queryset: QuerySet[Booking]
    ) -> HttpResponse | None:
        given: dict[str, Any] = {}
        if step.form is not None:
            form = step.form(request.POST if "_answered" in request.POST else None)
            if not form.is_valid():
                hidden = [("action", act.__name__)] + [
                    (helpers.ACTION_CHECKBOX_NAME, str(booking.pk)) for booking in queryset
                ]
                return model_admin.ask_reason(request, step, form, queryset, hidden)
            given = form.cleaned_data
        take_each(model_admin, request, step, queryset, **given).tell(request)
        return None

    act.__name__ = f"{step.name}_bookings"
    return act


ACTIONS: Final = [as_action(step) for step in STEPS.values()]
