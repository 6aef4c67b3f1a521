"""The attendance page: a list of the bookings, on which staff mark who came and who did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_fsm import can_proceed

from bookings.admin.base import BaseAdmin, Page, posted_data
from bookings.admin.form_errors import stale_message
from bookings.admin.visibility import selectable_objects
from bookings.contrib.group_sessions.admin.display import NOT_ATTENDING
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import mark_attendance
from bookings.exceptions import BookingError
from bookings.models import Booking

CAME: Final = "came"
MISSED: Final = "missed"
UNMARKED: Final = ""
MARK_OF_STATUS: Final = {Booking.Status.COMPLETED: CAME, Booking.Status.NO_SHOW: MISSED}
LABELS: Final = {
    CAME: gettext_lazy("Came"),
    MISSED: gettext_lazy("No-show"),
    UNMARKED: gettext_lazy("Not marked"),
}


class AttendanceForm(forms.Form):
    """For each booking that can be marked, a choice and the version of the booking on the page."""

    rest_came = forms.BooleanField(
        required=False, label=gettext_lazy("All who are not marked came")
    )

    def __init__(self, data: Any, bookings: list[Booking]) -> None:
        super().__init__(data)
        self.bookings = bookings
        for booking in bookings:
            marks = possible_marks(booking)
            if len(marks) > 1:
                self.fields[f"mark-{booking.pk}"] = forms.ChoiceField(
                    choices=[(mark, LABELS[mark]) for mark in marks],
                    initial=current_mark(booking),
                    required=False,
                    widget=forms.RadioSelect,
                    label=booking.client_name,
                )
                self.fields[f"version-{booking.pk}"] = forms.IntegerField(
                    initial=booking.version, widget=forms.HiddenInput
                )

    def rows(self) -> Iterator[tuple[Booking, Any, Any]]:
        """Yield each booking with its two fields, which are ``None`` if it cannot be marked."""
        for booking in self.bookings:
            if f"mark-{booking.pk}" in self.fields:
                yield booking, self[f"mark-{booking.pk}"], self[f"version-{booking.pk}"]
            else:
                yield booking, None, None

    def changed_marks(self) -> Iterator[tuple[Booking, str, int]]:
        """Yield each booking whose mark is to change, with the mark and the version on the page."""
        default = CAME if self.cleaned_data["rest_came"] else UNMARKED
        for booking in self.bookings:
            mark = self.cleaned_data.get(f"mark-{booking.pk}", UNMARKED) or default
            is_changed = mark not in (UNMARKED, current_mark(booking))
            if is_changed and mark in possible_marks(booking):
                yield booking, mark, self.cleaned_data[f"version-{booking.pk}"]


def current_mark(booking: Booking) -> str:
    return MARK_OF_STATUS.get(Booking.Status(booking.status), UNMARKED)


def possible_marks(booking: Booking) -> list[str]:
    """Return the choices for a booking. A mark can be corrected, but not removed."""
    current = current_mark(booking)
    marks = [current] if current != UNMARKED else []
    if can_proceed(booking.complete):
        marks.append(CAME)
    if can_proceed(booking.no_show):
        marks.append(MISSED)
    return sorted(marks) if current != UNMARKED else [*sorted(marks), UNMARKED]


class AttendanceMixin(BaseAdmin):
    def get_pages(self) -> list[Page]:
        route = "<path:object_id>/attendance/"
        return [Page(route, self.attendance_view, "attendance"), *super().get_pages()]

    def can_mark_attendance(self, request: HttpRequest, session: Session) -> bool:
        return (
            session.status != Session.Status.CANCELLED
            and session.start_at <= timezone.now()
            and self.has_change_permission(request, session)
        )

    def attendance_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        session = self.get_object_to_change(request, object_id)
        if not self.can_mark_attendance(request, session):
            messages.error(request, _("Attendance is marked once the session has begun."))
            return self.redirect("change", session)
        visible = selectable_objects(self.admin_site, Booking, request)
        bookings = visible.filter(seat__session=session).exclude(status__in=NOT_ATTENDING)
        form = AttendanceForm(posted_data(request), list(bookings.order_by("client_name", "pk")))
        if form.is_valid():
            self._mark(request, session, form)
            return self.redirect("attendance", session)
        return self.render_page(
            request,
            "admin/bookings_group_sessions/session/attendance.html",
            title=_("Attendance"),
            session=session,
            form=form,
        )

    def _mark(self, request: HttpRequest, session: Session, form: AttendanceForm) -> None:
        """Mark all bookings at once or, if that is refused, each of them that can be marked."""
        marks: list[tuple[Booking, str]] = []
        errors: list[str] = []
        for booking, mark, version in form.changed_marks():
            if booking.version == version:
                marks.append((booking, mark))
            else:
                errors.append(f"{booking.client_name}: {stale_message()}")
        count = len(marks)
        try:
            self._write(request, session, marks)
        except BookingError:
            count = 0
            for booking, mark in marks:
                try:
                    self._write(request, session, [(booking, mark)])
                except BookingError as error:
                    errors.append(f"{booking.client_name}: {' '.join(error.messages)}")
                else:
                    count += 1
        if count:
            text = ngettext(
                "%(count)d booking was marked.", "%(count)d bookings were marked.", count
            )
            self.log_change(request, session, text % {"count": count})
            messages.success(request, text % {"count": count})
        for error_text in errors:
            messages.error(request, error_text)
        if not count and not errors:
            messages.info(request, _("There was nothing to mark."))

    def _write(
        self, request: HttpRequest, session: Session, marks: list[tuple[Booking, str]]
    ) -> None:
        mark_attendance(
            session,
            attended=[booking for booking, mark in marks if mark == CAME],
            missed=[booking for booking, mark in marks if mark == MISSED],
            actor=self.get_actor(request),
        )
