"""Attendance: a list of who has booked, on which staff tick who came and who did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_fsm import can_proceed

from bookings.admin.refusals import stale_message
from bookings.contrib.group_sessions.admin.lifecycle import SessionPages
from bookings.contrib.group_sessions.admin.shown import NOT_COMING
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import mark_attendance
from bookings.exceptions import BookingError
from bookings.models import Booking

CAME: Final = "came"
MISSED: Final = "missed"
OPEN: Final = ""
MARK_OF_STATUS: Final = {Booking.Status.COMPLETED: CAME, Booking.Status.NO_SHOW: MISSED}
LABELS: Final = {
    CAME: gettext_lazy("Came"),
    MISSED: gettext_lazy("No-show"),
    OPEN: gettext_lazy("Not marked"),
}


class AttendanceForm(forms.Form):
    """A choice for each booking that can be marked, and the version of it that is shown."""

    rest_came = forms.BooleanField(
        required=False, label=gettext_lazy("All who are not marked came")
    )

    def __init__(self, data: Any, bookings: list[Booking]) -> None:
        super().__init__(data)
        self.bookings = bookings
        for booking in bookings:
            marks = marks_of(booking)
            if len(marks) > 1:
                self.fields[f"mark-{booking.pk}"] = forms.ChoiceField(
                    choices=[(mark, LABELS[mark]) for mark in marks],
                    initial=mark_of(booking),
                    required=False,
                    widget=forms.RadioSelect,
                    label=booking.client_name,
                )
                self.fields[f"version-{booking.pk}"] = forms.IntegerField(
                    initial=booking.version, widget=forms.HiddenInput
                )

    def rows(self) -> Iterator[tuple[Booking, Any, Any]]:
        for booking in self.bookings:
            if f"mark-{booking.pk}" in self.fields:
                yield booking, self[f"mark-{booking.pk}"], self[f"version-{booking.pk}"]
            else:
                yield booking, None, None

    def marked(self) -> Iterator[tuple[Booking, str, int]]:
        """What is to be written: who is marked otherwise than they are."""
        rest = CAME if self.cleaned_data["rest_came"] else OPEN
        for booking in self.bookings:
            mark = self.cleaned_data.get(f"mark-{booking.pk}", OPEN) or rest
            if mark != OPEN and mark != mark_of(booking) and mark in marks_of(booking):
                yield booking, mark, self.cleaned_data[f"version-{booking.pk}"]


def mark_of(booking: Booking) -> str:
    return MARK_OF_STATUS.get(Booking.Status(booking.status), OPEN)


def marks_of(booking: Booking) -> list[str]:
    """What it can be marked as. A mark is corrected, but not taken back."""
    now = mark_of(booking)
    marks = [now] if now != OPEN else []
    if can_proceed(booking.complete):
        marks.append(CAME)
    if can_proceed(booking.no_show):
        marks.append(MISSED)
    return sorted(marks) if now != OPEN else [*sorted(marks), OPEN]


class AttendancePage(SessionPages):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.attendance_view)
        name = "bookings_group_sessions_session_attendance"
        return [path("<path:object_id>/attendance/", view, name=name), *super().get_urls()]

    def has_attendance(self, request: HttpRequest, session: Session) -> bool:
        """Whether to offer it."""
        return (
            session.status != Session.Status.CANCELLED
            and session.start_at <= timezone.now()
            and self.has_change_permission(request, session)
        )

    def attendance_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        session = self.session_to_change(request, object_id)
        if not self.has_attendance(request, session):
            messages.error(request, _("Attendance is marked once the session has begun."))
            return HttpResponseRedirect(self.page_url("change", session))
        coming = Booking.objects.filter(seat__session=session).exclude(status__in=NOT_COMING)
        bookings = list(coming.order_by("client_name", "pk"))
        form = AttendanceForm(request.POST if request.method == "POST" else None, bookings)
        if form.is_valid():
            self._mark(request, session, form)
            return HttpResponseRedirect(self.page_url("attendance", session))
        return self.render(request, "attendance", title=_("Attendance"), session=session, form=form)

    def _mark(self, request: HttpRequest, session: Session, form: AttendanceForm) -> None:
        """All of them at once; where that is refused, each of them that can be marked."""
        fresh: list[tuple[Booking, str]] = []
        refused: list[str] = []
        for booking, mark, version in form.marked():
            if booking.version == version:
                fresh.append((booking, mark))
            else:
                refused.append(f"{booking.client_name}: {stale_message()}")
        done = len(fresh)
        try:
            self._write(request, session, fresh)
        except BookingError:
            done = 0
            for booking, mark in fresh:
                try:
                    self._write(request, session, [(booking, mark)])
                except BookingError as error:
                    refused.append(f"{booking.client_name}: {' '.join(error.messages)}")
                else:
                    done += 1
        if done:
            text = ngettext(
                "%(count)d booking was marked.", "%(count)d bookings were marked.", done
            )
            self.log_change(request, session, text % {"count": done})
            messages.success(request, text % {"count": done})
        for said in refused:
            messages.error(request, said)
        if not done and not refused:
            messages.info(request, _("There was nothing to mark."))

    def _write(
        self, request: HttpRequest, session: Session, marked: list[tuple[Booking, str]]
    ) -> None:
        mark_attendance(
            session,
            attended=[booking for booking, mark in marked if mark == CAME],
            missed=[booking for booking, mark in marked if mark == MISSED],
            actor=self.get_actor(request),
        )
