"""The steps of a session's life that staff take with one click, or with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.step_forms import ReasonForm
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_booking,
    finish_session,
    reopen_booking,
)


class CancelForm(ReasonForm):
    button = _("Cancel the session")


@dataclass(frozen=True, slots=True)
class Step:
    """``is_done`` where there is nothing left to do: a doubled click."""

    name: str
    label: Any
    service: Callable[..., Session]
    is_done: Callable[[Session], bool]
    form: type[CancelForm] | None = None
    before_start: bool = False
    after_end: bool = False

    def is_open(self, session: Session, now: datetime) -> bool:
        """Whether to offer it; the service has the last word."""
        is_time = now < session.start_at if self.before_start else True
        is_time = is_time and (session.end_at <= now or not self.after_end)
        return session.is_coming and is_time and not self.is_done(session)


STEPS: Final = {
    step.name: step
    for step in (
        Step(
            "close",
            pgettext_lazy("step of a session", "Close booking"),
            close_booking,
            lambda session: session.closed_by_staff,
            before_start=True,
        ),
        Step(
            "reopen",
            pgettext_lazy("step of a session", "Reopen booking"),
            reopen_booking,
            lambda session: not session.closed_by_staff,
            before_start=True,
        ),
        Step(
            "finish",
            pgettext_lazy("step of a session", "Finish"),
            finish_session,
            lambda session: session.status == Session.Status.FINISHED,
            after_end=True,
        ),
        Step(
            "cancel",
            pgettext_lazy("step of a session", "Cancel"),
            cancel_session,
            lambda session: session.status == Session.Status.CANCELLED,
            form=CancelForm,
        ),
    )
}
