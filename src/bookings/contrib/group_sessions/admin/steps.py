"""The steps of a session: close and reopen booking, finish, cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.steps import ReasonForm, Step, StepOutcome, StepsMixin, step_table
from bookings.contrib.group_sessions.admin.session_version import act_unless_done, version_of
from bookings.contrib.group_sessions.admin.waitlist import promoted_clients, promotion_message
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_session,
    finish_session,
    reopen_session,
)


class CancelSessionForm(ReasonForm):
    refund = forms.BooleanField(
        label=_("Refund everything"),
        required=False,
        help_text=_("Otherwise the refund policy decides."),
    )

    def clean_refund(self) -> str:
        return "full" if self.cleaned_data["refund"] else "policy"


def without_actor(service: Callable[..., Session]) -> Callable[..., Session]:
    """Return the service as one that takes an ``actor``, as that of every step, and ignores it."""

    def call(session: Session, *, actor: Any, **values: Any) -> Session:
        return service(session, **values)

    return call


STEPS: Final = step_table(
    Step(
        name="close",
        label=pgettext_lazy("step of a session", "Close booking"),
        service=without_actor(close_session),
        is_open=lambda session, now: (
            session.is_active and now < session.start_at and not session.closed_by_staff
        ),
        is_done=lambda session: session.closed_by_staff,
    ),
    Step(
        name="reopen",
        label=pgettext_lazy("step of a session", "Reopen booking"),
        service=without_actor(reopen_session),
        is_open=lambda session, now: (
            session.is_active and now < session.start_at and session.closed_by_staff
        ),
        is_done=lambda session: not session.closed_by_staff,
    ),
    Step(
        name="finish",
        label=pgettext_lazy("step of a session", "Finish"),
        service=without_actor(finish_session),
        is_open=lambda session, now: session.is_active and session.end_at <= now,
        is_done=lambda session: session.status == Session.Status.FINISHED,
    ),
    Step(
        name="cancel",
        label=pgettext_lazy("step of a session", "Cancel"),
        title=_("Cancel the session"),
        service=cancel_session,
        is_open=lambda session, now: session.is_active,
        is_done=lambda session: session.status == Session.Status.CANCELLED,
        form=CancelSessionForm,
    ),
)


class SessionStepsMixin(StepsMixin):
    steps = STEPS

    def version_of(self, obj: Any) -> str:
        return version_of(obj)

    def take_step(
        self, request: HttpRequest, step: Step, obj: Any, *, version: str | None, **values: Any
    ) -> StepOutcome:
        now = timezone.now()
        values |= {"actor": self.get_actor(request), "now_dt": now}
        clients: list[str] = []

        def act() -> None:
            clients[:] = promoted_clients(obj, lambda: step.service(obj, **values))

        if not act_unless_done(obj, version, act, step.is_done_for, now=now):
            obj.refresh_from_db()
            return StepOutcome(is_new=False)
        self.log_change(request, obj, f"{step.label}.")
        return StepOutcome(is_new=True, further_messages=promotion_message(clients))
