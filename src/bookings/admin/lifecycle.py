"""The steps of one booking: the buttons of its page, and the page that asks for a reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from bookings.admin.actor import Acting
from bookings.admin.refusals import stale_message
from bookings.admin.step_forms import OverrideForm
from bookings.admin.steps import STEPS, Step
from bookings.exceptions import BookingError, StaleBooking
from bookings.models import Booking


class Lifecycle(Acting):
    reason_template = "admin/bookings/booking/reason.html"

    def get_urls(self) -> list[URLPattern]:
        step = self.admin_site.admin_view(self.step_view)
        return [
            path("<path:object_id>/step/<slug:name>/", step, name="bookings_booking_step"),
            *super().get_urls(),
        ]

    def take_step(self, request: HttpRequest, step: Step, booking: Booking, **given: Any) -> bool:
        """Whether it was one to take: a doubled click finds it taken, and that is no error."""
        if step.is_taken(booking):
            return False
        step.service(booking, **given)
        self.log_change(request, booking, f"{self.done(step, booking)}.")
        return True

    def done(self, step: Step, booking: Booking) -> str:
        """What a step has come to: the status, or what was done."""
        return str(step.done) if step.target is None else booking.get_status_display()

    def open_steps(self, request: HttpRequest, booking: Booking) -> list[dict[str, Any]]:
        """The buttons: what may be done to this booking now."""
        if not self.has_change_permission(request, booking):
            return []
        return [
            {"step": step, "url": self._url("step", booking, step.name)}
            for step in STEPS.values()
            if step.is_open(booking)
        ]

    def step_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        step = STEPS.get(name)
        booking = self.get_object(request, unquote(object_id))
        if step is None or booking is None:
            raise Http404
        if not self.has_change_permission(request, booking):
            raise PermissionDenied
        posted = request.method == "POST"
        if step.form is None and not posted:
            return HttpResponseNotAllowed(["POST"])
        # A step without a form is taken at once; its second attempt may lift what was in the way.
        answered = "_answered" in request.POST
        form = (step.form or OverrideForm)(request.POST if answered or step.form is None else None)
        if not (form.is_valid() and self._take_one(request, step, booking, form)):
            version = request.POST.get("version", str(booking.version))
            return self.ask_reason(request, step, form, [booking], [("version", version)])
        return HttpResponseRedirect(self._url("change", booking))

    def _take_one(self, request: HttpRequest, step: Step, booking: Booking, form: Form) -> bool:
        """Whether it is settled; else the form says why not, and may lift the rule."""
        try:
            version = int(request.POST["version"])
            taken = self.take_step(
                request,
                step,
                booking,
                actor=self.get_actor(request),
                expected_version=version,
                **(form.cleaned_data if step.form or step.may_override else {}),
            )
        except (KeyError, ValueError, StaleBooking):
            messages.error(request, stale_message())
        except BookingError as error:
            if step.can_lift(error):
                form.add_error(None, list(error.messages))
                return False
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, self.told(step, booking, taken=taken))
        return True

    def told(self, step: Step, booking: Booking, *, taken: bool) -> str:
        if step.target is None:
            text = _("%(booking)s: %(status)s.")
        elif taken:
            text = _("%(booking)s is now: %(status)s.")
        else:
            text = _("%(booking)s was that already: %(status)s.")
        return text % {"booking": booking, "status": self.done(step, booking)}

    def ask_reason(
        self,
        request: HttpRequest,
        step: Step,
        form: Form,
        bookings: Iterable[Booking],
        hidden: list[tuple[str, str]],
    ) -> HttpResponse:
        bookings = list(bookings)
        context = {
            **self.admin_site.each_context(request),
            "title": step.label,
            "button": step.button % len(bookings),
            "opts": self.opts,
            "media": self.media + form.media,
            "step": step,
            "form": form,
            "bookings": bookings,
            "hidden": hidden,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.reason_template, context)

    def _url(self, page: str, booking: Booking, *args: str) -> str:
        return reverse(
            f"admin:bookings_booking_{page}",
            args=[quote(booking.pk), *args],
            current_app=self.admin_site.name,
        )
