"""The base of the admin classes: a page with a question, a list, a step, and what a user sees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client
from django.urls import path

from bookings.admin import BookingAdmin
from bookings.admin.base import BaseAdmin, Page, posted_data, submit
from bookings.admin.conflicts import list_in_the_way
from bookings.admin.steps import ReasonForm, Step, StepOutcome, StepsMixin, step_table
from bookings.admin.visibility import selectable_objects, visible_objects
from bookings.exceptions import NotAllowed
from bookings.models import Booking, Calendar
from tests.admin.conftest import Book
from tests.admin.page import FormData, form_values, messages_of, text_of

OFFICE = "/office/bookings/calendar/"


def rename(calendar: Calendar, *, reason: str) -> Calendar:
    """A service of the host's own."""
    if not reason:
        raise NotAllowed("Say why.")
    renamed.append((calendar.pk, reason))
    return calendar


renamed: list[tuple[Any, str]] = []


class CalendarAdmin(StepsMixin, BaseAdmin):
    """What a newcomer writes: a page with a question, a scoped list, and a step."""

    steps = step_table(
        Step(
            name="rename",
            label="Rename",
            service=rename,
            is_open=lambda calendar, now: True,
            result="Renamed",
            form=ReasonForm,
        )
    )

    def get_pages(self) -> list[Page]:
        return [
            Page("<path:object_id>/ask/", self.ask_view, "ask"),
            Page("bookings/", self.bookings_view, "bookings"),
            *super().get_pages(),
        ]

    def ask_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        calendar = self.get_object_to_change(request, object_id)
        form = ReasonForm(posted_data(request))
        if submit(form, lambda: rename(calendar, **form.cleaned_data)):
            return self.redirect("change", calendar)
        return self.render_question(request, form, [calendar], title="Rename the calendar")

    def bookings_view(self, request: HttpRequest) -> HttpResponse:
        self.check_view_permission(request)
        references = [booking.reference for booking in self.visible_bookings(request)]
        return self.render_page(request, "admin/bookings/page.html", title=", ".join(references))

    def version_of(self, obj: Any) -> str:
        return str(obj.revision)

    def take_step(
        self, request: HttpRequest, step: Step, obj: Any, *, version: str | None, **values: Any
    ) -> StepOutcome:
        step.service(obj, **values)
        return StepOutcome(is_new=True, further_messages=("And told everybody.",))


class BranchAdmin(BookingAdmin):
    """A host's own scope: staff see the bookings of one client."""

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(client_name="Mary")


office = admin.AdminSite(name="office")
office.register(Calendar, CalendarAdmin)
office.register(Booking, BranchAdmin)

urlpatterns = [path("office/", office.urls)]


@pytest.fixture(autouse=True)
def _office(settings: Any, _database: None) -> None:
    settings.ROOT_URLCONF = __name__
    renamed.clear()


@pytest.fixture
def calendar(booking: Booking) -> Calendar:
    return Calendar.objects.get()


def ask(client: Client, url: str, **values: Any) -> FormData:
    return form_values(client.get(url), "calendar_question_form") | values


def test_a_page_asks_until_the_service_accepts_the_answer(boss: Client, calendar: Calendar) -> None:
    url = f"{OFFICE}{calendar.pk}/ask/"
    page = text_of(boss.get(url))
    assert f"<li>{calendar}</li>" in page
    assert 'value="Rename the calendar"' in page
    # Without a script too, the way back leads to the calendar's page.
    assert f'<a href="{OFFICE}{calendar.pk}/change/" class="closelink cancel-link">' in page

    refused = boss.post(url, ask(boss, url))
    assert refused.context["form"].non_field_errors() == ["Say why."]

    done = boss.post(url, ask(boss, url, reason="A new name."))
    assert done["Location"] == f"{OFFICE}{calendar.pk}/change/"
    assert renamed == [(calendar.pk, "A new name.")]


def test_an_invalid_answer_does_not_reach_the_service(boss: Client, calendar: Calendar) -> None:
    url = f"{OFFICE}{calendar.pk}/ask/"
    page = text_of(boss.post(url, ask(boss, url, reason="a\0b")))
    assert "Null characters are not allowed." in page
    assert renamed == []


def test_a_page_is_for_users_who_may_change_its_object(
    viewer: Client, boss: Client, calendar: Calendar
) -> None:
    assert viewer.get(f"{OFFICE}{calendar.pk}/ask/").status_code == 403
    assert boss.get(f"{OFFICE}{calendar.pk + 1}/ask/").status_code == 404


def test_a_step_asks_on_its_page_and_says_more_than_its_result(
    boss: Client, calendar: Calendar
) -> None:
    url = f"{OFFICE}{calendar.pk}/step/rename/"
    page = text_of(boss.get(url))
    assert page.count("Rename") >= 2, "The label is the title and the button."
    done = boss.post(url, ask(boss, url, reason="A new name."), follow=True)
    assert messages_of(done) == [f"{calendar}: Renamed.", "And told everybody."]


def test_a_question_about_many_objects_is_headed_by_their_name(
    boss: Client, calendar: Calendar, rf: Any
) -> None:
    request = rf.get("/")
    request.user = boss.get(OFFICE).wsgi_request.user
    model_admin = office.get_model_admin(Calendar)
    page = model_admin.render_question(request, forms.Form(), [1, 2], title="?").render()
    assert "<h2>Calendars</h2>" in text_of(page)


def test_the_visible_bookings_are_those_of_the_bookings_own_admin(
    boss: Client, stranger: Client, calendar: Calendar, booking: Booking, book: Book, start: Any
) -> None:
    book(client_name="Zoe", start_at=start.replace(hour=15))
    assert f"&rsaquo; {booking.reference}\n" in text_of(boss.get(f"{OFFICE}bookings/"))
    assert stranger.get(f"{OFFICE}bookings/").status_code == 403


def test_a_user_who_may_not_see_a_model_sees_none_of_it_but_may_choose(
    stranger: Client, boss: Client, booking: Booking, rf: Any
) -> None:
    request = rf.get("/")
    request.user = stranger.get("/office/login/").wsgi_request.user
    assert list(visible_objects(office, Booking, request)) == []
    assert list(selectable_objects(office, Booking, request)) == [booking]
    assert list(visible_objects(admin.AdminSite(name="empty"), Booking, request)) == []


@pytest.mark.parametrize("method", ["version_of", "take_step"])
def test_a_model_with_steps_has_to_say_how_they_are_taken(method: str) -> None:
    bare = StepsMixin(Calendar, office)
    arguments: dict[str, Any] = {"obj": None}
    if method == "take_step":
        arguments |= {"request": None, "step": None, "version": None}
    with pytest.raises(NotImplementedError, match=rf"^Define {method}\(\) in StepsMixin\.$"):
        getattr(bare, method)(**arguments)


def test_a_page_without_a_form_has_no_first_error() -> None:
    template = Template("{% load bookings_admin %}{% first_error as found %}[{{ found }}]")
    assert template.render(Context({})) == "[None]"


def test_a_refusal_that_is_not_about_the_time_lists_nothing(
    rf: Any, service: Any, provider: Any, start: datetime
) -> None:
    error = NotAllowed("You may not.")
    times = {"start_at": start, "end_at": start}
    found = list_in_the_way(
        admin.site, rf.get("/"), error, service=service, providers=[provider], **times
    )
    assert found == ""
