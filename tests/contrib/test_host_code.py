"""The host's code is asked before a calendar is locked; under the lock, only what the guide names.

An adapter or a slot engine may be slow. Whatever it does while a calendar is locked, everybody else
who books that provider waits for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import QuerySet

from bookings import services as core
from bookings.adapters import DefaultBookingAdapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions import services as sessions
from bookings.contrib.group_sessions import waitlist_retry
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.payments import services as payments
from bookings.contrib.payments.refund_rules import Tier
from bookings.contrib.schedule import services as schedule
from bookings.contrib.series import services as series
from bookings.models import Booking
from tests.calendar_locks import CalendarLocks

pytestmark = pytest.mark.django_db

NOW: Final = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)
START: Final = datetime(2131, 3, 7, 10, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

locks = CalendarLocks()
under_lock: set[str] = set()
"""The methods of the adapter, and the engine, that were called while a calendar was locked."""
asked: set[str] = set()
"""Those that were called at all."""


def _note(name: str) -> None:
    asked.add(name)
    if locks.are_held():
        under_lock.add(name)


class Watching(DefaultBookingAdapter):
    """The default adapter, whose every method notes when it is called."""


def _watched(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        _note(name)
        return getattr(DefaultBookingAdapter, name)(self, *args, **kwargs)

    return method


for _name, _function in inspect.getmembers(DefaultBookingAdapter, inspect.isfunction):
    setattr(Watching, _name, _watched(_name))


def engine(
    service: Any, provider: Any, start_dt: datetime, end_dt: datetime, override_policy: bool
) -> list[datetime]:
    _note("engine")
    return [start_dt]


@pytest.fixture(autouse=True)
def _watch(settings: Any) -> Iterator[None]:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Watching"
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.engine"
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 99
    with connection.execute_wrapper(locks):
        yield


class Host:
    """A provider with a colleague, a service that is approved, a class, and an add-on."""

    def __init__(self) -> None:
        self.providers = [self.make("PROVIDER_MODEL", name=name) for name in ("Ada", "Grace")]
        values = {"duration_minutes": 60, "price_amount": 20, "currency": "USD"}
        self.massage = self.make("SERVICE_MODEL", name="Massage", **values)
        self.surgery = self.make("SERVICE_MODEL", name="Surgery", requires_approval=True, **values)
        self.shared = self.make(
            "SERVICE_MODEL",
            name="Sauna",
            allow_multiple_clients_per_slot=True,
            capacity=5,
            **values,
        )
        schedule.create_schedule(
            timezone="UTC", hours={day: [("09:00", "18:00")] for day in range(7)}
        )
        self.addon = self.make("ADDON_MODEL", name="Tea", price_amount=2, currency="USD")

    def make(self, setting: str, **values: Any) -> Any:
        model = apps.get_model(app_settings.model_label(setting))
        return model._default_manager.create(**values)

    def book(self, **values: Any) -> Booking:
        given = {
            "service": self.massage,
            "provider": self.providers[0],
            "start_at": START,
            "client_name": "Kim",
            "client_email": "kim@example.com",
            "now_dt": NOW,
        }
        return core.create_booking(**(given | values))

    def request(self) -> Booking:
        return self.book(service=self.surgery)

    def hold(self) -> Booking:
        return self.book(expires_at=NOW + timedelta(minutes=15))

    def session(self, start_at: datetime = START, **values: Any) -> Any:
        given = {"service": self.massage, "provider": self.providers[0], "now_dt": NOW}
        return sessions.create_session(start_at=start_at, **({"capacity": 2} | given | values))

    def seat(self, session: Any, name: str = "Kim", seats: int = 1) -> Booking:
        return sessions.book_seat(session, client_name=name, seats=seats, now_dt=NOW)

    def waited_for(self) -> tuple[Any, Booking, Any]:
        """Return a full session, the booking of all its seats, and an entry that waits."""
        session = self.session(enable_waitlist=True)
        booking = self.seat(session, "Lee", 2)
        entry = sessions.join_waitlist(session, client_name="Kim", now_dt=NOW)
        return session, booking, entry

    def pending_without_approval(self) -> Booking:
        """Return a request whose service does not ask for approval any more."""
        booking = self.request()
        Booking.objects.filter(pk=booking.pk).update(requires_approval=False)
        booking.refresh_from_db()
        return booking

    def pay(self, booking: Booking, **values: Any) -> Any:
        given = {"amount": 20, "external_id": "p1", "now_dt": NOW}
        return payments.record_payment(booking, **(given | values))

    def series(self, **values: Any) -> Any:
        given = {
            "rrule": "FREQ=DAILY;COUNT=3",
            "timezone": "UTC",
            "start_at": START,
            "service": self.massage,
            "provider": self.providers[0],
            "client_name": "Kim",
            "now_dt": NOW,
        }
        return series.create_series(**(given | values))

    def session_series(self) -> Any:
        return series.create_session_series(
            rrule="FREQ=DAILY;COUNT=3",
            timezone="UTC",
            start_at=START,
            service=self.massage,
            provider=self.providers[0],
            now_dt=NOW,
        )


Prepared = Callable[[], Any]
ALWAYS: Final = {"check_permission", "generate_reference"}
LIMITS: Final = {"limits", "time_zone", "named_seats"}
APPROVED: Final = {"check_bookable", "check_active", "requires_approval", "approval_deadline"}
COMPLETED: Final = {*APPROVED, "questions"}
MOVED: Final = {"check_bookable", "check_active", "check_addon", "approval_deadline"}
PROMOTED: Final = {*APPROVED, "booking_types", "price", "max_reschedules"}


def _on(verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Prepared:
    return lambda: verb(*args, **({"now_dt": NOW} | kwargs))


def _after(prepare: Callable[[], Any], call: Prepared) -> Prepared:
    prepare()
    return call


def _delivered(host: Host) -> Booking:
    return core.deliver_booking(host.book(), now_dt=START)


def _cancelled(host: Host) -> Booking:
    return core.cancel_booking(host.book(), now_dt=NOW)


def _expired_request(host: Host) -> Booking:
    request = host.request()
    Booking._base_manager.filter(pk=request.pk).update(expires_at=NOW + timedelta(minutes=15))
    request.refresh_from_db()
    return core.expire_booking(request, now_dt=NOW + HOUR)


def _booked(host: Host) -> Any:
    session = host.session()
    host.seat(session)
    return session


def _seat(host: Host, session: Any) -> Prepared:
    return lambda: host.seat(session)


def _asked(host: Host) -> Booking:
    host.massage.questions = [{"name": "size", "label": "Size"}]
    host.massage.save()
    return host.book()


def _saved(booking: Booking) -> Prepared:
    booking.start_at, booking.end_at = START + HOUR, START + 2 * HOUR
    return booking.save


def _saved_with_two_seats(booking: Booking) -> Prepared:
    booking.party_size = 2
    return booking.save


def _paid(host: Host, booking: Booking, **values: Any) -> Prepared:
    return lambda: host.pay(booking, **values)


def _promotable(host: Host) -> Prepared:
    """Free a seat for an entry that is not promoted by itself, because booking is closed."""
    session, booking, entry = host.waited_for()
    sessions.close_session(session, now_dt=NOW)
    core.cancel_booking(booking, now_dt=NOW)
    return lambda: sessions.promote_from_waitlist(entry, now_dt=NOW)


def _refused(host: Host) -> Prepared:
    """Free a seat for an entry that was refused before, and return the sweep."""
    _promotable(host)
    WaitlistEntry.objects.update(refusal="limit_reached")
    QuerySet(Session).update(closed_by_staff=False, status=Session.Status.SCHEDULED)
    return lambda: waitlist_retry.retry_all(using="default", now=NOW)


def _waived(host: Host) -> Prepared:
    booking = core.cancel_booking(_paid_for(host), now_dt=NOW, by="provider")
    return _on(payments.waive_refund, booking)


def _time_off(host: Host) -> Any:
    times = {"start_at": START, "end_at": START + HOUR, "now_dt": NOW}
    return schedule.take_time_off(provider=host.providers[0], **times)


def _cancelling(time_off: Any) -> Prepared:
    return lambda: schedule.cancel_time_off(time_off)


def _closed_and_waited_for(host: Host) -> Prepared:
    session, booking, _entry = host.waited_for()
    sessions.close_session(session, now_dt=NOW)
    core.cancel_booking(booking, now_dt=NOW)
    return _on(sessions.reopen_session, session)


def _paid_for(host: Host) -> Booking:
    booking = host.book()
    host.pay(booking)
    return booking


def _of_series(host: Host, verb: Callable[..., Any], **kwargs: Any) -> Prepared:
    booking = host.series().bookings[0]
    return _on(verb, booking.occurrence, scope="all", **kwargs)


def _course(published: Any) -> Prepared:
    occurrence = published.series.occurrences.first()
    return _on(series.book_session_series, occurrence, client_name="Kim")


def _of_course(host: Host, verb: Callable[..., Any], **kwargs: Any) -> Prepared:
    published = host.session_series()
    _course(published)()
    return _on(verb, published.series.occurrences.first(), scope="all", **kwargs)


# What prepares each verb and returns the call to watch, and what may be asked under the lock
# besides what always may.
VERBS: Final[dict[str, tuple[Callable[[Host], Prepared], set[str]]]] = {
    "create": (lambda h: lambda: h.book(addon_ids=[h.addon.pk]), set()),
    "create a request": (lambda h: h.request, set()),
    "hold": (
        lambda h: (
            lambda: core.hold_booking(
                service=h.massage, provider=h.providers[0], start_at=START, now_dt=NOW
            )
        ),
        set(),
    ),
    "extend": (lambda h: _on(core.extend_hold, h.hold(), minutes=30), set()),
    "submit": (lambda h: _on(core.submit_hold, h.hold(), client_name="Lee"), COMPLETED),
    "confirm a hold": (lambda h: _on(core.confirm_booking, h.hold(), client_name="Lee"), COMPLETED),
    "confirm": (lambda h: _on(core.confirm_booking, h.request(), client_name="Lee"), APPROVED),
    "decline": (lambda h: _on(core.decline_booking, h.request()), set()),
    "cancel": (lambda h: _on(core.cancel_booking, h.book()), set()),
    "reschedule": (
        lambda h: _on(
            core.reschedule_booking,
            h.book(),
            new_start_at=START + HOUR,
            new_provider=h.providers[1],
            addon_ids=[h.addon.pk],
        ),
        MOVED,
    ),
    "change the party size": (
        lambda h: _on(core.change_party_size, h.book(service=h.shared), 2),
        {"check_bookable", "check_active"},
    ),
    "deliver": (lambda h: _on(core.deliver_booking, h.book(), now_dt=START), set()),
    "dispute": (lambda h: _on(core.dispute_booking, _delivered(h), reason="No"), set()),
    "reopen": (
        lambda h: _on(core.reopen_booking, _cancelled(h)),
        {"check_bookable", "check_active"},
    ),
    "reopen a request": (
        lambda h: _on(core.reopen_booking, _expired_request(h), now_dt=NOW + HOUR),
        {"check_bookable", "check_active", "approval_deadline"},
    ),
    "complete": (lambda h: _on(core.complete_booking, h.book(), now_dt=START), set()),
    "no-show": (lambda h: _on(core.mark_no_show, h.book(), now_dt=START), set()),
    "update": (lambda h: _on(core.update_booking, h.hold(), client_name="Lee"), set()),
    "answer": (
        lambda h: _on(core.update_booking, _asked(h), answers={"size": "L"}),
        {"questions"},
    ),
    "metadata": (lambda h: _on(core.merge_metadata, h.book(), {"room": 4}), set()),
    "note": (lambda h: _on(core.add_note, h.book(), "Called."), set()),
    "save": (lambda h: _saved(h.book()), set()),
    "save with more seats": (
        lambda h: _saved_with_two_seats(h.seat(h.session())),
        {"check_bookable", "check_active"},
    ),
    "delete": (lambda h: h.book().delete, set()),
    "expire": (
        lambda h: _on(core.expire_booking, h.hold(), now_dt=NOW + HOUR),
        set(),
    ),
    "expire many": (
        lambda h: _after(h.hold, lambda: core.expire_bookings(now_dt=NOW + HOUR)),
        set(),
    ),
    "cancel many": (
        lambda h: _after(h.book, lambda: core.auto_cancel_expired_bookings(now_dt=START + 7 * DAY)),
        set(),
    ),
    "complete many": (
        lambda h: _after(
            lambda: _delivered(h), lambda: core.auto_complete_bookings(now_dt=START + 7 * DAY)
        ),
        set(),
    ),
    "anonymize": (
        lambda h: _after(
            lambda: h.book(client_email="a@example.com"),
            lambda: core.anonymize_client(email="a@example.com", now_dt=NOW),
        ),
        set(),
    ),
    "ask for meeting links": (
        lambda h: _after(h.book, lambda: core.request_meeting_links(now_dt=NOW + HOUR)),
        set(),
    ),
    "refund": (
        lambda h: _on(payments.record_refund, h.pay(h.book()).payment, amount=5, external_id="r1"),
        set(),
    ),
    "grant a refund": (lambda h: _on(payments.grant_refund, _paid_for(h)), set()),
    "pay a hold": (lambda h: _paid(h, h.hold()), COMPLETED),
    "pay a request": (lambda h: _paid(h, h.pending_without_approval()), APPROVED),
    "pay in part": (lambda h: _paid(h, h.request(), amount=5), set()),
    "pay an expired hold": (
        lambda h: _paid(h, h.hold(), processed_at=NOW, now_dt=NOW + HOUR),
        COMPLETED,
    ),
    "waive a refund": (_waived, set()),
    "set a refund policy": (
        lambda h: (
            lambda: payments.set_refund_policy(
                [Tier(notice_minutes=60, refund_percent=50)], service=h.massage
            )
        ),
        set(),
    ),
    "take time off": (lambda h: lambda: _time_off(h), set()),
    "move time off": (
        lambda h: _on(
            schedule.move_time_off, _time_off(h), start_at=START + HOUR, end_at=START + 2 * HOUR
        ),
        set(),
    ),
    "cancel time off": (
        lambda h: _cancelling(_time_off(h)),
        set(),
    ),
    "generate sessions": (
        lambda h: (
            lambda: sessions.generate_sessions(
                service=h.massage,
                provider=h.providers[0],
                start_date=NOW.date() + DAY,
                end_date=NOW.date() + DAY,
                slot_duration_minutes=60,
                capacity=3,
                now_dt=NOW,
            )
        ),
        set(),
    ),
    "close a session": (lambda h: _on(sessions.close_session, h.session()), set()),
    "open a session that is waited for": (_closed_and_waited_for, PROMOTED),
    "finish sessions": (
        lambda h: _after(lambda: _booked(h), lambda: sessions.finish_sessions(now_dt=START + DAY)),
        set(),
    ),
    "publish a session": (lambda h: h.session, set()),
    "update a session": (
        lambda h: _on(
            sessions.update_session,
            h.session(),
            start_at=START + HOUR,
            provider=h.providers[1],
            price_amount=5,
        ),
        set(),
    ),
    "cancel a session": (lambda h: _on(sessions.cancel_session, _booked(h)), set()),
    "book a seat": (lambda h: _seat(h, h.session()), set()),
    "move a seat": (
        lambda h: _on(sessions.move_seat, h.seat(h.session()), h.session(START + DAY)),
        MOVED,
    ),
    "join a waitlist": (
        lambda h: _on(sessions.join_waitlist, h.waited_for()[0], client_name="Max"),
        set(),
    ),
    "leave a waitlist": (lambda h: _on(sessions.leave_waitlist, h.waited_for()[2]), set()),
    "promote": (_promotable, set()),
    "try refused entries again": (_refused, set()),
    "cancel a seat that is waited for": (
        lambda h: _on(core.cancel_booking, h.waited_for()[1]),
        PROMOTED,
    ),
    "add seats that are waited for": (
        lambda h: _on(sessions.update_session, h.waited_for()[0], capacity=3),
        PROMOTED,
    ),
    "mark attendance": (
        lambda h: _on(sessions.mark_attendance, _booked(h), attended=[], now_dt=START + HOUR),
        set(),
    ),
    "finish a session": (
        lambda h: _on(sessions.finish_session, _booked(h), now_dt=START + DAY),
        set(),
    ),
    "create a series": (lambda h: h.series, set()),
    "find alternatives": (
        lambda h: _after(
            lambda: h.book(start_at=START + DAY),
            lambda: h.series(on_conflict="skip", alternatives=3),
        ),
        set(),
    ),
    "move a series": (
        lambda h: _of_series(h, series.reschedule_series, new_start_at=START + HOUR),
        MOVED,
    ),
    "cancel a series": (lambda h: _of_series(h, series.cancel_series), set()),
    "update a series": (
        lambda h: _of_series(h, series.update_series, notes_internal="Tea"),
        set(),
    ),
    "add to a series": (
        lambda h: _on(
            series.add_occurrence,
            h.series().series.occurrences.first(),
            start_at=START + 9 * DAY,
        ),
        set(),
    ),
    "add to a series of sessions": (
        lambda h: _on(
            series.add_occurrence,
            h.session_series().series.occurrences.first(),
            start_at=START + 9 * DAY,
        ),
        set(),
    ),
    "publish a series": (lambda h: h.session_series, set()),
    "book a series": (lambda h: _course(h.session_series()), set()),
    "move a series of sessions": (
        lambda h: _of_course(h, series.reschedule_series, new_start_at=START + HOUR),
        {"check_bookable", "check_active"},
    ),
    "update a series of sessions": (
        lambda h: _of_course(h, series.update_series, title="Tea"),
        set(),
    ),
    "cancel a series of sessions": (lambda h: _of_course(h, series.cancel_series), set()),
}

PACKAGES: Final = {
    "core": core,
    "sessions": sessions,
    "payments": payments,
    "series": series,
    "schedule": schedule,
}
VERBS_OF_SERVICE: Final[dict[str, set[str]]] = {
    "core.create_booking": {"create", "create a request"},
    "core.hold_booking": {"hold"},
    "core.extend_hold": {"extend"},
    "core.submit_hold": {"submit"},
    "core.confirm_booking": {"confirm", "confirm a hold"},
    "core.decline_booking": {"decline"},
    "core.cancel_booking": {"cancel", "cancel a seat that is waited for"},
    "core.reschedule_booking": {"reschedule"},
    "core.change_party_size": {"change the party size"},
    "core.deliver_booking": {"deliver"},
    "core.dispute_booking": {"dispute"},
    "core.reopen_booking": {"reopen", "reopen a request"},
    "core.complete_booking": {"complete"},
    "core.mark_no_show": {"no-show"},
    "core.update_booking": {"update", "answer"},
    "core.merge_metadata": {"metadata"},
    "core.add_note": {"note"},
    "core.anonymize_client": {"anonymize"},
    "core.request_meeting_links": {"ask for meeting links"},
    "core.expire_booking": {"expire"},
    "core.expire_bookings": {"expire many"},
    "core.auto_cancel_expired_bookings": {"cancel many"},
    "core.auto_complete_bookings": {"complete many"},
    "payments.record_refund": {"refund"},
    "payments.grant_refund": {"grant a refund"},
    "payments.record_payment": {
        "pay a hold",
        "pay a request",
        "pay in part",
        "pay an expired hold",
    },
    "payments.waive_refund": {"waive a refund"},
    "payments.set_refund_policy": {"set a refund policy"},
    "schedule.take_time_off": {"take time off"},
    "schedule.move_time_off": {"move time off"},
    "schedule.cancel_time_off": {"cancel time off"},
    "sessions.generate_sessions": {"generate sessions"},
    "sessions.close_session": {"close a session"},
    "sessions.reopen_session": {"open a session that is waited for"},
    "sessions.finish_sessions": {"finish sessions"},
    "sessions.create_session": {"publish a session"},
    "sessions.update_session": {"update a session", "add seats that are waited for"},
    "sessions.cancel_session": {"cancel a session"},
    "sessions.book_seat": {"book a seat"},
    "sessions.move_seat": {"move a seat"},
    "sessions.join_waitlist": {"join a waitlist"},
    "sessions.leave_waitlist": {"leave a waitlist"},
    "sessions.promote_from_waitlist": {"promote"},
    "sessions.mark_attendance": {"mark attendance"},
    "sessions.finish_session": {"finish a session"},
    "series.create_series": {"create a series", "find alternatives"},
    "series.reschedule_series": {"move a series", "move a series of sessions"},
    "series.cancel_series": {"cancel a series", "cancel a series of sessions"},
    "series.update_series": {"update a series", "update a series of sessions"},
    "series.add_occurrence": {"add to a series", "add to a series of sessions"},
    "series.create_session_series": {"publish a series"},
    "series.book_session_series": {"book a series"},
}
WITHOUT_SERVICE: Final = {"save", "save with more seats", "delete", "try refused entries again"}
WITHOUT_CALENDAR: Final = {
    "schedule.create_schedule",
    "schedule.set_week",
    "schedule.copy_schedule",
    "schedule.add_closures",
    "schedule.remove_closures",
    "sessions.mark_notified",
}
"""Services that lock no calendar."""

NEEDS_ENGINE: Final = {
    "create",
    "hold",
    "reschedule",
    "confirm",
    "create a series",
    "find alternatives",
    "move a series",
    "add to a series",
}


def test_every_service_has_its_verb() -> None:
    services = {
        f"{label}.{name}"
        for label, package in PACKAGES.items()
        for name in package.__all__
        if inspect.isfunction(getattr(package, name))
    }
    assert services == VERBS_OF_SERVICE.keys() | WITHOUT_CALENDAR
    assert set(VERBS) == WITHOUT_SERVICE.union(*VERBS_OF_SERVICE.values())


def _watch_service(verb: str, called: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Note the calls of the service that the verb is of."""
    for label in [label for label, verbs in VERBS_OF_SERVICE.items() if verb in verbs]:
        package, _, name = label.partition(".")
        monkeypatch.setattr(
            PACKAGES[package], name, _noting(getattr(PACKAGES[package], name), called)
        )


