"""The steps of a booking as actions, which take a step for each of the selected bookings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.admin.base import action_fields, answer_data
from bookings.admin.booking.steps import STEPS
from bookings.admin.steps import Step, StepsMixin
from bookings.exceptions import BookingError
from bookings.models import Booking

Action = Callable[[StepsMixin, HttpRequest, "QuerySet[Booking]"], HttpResponse | None]

MAX_REFERENCES: Final = 20
"""How many references a message lists."""


class StepReport:
    """What an action says in the end: for how many bookings the step was taken, and why not."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.new_count = 0
        self.old_count = 0
        self.status = ""
        self.refused: dict[str, list[str]] = defaultdict(list)

    def add_outcome(self, booking: Booking, *, is_new: bool) -> None:
        # It is the same for all of them: the step leads there.
        self.status = self.step.result_text(booking)
        self.new_count += is_new
        self.old_count += not is_new

    def add_refusal(self, booking: Booking, reason: str) -> None:
        self.refused[reason].append(booking.reference)

    def show(self, request: HttpRequest) -> None:
        if self.new_count:
            text = (
                ngettext(
                    "%(count)d booking is now: %(status)s.",
                    "%(count)d bookings are now: %(status)s.",
                    self.new_count,
                )
                if self.step.result is None
                else ngettext(
                    "%(count)d booking: %(status)s.",
                    "%(count)d bookings: %(status)s.",
                    self.new_count,
                )
            )
            messages.success(request, text % {"count": self.new_count, "status": self.status})
        if self.old_count:
            text = ngettext(
                "%(count)d booking was that already: %(status)s.",
                "%(count)d bookings were that already: %(status)s.",
                self.old_count,
            )
            messages.info(request, text % {"count": self.old_count, "status": self.status})
        for reason, references in self.refused.items():
            count = len(references)
            text = ngettext(
                "%(count)d booking was left as it is. %(why)s (%(references)s)",
                "%(count)d bookings were left as they are. %(why)s (%(references)s)",
                count,
            )
            listed = ", ".join(references[:MAX_REFERENCES]) + (
                " …" if count > MAX_REFERENCES else ""
            )
            messages.error(request, text % {"count": count, "why": reason, "references": listed})


def take_step_for_each(
    model_admin: StepsMixin,
    request: HttpRequest,
    step: Step,
    bookings: QuerySet[Booking],
    values: dict[str, Any],
) -> StepReport:
    """Take the step for each booking in a transaction of its own."""
    report = StepReport(step)
    for booking in bookings:
        if not model_admin.has_change_permission(request, booking):
            report.add_refusal(booking, _("You may not change it."))
            continue
        try:
            outcome = model_admin.take_step(request, step, booking, version=None, **values)
        except BookingError as error:
            report.add_refusal(booking, " ".join(error.messages))
        else:
            report.add_outcome(booking, is_new=outcome.is_new)
    return report


def step_action(step: Step) -> Action:
    """Return the action for a step, which asks first if the step has a form."""

    @admin.action(permissions=["change"], description=step.action_label)
    def act(
        model_admin: StepsMixin, request: HttpRequest, queryset: QuerySet[Booking]
    ) -> HttpResponse | None:
        values: dict[str, Any] = {}
        if step.form is not None:
            form = step.form(answer_data(request))
            if not form.is_valid():
                hidden = action_fields(act.__name__, queryset)
                return model_admin.render_step_question(request, step, form, queryset, hidden)
            values = form.cleaned_data
        take_step_for_each(model_admin, request, step, queryset, values).show(request)
        return None

    act.__name__ = f"{step.name}_bookings"
    return act


ACTIONS: Final = [step_action(step) for step in STEPS.values()]
