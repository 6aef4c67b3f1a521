"""The buttons of a session's page, and the page that asks why it is cancelled."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.admin.actor import Acting
from bookings.contrib.group_sessions.admin.promoted import promoted_by, tell_promoted
from bookings.contrib.group_sessions.admin.seen import mark_of, unless_done
from bookings.contrib.group_sessions.admin.steps import STEPS, Step
from bookings.contrib.group_sessions.models import Session
from bookings.exceptions import BookingError


class SessionPages(Acting):
    """What the pages of one session have in common."""

    def page_url(self, page: str, session: Session, *args: Any) -> str:
        return reverse(
            f"admin:bookings_group_sessions_session_{page}",
            args=[quote(session.pk), *args],
            current_app=self.admin_site.name,
        )

    def session_to_change(self, request: HttpRequest, object_id: str) -> Session:
        session: Session | None = self.get_object(request, unquote(object_id))
        if session is None:
            raise Http404
        if not self.has_change_permission(request, session):
            raise PermissionDenied
        return session

    def render(
        self, request: HttpRequest, template: str, media: Any = None, **context: Any
    ) -> HttpResponse:
        about = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media if media is None else self.media + media,
            **context,
        }
        request.current_app = self.admin_site.name
        where = f"admin/bookings_group_sessions/session/{template}.html"
        return TemplateResponse(request, where, about)

    def ask(
        self, request: HttpRequest, template: str, session: Session, form: Any, **context: Any
    ) -> HttpResponse:
        """The page of a form about the session as it was when the page was first seen."""
        return self.render(
            request,
            template,
            form.media,
            title=form.button,
            button=form.button,
            form=form,
            session=session,
            hidden=[("seen", request.POST.get("seen", mark_of(session)))],
            **context,
        )


class Lifecycle(SessionPages):
    def get_urls(self) -> list[URLPattern]:
        step = self.admin_site.admin_view(self.step_view)
        name = "bookings_group_sessions_session_step"
        return [path("<path:object_id>/step/<slug:name>/", step, name=name), *super().get_urls()]

    def open_steps(self, request: HttpRequest, session: Session) -> list[dict[str, Any]]:
        """The buttons: what may be done to this session now."""
        if not self.has_change_permission(request, session):
            return []
        now = timezone.now()
        return [
            {"step": step, "url": self.page_url("step", session, step.name)}
            for step in STEPS.values()
            if step.is_open(session, now)
        ]

    def step_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        step = STEPS.get(name)
        if step is None:
            raise Http404
        session = self.session_to_change(request, object_id)
        given: dict[str, Any] = {}
        if step.form is not None:
            form = step.form(request.POST if "_answered" in request.POST else None)
            if not form.is_valid():
                return self.ask(request, "reason", session, form)
            given = {**form.cleaned_data, "actor": self.get_actor(request)}
        elif request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._take(request, step, session, given)
        return HttpResponseRedirect(self.page_url("change", session))

    def _take(
        self, request: HttpRequest, step: Step, session: Session, given: dict[str, Any]
    ) -> None:
        now = timezone.now()
        promoted: list[str] = []

        def act() -> None:
            promoted[:] = promoted_by(session, lambda: step.service(session, now_dt=now, **given))

        try:
            taken = unless_done(
                session,
                request.POST.get("seen", ""),
                act,
                step.is_done,
                now=now,
            )
        except BookingError as error:
            messages.error(request, " ".join(error.messages))
            return
        if taken:
            self.log_change(request, session, f"{step.label}.")
            text = _("%(session)s is now: %(status)s.")
        else:
            session.refresh_from_db()
            text = _("%(session)s was that already: %(status)s.")
        status = session.get_status_display()
        messages.success(request, text % {"session": session, "status": status})
        tell_promoted(request, promoted)