def _noting(function: Callable[..., Any], called: list[str]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        called.append(function.__name__)
        return function(*args, **kwargs)

    return call


@pytest.mark.parametrize("name", VERBS)
def test_under_the_lock_only_what_is_documented_is_asked(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    _watch_service(name, called, monkeypatch)
    prepare, allowed = VERBS[name]
    call = prepare(Host())
    for noted in (under_lock, asked, called):
        noted.clear()
    call()
    assert bool(called) is (name not in WITHOUT_SERVICE)
    assert under_lock <= ALWAYS | LIMITS | allowed
    assert name not in NEEDS_ENGINE or "engine" in asked


@pytest.mark.parametrize("prepare", [_promotable, _refused])
def test_a_promotion_has_asked_everything_before_the_lock(
    prepare: Callable[[Host], Prepared],
) -> None:
    call = prepare(Host())
    for noted in (under_lock, asked):
        noted.clear()
    call()
    assert list(WaitlistEntry.objects.values_list("status", flat=True)) == ["ACCEPTED"]
    assert {"check_bookable", "price", "booking_types", "requires_approval"} <= asked - under_lock


def test_the_watch_notices_what_is_asked_under_the_lock() -> None:
    booking = Host().request()
    under_lock.clear()
    core.confirm_booking(booking, now_dt=NOW)
    assert {"check_permission", "check_bookable"} <= under_lock
    assert "engine" in asked
    assert not locks.are_held()
