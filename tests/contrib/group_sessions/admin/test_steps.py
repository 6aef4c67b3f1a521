"""The steps of a session, the buttons of its waitlist, and attendance."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from bookings.contrib.group_sessions.admin.session_version import version_of
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_session,
    leave_waitlist,
    update_session,
)
from bookings.exceptions import NotAllowed
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import cancel_booking, mark_no_show
from tests.admin.page import form_values, messages_of, text_of
from tests.contrib.group_sessions.admin.conftest import ADD, LIST, QUESTION, page_of
from tests.contrib.group_sessions.conftest import (
    Factory,
    MakeBooking,
    MakeEntry,
    MakeSession,
    booked_clients,
    reloaded,
    waiting_clients,
)

pytestmark = pytest.mark.django_db

VERSION_FIELD = 'name="version" value="'


def page_version(client: Client, session: Session) -> str:
    """Return the version of the session that the page sends along."""
    return text_of(client.get(page_of(session))).partition(VERSION_FIELD)[2].partition('"')[0]


def step(client: Client, session: Session, name: str, **sent: Any) -> Any:
    values = {"version": page_version(client, session)} | sent
    return client.post(page_of(session, f"step/{name}"), values, follow=True)


def ask(client: Client, session: Session, name: str = "cancel") -> dict[str, Any]:
    return form_values(client.get(page_of(session, f"step/{name}")), QUESTION)


def test_booking_is_closed_and_opened_again(boss: Client, session: Session) -> None:
    assert messages_of(step(boss, session, "close")) == [f"{session} is now: Booking closed."]
    assert reloaded(session).closed_by_staff
    page = text_of(boss.get(page_of(session)))
    assert "/step/reopen/" in page
    assert "/step/close/" not in page
    assert messages_of(step(boss, session, "reopen")) == [f"{session} is now: Scheduled."]
    assert LogEntry.objects.count() == 2


def test_a_second_click_on_a_step_is_no_error(boss: Client, session: Session) -> None:
    sent = {"version": page_version(boss, session)}
    step(boss, session, "close", **sent)
    assert messages_of(step(boss, session, "close", **sent)) == [
        f"{session} was that already: Booking closed."
    ]
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("sent", ["then", "", "rubbish"])
def test_a_step_of_a_page_that_is_out_of_date_is_refused(
    boss: Client, session: Session, sent: str
) -> None:
    opened = page_version(boss, session) if sent == "then" else sent
    update_session(session, title="Theirs")
    answer = step(boss, session, "close", version=opened)
    assert messages_of(answer)[0].startswith("Somebody has changed this session")
    assert reloaded(session).status == Session.Status.SCHEDULED


def test_a_session_is_finished_once_it_is_over(
    boss: Client, session: Session, past: Session
) -> None:
    assert "/step/finish/" not in text_of(boss.get(page_of(session)))
    assert messages_of(step(boss, session, "finish")) == [
        "A session cannot be finished before it ends."
    ]
    assert "/step/finish/" in text_of(boss.get(page_of(past)))
    assert messages_of(step(boss, past, "finish")) == [f"{past} is now: Finished."]
    assert messages_of(step(boss, past, "close", version=version_of(reloaded(past)))) == [
        "The session is over. Choose another."
    ]


def test_a_session_is_cancelled_with_a_reason(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    session = make_session(enable_waitlist=True)
    booking = make_booking(session, seats=3, now_dt=None)
    make_entry(session, "Zoe", now_dt=None)
    page = text_of(boss.get(page_of(session, "step/cancel")))
    assert "3 seats booked" in page
    assert "1 waits" in page
    sent = ask(boss, session) | {"reason": "Ada is ill"}
    answer = boss.post(page_of(session, "step/cancel"), sent, follow=True)
    assert messages_of(answer) == [f"{session} is now: Cancelled."]
    booking = Booking.objects.get(pk=booking.pk)
    assert (booking.status, booking.cancellation_reason) == ("CANCELLED", "Ada is ill")
    assert booking.cancelled_by.username == "boss"
    assert reloaded(session).cancellation_reason == "Ada is ill"
    assert list(find_problems()) == []
    assert messages_of(boss.post(page_of(session, "step/cancel"), sent, follow=True)) == [
        f"{session} was that already: Cancelled."
    ]


def test_a_question_that_is_out_of_date_is_refused(boss: Client, session: Session) -> None:
    sent = ask(boss, session)
    update_session(session, title="Theirs")
    answer = boss.post(page_of(session, "step/cancel"), sent, follow=True)
    assert messages_of(answer)[0].startswith("Somebody has changed this session")
    assert reloaded(session).is_active


def test_an_unknown_step_is_not_found(boss: Client, session: Session) -> None:
    assert boss.post(page_of(session, "step/rubbish")).status_code == 404
    assert boss.get(page_of(session, "step/close")).status_code == 405
    assert boss.post(f"{LIST}99999/step/close/").status_code == 404
    assert boss.post(f"{LIST}rubbish/step/close/").status_code == 404


Act = Callable[..., Any]


@pytest.fixture
def act(boss: Client) -> Act:
    def do(entry: WaitlistEntry, name: str, client: Client = boss) -> Any:
        url = page_of(entry.session, f"waitlist/{entry.pk}/{name}")
        return client.post(url, follow=True)

    return do


@pytest.fixture
def session_with_queue(
    make_session: MakeSession,
    make_service: Factory,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
) -> Session:
    """A seat is free, and Zoe and Eva wait all the same: it is too late for anybody to book."""
    service = make_service(minimum_notice_minutes=30 * 24 * 60)
    session = make_session(service=service, enable_waitlist=True)
    bookings = [
        make_booking(session, name, now_dt=None, override_policy=True) for name in ("Ann", "Bob")
    ]
    make_booking(session, "Cid", now_dt=None, override_policy=True)
    for name in ("Zoe", "Eva"):
        make_entry(session, name, now_dt=None)
    cancel_booking(bookings[0], override_policy=True)
    return session


def test_staff_promote_somebody_out_of_turn(
    boss: Client, session_with_queue: Session, act: Act
) -> None:
    page = text_of(boss.get(page_of(session_with_queue)))
    assert page.count("/promote/") == page.count("/remove/") == 2
    eva = session_with_queue.waitlist.get(client_name="Eva")
    assert messages_of(act(eva, "promote")) == ["Promoted from the waitlist: Eva."]
    assert waiting_clients(session_with_queue) == ["Zoe"]
    assert booked_clients(session_with_queue)["Eva"] == (1, "CONFIRMED")
    eva.refresh_from_db()
    assert eva.status == WaitlistEntry.Status.ACCEPTED
    assert eva.booking is not None
    assert eva.booking.created_by.username == "boss"
    assert list(find_problems()) == []


def test_promote_is_offered_where_somebody_could_be(
    boss: Client,
    session_with_queue: Session,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    past: Session,
) -> None:
    def offered(session: Session) -> list[str]:
        page = text_of(boss.get(page_of(session)))
        return [
            entry.client_name
            for entry in session.waitlist.order_by("pk")
            if f"/waitlist/{entry.pk}/promote/" in page
        ]

    make_entry(session_with_queue, "Two", 2, now_dt=None)
    assert offered(session_with_queue) == ["Zoe", "Eva"]
    held = make_booking(
        session_with_queue,
        "Dan",
        now_dt=None,
        override_policy=True,
        expires_at=session_with_queue.start_at,
    )
    assert offered(session_with_queue) == []
    Booking._base_manager.filter(pk=held.pk).update(expires_at=timezone.now())
    assert offered(session_with_queue) == ["Zoe", "Eva"]
    before = past.start_at - timedelta(hours=1)
    make_booking(past, seats=3, now_dt=before)
    make_entry(past, "Late", now_dt=before)
    Booking.objects.filter(seat__session=past).delete()
    assert offered(past) == []


def test_booking_is_closed_before_the_session_begins(
    boss: Client, session: Session, past: Session
) -> None:
    assert "/step/close/" in text_of(boss.get(page_of(session)))
    assert "/step/close/" not in text_of(boss.get(page_of(past)))
    close_session(past)
    assert "/step/reopen/" not in text_of(boss.get(page_of(past)))


def test_reopening_names_the_promoted_clients(
    boss: Client,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    start: datetime,
) -> None:
    session = make_session(enable_waitlist=True)
    booking = make_booking(session, seats=3, now_dt=None)
    make_entry(session, "Zoe", now_dt=None)
    close_session(session)
    cancel_booking(booking)
    assert messages_of(step(boss, session, "reopen")) == [
        f"{session} is now: Scheduled.",
        "Promoted from the waitlist: Zoe.",
    ]


def test_a_double_click_promotes_once(session_with_queue: Session, act: Act) -> None:
    eva = session_with_queue.waitlist.get(client_name="Eva")
    act(eva, "promote")
    assert messages_of(act(eva, "promote")) == ["Eva was that already: Accepted."]
    assert Booking.objects.filter(client_name="Eva").count() == 1


def test_offered_seats_are_held(
    boss: Client, make_session: MakeSession, session_with_queue: Session, act: Act
) -> None:
    update_session(session_with_queue, waitlist_offer_minutes=30)
    eva = session_with_queue.waitlist.get(client_name="Eva")
    act(eva, "promote")
    eva.refresh_from_db()
    assert eva.status == WaitlistEntry.Status.OFFERED
    page = text_of(boss.get(page_of(session_with_queue)))
    assert re.findall(r'field-client_name" data-label="[^"]+">(\w+)', page) == ["Zoe", "Eva"]
    assert messages_of(act(eva, "remove")) == ["Removed from the waitlist: Eva."]
    assert booked_clients(session_with_queue).keys() == {"Bob", "Cid"}


def test_nobody_is_promoted_where_no_seat_is_free(
    make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry, act: Act
) -> None:
    session = make_session(enable_waitlist=True)
    make_booking(session, seats=3, now_dt=None)
    zoe = make_entry(session, "Zoe", now_dt=None)
    assert messages_of(act(zoe, "promote")) == ["Not enough seats are left: 1 asked for, 0 free."]
    assert waiting_clients(session) == ["Zoe"]


def test_a_client_who_has_left_is_not_promoted(session_with_queue: Session, act: Act) -> None:
    eva = session_with_queue.waitlist.get(client_name="Eva")
    leave_waitlist(eva)
    assert messages_of(act(eva, "promote")) == [
        "The client does not wait any more. Book the seats instead."
    ]
    assert messages_of(act(eva, "remove")) == ["Eva was that already: Left."]


def test_an_entry_is_reached_by_its_own_session_alone(
    boss: Client, session_with_queue: Session, make_session: MakeSession, start: datetime
) -> None:
    other = make_session(start_at=start + timedelta(hours=5))
    eva = session_with_queue.waitlist.get(client_name="Eva")
    assert boss.post(page_of(other, f"waitlist/{eva.pk}/remove")).status_code == 404
    assert boss.post(page_of(session_with_queue, f"waitlist/{eva.pk}/rubbish")).status_code == 404
    assert boss.get(page_of(session_with_queue, f"waitlist/{eva.pk}/remove")).status_code == 405
    assert waiting_clients(session_with_queue) == ["Zoe", "Eva"]


@pytest.fixture
def class_of_three(past: Session, make_booking: MakeBooking) -> list[Booking]:
    before = past.start_at - timedelta(hours=1)
    return [make_booking(past, name, now_dt=before) for name in ("Ann", "Bob", "Cid")]


def statuses() -> list[str]:
    return [
        str(status) for status in Booking.objects.order_by("pk").values_list("status", flat=True)
    ]


def checklist(client: Client, session: Session) -> dict[str, Any]:
    page = text_of(client.get(page_of(session, "attendance")))
    versions = {f"version-{row.pk}": row.version for row in Booking.objects.all()}
    assert all(name in page for name in versions)
    return versions


def test_attendance_is_ticked_for_many(
    boss: Client, past: Session, class_of_three: list[Booking]
) -> None:
    ann, bob, _cid = class_of_three
    assert page_of(past, "attendance") in text_of(boss.get(page_of(past)))
    sent = checklist(boss, past) | {f"mark-{ann.pk}": "came", f"mark-{bob.pk}": "missed"}
    answer = boss.post(page_of(past, "attendance"), sent, follow=True)
    assert messages_of(answer) == ["2 bookings were marked."]
    assert statuses() == ["COMPLETED", "NO_SHOW", "CONFIRMED"]
    assert ann.events.get(event_type="COMPLETED").actor_user.username == "boss"


def test_all_others_came(boss: Client, past: Session, class_of_three: list[Booking]) -> None:
    sent = checklist(boss, past) | {f"mark-{class_of_three[1].pk}": "missed", "rest_came": "on"}
    boss.post(page_of(past, "attendance"), sent)
    assert statuses() == ["COMPLETED", "NO_SHOW", "COMPLETED"]


def test_a_mark_is_corrected_and_not_taken_back(
    boss: Client, past: Session, class_of_three: list[Booking]
) -> None:
    name = f"mark-{class_of_three[0].pk}"
    for mark, status in (("came", "COMPLETED"), ("missed", "NO_SHOW"), ("", "NO_SHOW")):
        sent = checklist(boss, past) | {name: mark}
        boss.post(page_of(past, "attendance"), sent)
        assert statuses()[0] == status


def test_a_booking_that_was_marked_meanwhile_is_reported(
    boss: Client, past: Session, class_of_three: list[Booking]
) -> None:
    ann, bob, _cid = class_of_three
    sent = checklist(boss, past) | {f"mark-{ann.pk}": "came", f"mark-{bob.pk}": "came"}
    mark_no_show(ann)
    answer = boss.post(page_of(past, "attendance"), sent, follow=True)
    first, second = messages_of(answer)
    assert first == "1 booking was marked."
    assert second.startswith("Ann: Somebody has changed this booking")
    assert statuses() == ["NO_SHOW", "COMPLETED", "CONFIRMED"]


def test_refused_marks_are_reported_and_the_others_are_written(
    boss: Client, past: Session, class_of_three: list[Booking]
) -> None:
    ann, bob, _cid = class_of_three
    sent = checklist(boss, past) | {f"mark-{ann.pk}": "came", f"mark-{bob.pk}": "came"}

    def check(self: Any, actor: Any, verb: str, booking: Booking) -> None:
        if booking.pk == ann.pk:
            raise NotAllowed("Not Ann.")

    with patch("bookings.adapters.DefaultBookingAdapter.check_permission", check):
        answer = boss.post(page_of(past, "attendance"), sent, follow=True)
    assert messages_of(answer) == ["1 booking was marked.", "Ann: Not Ann."]
    assert statuses() == ["CONFIRMED", "COMPLETED", "CONFIRMED"]


def test_an_unmarked_checklist_changes_nothing(
    boss: Client, past: Session, class_of_three: list[Booking]
) -> None:
    answer = boss.post(page_of(past, "attendance"), checklist(boss, past), follow=True)
    assert messages_of(answer) == ["There was nothing to mark."]


@pytest.mark.parametrize("sent", [{}, {"version": "x"}, {"mark": "rubbish"}])
def test_an_invalid_checklist_is_shown_again(
    boss: Client, past: Session, class_of_three: list[Booking], sent: dict[str, str]
) -> None:
    key = class_of_three[0].pk
    values = {} if not sent else checklist(boss, past) | {f"{n}-{key}": v for n, v in sent.items()}
    assert boss.post(page_of(past, "attendance"), values).status_code == 200
    assert statuses() == ["CONFIRMED"] * 3


def test_a_booking_that_cannot_be_marked_has_no_choice(
    boss: Client,
    past: Session,
    make_booking: MakeBooking,
    class_of_three: list[Booking],
    make_service: Factory,
) -> None:
    cancel_booking(class_of_three[0], override_policy=True, now_dt=past.start_at)
    Booking._base_manager.filter(pk=class_of_three[1].pk).update(status="PENDING")
    page = text_of(boss.get(page_of(past, "attendance")))
    assert "Ann" not in page
    assert page.count("Cannot be marked in this status.") == 1
    assert page.count("<fieldset>") == 1


def test_an_empty_class_has_no_checklist(boss: Client, past: Session) -> None:
    assert "Nobody has booked this session." in text_of(boss.get(page_of(past, "attendance")))


def test_attendance_waits_for_the_start(boss: Client, session: Session, past: Session) -> None:
    cancel_session(past)
    for one in (session, past):
        assert "/attendance/" not in text_of(boss.get(page_of(one)))
        answer = boss.get(page_of(one, "attendance"), follow=True)
        assert messages_of(answer) == ["Attendance is marked once the session has begun."]


PAGES = ["change", "step/close", "step/cancel", "attendance", "waitlist/{}/promote"]


@pytest.mark.parametrize("page", PAGES)
def test_a_viewer_sees_and_posts_nothing(
    viewer: Client, session_with_queue: Session, past: Session, page: str
) -> None:
    eva = session_with_queue.waitlist.get(client_name="Eva")
    shown = text_of(viewer.get(page_of(session_with_queue)))
    assert "Eva" in shown
    assert all(word not in shown for word in ("/step/", "/waitlist/", 'name="_save"'))
    assert "/attendance/" not in text_of(viewer.get(page_of(past)))
    before = [list(Session.objects.values()), list(Booking.objects.values())]
    url = page_of(session_with_queue, page.format(eva.pk))
    assert viewer.post(url, {"version": "x", "_answered": "1"}).status_code == 403
    assert [list(Session.objects.values()), list(Booking.objects.values())] == before
    assert viewer.get(ADD).status_code == 403
    assert ADD not in text_of(viewer.get(LIST))


@pytest.mark.parametrize("page", PAGES)
def test_other_staff_and_visitors_see_nothing(
    stranger: Client, client: Client, session_with_queue: Session, page: str
) -> None:
    url = page_of(session_with_queue, page.format(session_with_queue.waitlist.first().pk))  # type: ignore[union-attr]
    assert stranger.post(url).status_code == 403
    assert client.post(url).status_code == 302
    assert stranger.get(LIST).status_code == 403


def test_a_manager_needs_no_other_permission(
    manager: Client, session_with_queue: Session, past: Session
) -> None:
    booking = Booking.objects.filter(client_name="Bob").get()
    page = text_of(manager.get(page_of(session_with_queue)))
    assert booking.reference in page
    assert "/bookings/booking/" not in page
    step(manager, session_with_queue, "close")
    assert reloaded(session_with_queue).closed_by_staff
    assert manager.get(page_of(past, "attendance")).status_code == 200


def test_the_second_admin_has_the_pages_too(
    boss: Client, session_with_queue: Session, past: Session
) -> None:
    page = text_of(boss.get(page_of(session_with_queue, site="desk")))
    assert "/desk/bookings_group_sessions/session/" in page
    assert "/admin/bookings" not in page
    for name in ("attendance", "step/cancel"):
        text = text_of(boss.get(page_of(past, name, site="desk")))
        assert "/admin/bookings" not in text


def test_a_step_needs_the_csrf_token(session_with_queue: Session) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(get_user_model().objects.create_superuser("strict"))
    for page in (
        "step/close",
        "attendance",
        f"waitlist/{session_with_queue.waitlist.get(client_name='Eva').pk}/remove",
    ):
        assert strict.post(page_of(session_with_queue, page)).status_code == 403
    close_session(session_with_queue)
