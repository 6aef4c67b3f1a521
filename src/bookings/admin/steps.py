"""Steps: the buttons on an object's page that change its state, and the pages that ask for more.

Each model has one table of its steps; :mod:`bookings.admin.booking.steps` is that of bookings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.admin.base import BaseAdmin, Page, answer_data
from bookings.admin.form_errors import error_message
from bookings.exceptions import (
    BookingError,
    LimitReached,
    NotAllowed,
    NoticeWindow,
    PastStart,
    SlotUnavailable,
)

OVERRIDABLE: Final = (LimitReached, NotAllowed, NoticeWindow, PastStart, SlotUnavailable)
"""The errors that one service or another does not raise with ``override_policy``."""

OVERRIDABLE_CODES: Final = {"not_delivered", "booking_closed", "others_wait"}
"""The codes of further such errors, of a bundled app too."""


def is_overridable(error: BookingError) -> bool:
    """Return whether a service that takes ``override_policy`` may not raise the error with it."""
    return isinstance(error, OVERRIDABLE) or error.code in OVERRIDABLE_CODES


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=gettext_lazy("Kept in the booking's history."),
    )


class OverrideForm(forms.Form):
    """Asks whether to ignore the rule that has just refused the step."""

    override_policy = forms.BooleanField(
        label=gettext_lazy("Override the policy"),
        required=False,
        help_text=gettext_lazy("Do it all the same, against the rule above."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A service that changes an object's state, and when the object's page offers it.

    ``is_open`` only decides whether there is a button: the service decides whether the step is
    taken. A step without a ``form`` is taken at once.
    """

    name: str
    """The last part of the step's URL."""
    label: Any
    """The text of the button on the object's page."""
    service: Callable[..., Any]
    """Is called with the object and, as keywords, the values of the ``form``."""
    is_open: Callable[[Any, datetime], bool]
    """Whether to offer the step for an object, at an instant."""
    is_done: Callable[[Any], bool] | None = None
    """Whether the object is where the step leads, so that a second click does nothing. ``None`` if
    the step can be taken again and again."""
    result: Any = None
    """What to say after the step, if the object's status does not say it."""
    form: type[forms.Form] | None = None
    """What to ask first; its fields are arguments of the service."""
    initial: Callable[[Any], dict[str, Any]] | None = None
    """Returns the values of the ``form`` to begin with, for an object."""
    title: Any = None
    """The title of the page that asks; the label if it is ``None``."""
    button: Any = None
    """The text of the button of that page; the title if it is ``None``. It may be an
    ``ngettext_lazy`` by ``"count"``."""
    may_override: bool = False
    """Whether the service takes ``override_policy``. If it refuses the step by a rule that may be
    overridden, staff are asked whether to do so."""
    action_label: Any = None
    """The name of the action that takes the step for the selected objects; ``None`` for none."""

    @property
    def has_page(self) -> bool:
        """Whether there is a page that asks: before the step is taken or after it was refused."""
        return self.form is not None or self.may_override

    def title_text(self) -> str:
        return str(self.label if self.title is None else self.title)

    def button_text(self, count: int) -> str:
        """Return the text of the button for a page about this many objects."""
        return self.title_text() if self.button is None else str(self.button % {"count": count})

    def result_text(self, obj: Any) -> str:
        """Return what has become of an object for which the step has been taken."""
        return str(obj.get_status_display() if self.result is None else self.result)

    def initial_for(self, obj: Any) -> dict[str, Any]:
        return {} if self.initial is None else self.initial(obj)

    def is_done_for(self, obj: Any) -> bool:
        return self.is_done is not None and self.is_done(obj)

    def can_override(self, error: BookingError) -> bool:
        return self.may_override and is_overridable(error)


def step_table(*steps: Step) -> dict[str, Step]:
    """Return the steps by name, in the order in which the page offers them."""
    return {step.name: step for step in steps}


class StepOutcome(NamedTuple):
    is_new: bool
    """``False`` if the step had been taken before, as by the first of two clicks."""
    further_messages: tuple[str, ...] = ()
    """What else staff should know."""


class StepsMixin(BaseAdmin):
    """Steps for a model whose objects have a status. Set ``steps`` and write two methods."""

    steps: ClassVar[dict[str, Step]]

    def version_of(self, obj: Any) -> str:
        """Return a text that changes when somebody changes the object."""
        raise NotImplementedError(f"Define version_of() in {type(self).__name__}.")

    def take_step(
        self, request: HttpRequest, step: Step, obj: Any, *, version: str | None, **values: Any
    ) -> StepOutcome:
        """Call the step's service with the ``values`` of its form, and log it.

        Raise a ``BookingError`` if the object has another version than that of the page. ``None``
        stands for any version: an action on many objects names none.
        """
        raise NotImplementedError(f"Define take_step() in {type(self).__name__}.")

    def get_pages(self) -> list[Page]:
        route = "<path:object_id>/step/<slug:name>/"
        return [Page(route, self.step_view, "step"), *super().get_pages()]

    def open_steps(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """Return each step that the object's page offers now, with its address."""
        if not self.has_change_permission(request, obj):
            return []
        now = timezone.now()
        return [
            {"step": step, "url": self.page_url("step", obj, step.name)}
            for step in self.steps.values()
            if step.is_open(obj, now)
        ]

    def step_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        step = self.steps.get(name)
        if step is None:
            raise Http404
        obj = self.get_object_to_change(request, object_id)
        if step.form is None:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            form: forms.Form = OverrideForm(request.POST)
        else:
            form = step.form(answer_data(request), initial=step.initial_for(obj))
        if form.is_valid() and self._take_or_explain(request, step, obj, form):
            return self.redirect("change", obj)
        version = request.POST.get("version", self.version_of(obj))
        return self.render_step_question(request, step, form, [obj], [("version", version)])

    def _take_or_explain(
        self, request: HttpRequest, step: Step, obj: Any, form: forms.Form
    ) -> bool:
        """Take the step, or say why not; return ``False`` to ask whether to override the rule."""
        values = form.cleaned_data if step.has_page else {}
        version = request.POST.get("version", "")
        try:
            outcome = self.take_step(request, step, obj, version=version, **values)
        except BookingError as error:
            if step.can_override(error):
                form.add_error(None, error_message(error))
                return False
            messages.error(request, error_message(error))
        else:
            messages.success(request, _outcome_text(step, obj, outcome))
            for text in outcome.further_messages:
                messages.success(request, text)
        return True

    def render_step_question(
        self,
        request: HttpRequest,
        step: Step,
        form: forms.Form,
        objects: Iterable[Any],
        hidden: list[tuple[str, Any]],
    ) -> HttpResponse:
        objects = list(objects)
        notes = self.step_notes(request, step, objects[0]) if len(objects) == 1 else []
        return self.render_question(
            request,
            form,
            objects,
            title=step.title_text(),
            button=step.button_text(len(objects)),
            hidden=hidden,
            notes=notes,
        )

    def step_notes(self, request: HttpRequest, step: Step, obj: Any) -> list[str]:
        """Return what to say on the step's page: what follows if it is taken for the object."""
        return []


def _outcome_text(step: Step, obj: Any, outcome: StepOutcome) -> str:
    if step.result is not None:
        text = _("%(object)s: %(status)s.")
    elif outcome.is_new:
        text = _("%(object)s is now: %(status)s.")
    else:
        text = _("%(object)s was that already: %(status)s.")
    return text % {"object": obj, "status": step.result_text(obj)}
