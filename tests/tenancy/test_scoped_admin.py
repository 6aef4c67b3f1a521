"""Staff of one tenant see and reach nothing of another one's, whatever they open or send."""

from __future__ import annotations

import datetime
from typing import Any, Final

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from bookings.contrib.group_sessions.models import Seat, Session
from bookings.contrib.group_sessions.services import book_seat, create_session
from bookings.contrib.payments.models import Payment, RefundPolicy
from bookings.contrib.payments.services import record_payment
from bookings.contrib.schedule.models import Schedule, TimeOff
from bookings.contrib.schedule.services import create_schedule, take_time_off
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import create_series, create_session_series
from bookings.models import Booking
from bookings.services import create_booking
from tests.admin.page import FormData, errors_of, form_values, messages_of, text_of
from tests.hosts.samples import Host, make, make_host
from tests.tenancy.scoped_urls import branch

pytestmark = pytest.mark.django_db

DAY: Final = timezone.localdate() + datetime.timedelta(days=2)
SITES: Final = ["branch", "bare"]
SECRET: Final = "Zenobia Quirk"


def at(hour: int) -> datetime.datetime:
    return datetime.datetime.combine(DAY, datetime.time(hour), datetime.UTC)


@pytest.fixture(autouse=True)
def _scoped(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.tenancy.scoped_urls"


def host_named(name: str) -> Host:
    host = make_host()
    host.tenant.name = name
    for part in ("service", "provider", "addon"):
        getattr(host, part).name = f"{part} of {name}"
        getattr(host, part).save()
    host.tenant.save()
    return host


@pytest.fixture
def ours() -> Host:
    return host_named("Ours")


@pytest.fixture
def theirs() -> Host:
    return host_named("Theirs")


@pytest.fixture
def staff(ours: Host) -> Client:
    """A superuser, whose name is that of the tenant: only the scopes keep them apart."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("Ours"))
    return client


def book(host: Host, hour: int = 10, **values: Any) -> Booking:
    given = {"service": host.service, "provider": host.provider, "tenant": host.tenant}
    return create_booking(**(given | {"start_at": at(hour), "client_name": SECRET} | values))


def shared(booking: Booking, host: Host) -> Booking:
    """Let a booking be one of this host's provider, as if both tenants shared the provider."""
    Booking._base_manager.filter(pk=booking.pk).update(tenant=host.tenant)
    return booking


def times(first: int, last: int) -> dict[str, str]:
    return {
        "start_at_0": f"{DAY}",
        "start_at_1": f"{first}:00",
        "end_at_0": f"{DAY}",
        "end_at_1": f"{last}:00",
    }


def assert_hidden(page: str, *parts: Any) -> None:
    for part in parts:
        assert str(part) not in page


# What is in the way is only busy.


@pytest.mark.parametrize("site", [*SITES, "nobody"])
def test_time_off_over_another_tenants_booking_says_that_it_is_busy(
    staff: Client, ours: Host, theirs: Host, site: str
) -> None:
    booking = shared(book(ours), theirs)
    url = f"/{site}/bookings_schedule/timeoff/add/"
    sent = form_values(staff.get(url), "timeoff_form") | {"provider": ours.provider.pk}
    page = text_of(staff.post(url, sent | times(9, 12)))
    assert "1 booking lies in that time." in page
    assert f"Busy · {date(10)} – {date(11)}" in page
    assert_hidden(page, booking.reference, SECRET)
    assert not TimeOff.objects.exists()


def date(hour: int) -> str:
    return date_format(timezone.localtime(at(hour)), "DATETIME_FORMAT")


def test_moved_time_off_says_the_same(staff: Client, ours: Host, theirs: Host) -> None:
    booking = shared(book(ours), theirs)
    time_off = take_time_off(provider=ours.provider, start_at=at(14), end_at=at(15))
    url = f"/branch/bookings_schedule/timeoff/{time_off.pk}/change/"
    page = text_of(staff.post(url, form_values(staff.get(url), "timeoff_form") | times(9, 15)))
    assert "Busy" in page
    assert_hidden(page, booking.reference, SECRET)


@pytest.mark.parametrize("site", [*SITES, "nobody"])
def test_closing_dates_says_that_they_are_busy(
    staff: Client, ours: Host, theirs: Host, site: str
) -> None:
    booking, own = shared(book(ours), theirs), book(ours, 14, client_name="Mary")
    schedule = create_schedule(provider=ours.provider)
    url = f"/{site}/bookings_schedule/schedule/"
    sent = {"action": "close_dates", "_selected_action": [schedule.pk]}
    question = form_values(staff.post(url, sent), "schedule_question_form")
    done = staff.post(url, question | {"first_date": f"{DAY}"}, follow=True)
    said = " ".join(messages_of(done))
    assert "2 bookings lie on closed days" in said
    assert "Busy" in said
    assert (own.reference in said) is ("Mary" in said) is (site != "nobody")
    assert_hidden(text_of(done), booking.reference, SECRET)


def test_the_calendar_shows_another_tenants_booking_as_busy(
    staff: Client, ours: Host, theirs: Host
) -> None:
    booking = shared(book(ours), theirs)
    page = text_of(staff.get("/branch/bookings/booking/calendar/", {"day": f"{DAY}"}))
    assert ">Busy<" in page
    assert_hidden(page, booking.reference, SECRET, "Theirs")


# Lists, filters, searches.


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("offers_empty", [True, False])
def test_no_sidebar_names_another_tenants_objects(
    staff: Client, ours: Host, theirs: Host, site: str, *, offers_empty: bool
) -> None:
    for host in (ours, theirs):
        second = make("PROVIDER_MODEL", tenant=host.tenant)
        for number, provider in enumerate((host.provider, second)):
            book(host, 10 + number, provider=provider)
            create_schedule(provider=provider)
            take_time_off(provider=provider, start_at=at(13), end_at=at(14))
            create_session(
                service=host.service, provider=provider, tenant=host.tenant, start_at=at(15)
            )
            create_series(
                rrule="FREQ=DAILY;COUNT=1",
                timezone="UTC",
                start_at=at(17),
                service=host.service,
                provider=provider,
                tenant=host.tenant,
                client_name=SECRET,
            )
        if offers_empty:
            create_schedule(tenant=host.tenant)
    for path in (
        "bookings/booking",
        "bookings_group_sessions/session",
        "bookings_series/series",
        "bookings_schedule/timeoff",
        "bookings_schedule/schedule",
    ):
        page = text_of(staff.get(f"/{site}/{path}/"))
        assert_hidden(page, "Theirs")
        assert "provider of Ours" in page


@pytest.mark.parametrize("site", SITES)
def test_a_filter_by_another_tenants_object_finds_nothing(
    staff: Client, ours: Host, theirs: Host, site: str
) -> None:
    book(theirs)
    url = f"/{site}/bookings/booking/"
    for asked in (
        {"provider__id__exact": theirs.provider.pk},
        {"tenant__id__exact": theirs.tenant.pk},
        {"q": SECRET},
    ):
        assert_hidden(text_of(staff.get(url, asked)).replace(f'value="{SECRET}"', ""), SECRET)


def test_a_search_of_sessions_finds_none_by_a_hidden_client(
    staff: Client, ours: Host, theirs: Host
) -> None:
    session = publish(ours)
    shared(book_seat(session, client_name=SECRET), theirs)
    book_seat(session, client_name="Mary")
    url = "/branch/bookings_group_sessions/session/"
    found = {
        term: list(staff.get(url, {"q": term}).context["cl"].result_list)
        for term in (SECRET, "Mary", '"Mary"', "mary ours", "nobody", " ")
    }
    assert [term for term, rows in found.items() if rows] == ["Mary", '"Mary"', " "]


def test_a_search_of_payments_finds_none_by_a_hidden_client(
    staff: Client, ours: Host, theirs: Host
) -> None:
    booking = book(ours, client_name="Mary")
    record_payment(booking, amount=1, external_id="p1")
    url = "/branch/bookings_payments/payment/"
    assert len(staff.get(url, {"q": "Mary"}).context["cl"].result_list) == 1
    client = Client()
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_payment"))
    client.force_login(user)
    url = "/nobody/bookings_payments/payment/"
    assert len(client.get(url, {"q": "p1"}).context["cl"].result_list) == 1
    assert len(client.get(url, {"q": booking.reference}).context["cl"].result_list) == 1
    assert len(client.get(url, {"q": "Mary"}).context["cl"].result_list) == 0


# Forms that are opened by a link.


@pytest.mark.parametrize("path", ["bookings/booking", "bookings_group_sessions/session"])
def test_a_link_names_no_object_of_another_tenant(
    staff: Client, ours: Host, theirs: Host, path: str
) -> None:
    linked = {
        "tenant": theirs.tenant.pk,
        "service": theirs.service.pk,
        "provider": theirs.provider.pk,
        "addons": theirs.addon.pk,
    }
    page = text_of(staff.get(f"/branch/{path}/add/", linked))
    assert_hidden(page, "Theirs")
    own = staff.get(f"/branch/{path}/add/", {"provider": ours.provider.pk})
    assert "provider of Ours" in text_of(own)


@pytest.mark.parametrize("model", ["schedule", "timeoff"])
def test_a_link_names_no_provider_of_another_tenant(
    staff: Client, ours: Host, theirs: Host, model: str
) -> None:
    url = f"/branch/bookings_schedule/{model}/add/"
    page = text_of(staff.get(url, {"provider": theirs.provider.pk, "tenant": theirs.tenant.pk}))
    assert_hidden(page, "Theirs")


# What is sent.


def add_form(staff: Client, site: str, host: Host, **values: Any) -> FormData:
    given = {
        "tenant": host.tenant.pk,
        "service": host.service.pk,
        "provider": host.provider.pk,
        "client_name": "Mary",
    }
    return form_values(staff.get(f"/{site}/bookings/booking/add/")) | given | times(10, 11) | values


def test_no_booking_is_made_for_another_tenant(staff: Client, ours: Host, theirs: Host) -> None:
    url = "/branch/bookings/booking/add/"
    response = staff.post(url, add_form(staff, "branch", theirs, addons=[theirs.addon.pk]))
    assert errors_of(response).keys() == {"tenant", "service", "provider", "addons"}
    assert_hidden(text_of(response), "Theirs")
    assert staff.post(url, add_form(staff, "branch", ours)).status_code == 302
    assert Booking.objects.get().tenant == ours.tenant


def test_nor_where_the_site_has_no_admin_of_tenants(
    staff: Client, ours: Host, theirs: Host
) -> None:
    url = "/bare/bookings/booking/add/"
    response = staff.post(url, add_form(staff, "bare", theirs))
    [message] = errors_of(response)["__all__"]
    assert message.startswith("You may not add this: you would not see it afterwards.")
    assert not Booking.objects.exists()
    assert staff.post(url, add_form(staff, "bare", ours)).status_code == 302


@pytest.mark.parametrize("site", SITES)
def test_no_session_is_published_for_another_tenant(
    staff: Client, ours: Host, theirs: Host, site: str
) -> None:
    url = f"/{site}/bookings_group_sessions/session/add/"
    for host, status in ((theirs, 200), (ours, 302)):
        given = {"tenant": host.tenant.pk, "service": host.service.pk}
        page = form_values(staff.get(url), "session_form") | given | times(10, 11)
        assert staff.post(url, page | {"provider": host.provider.pk}).status_code == status
    assert Session.objects.get().tenant == ours.tenant


@pytest.mark.parametrize("site", SITES)
def test_no_sessions_are_generated_for_another_tenant(
    staff: Client, ours: Host, theirs: Host, site: str
) -> None:
    url = f"/{site}/bookings_group_sessions/session/generate/"
    for host in (theirs, ours):
        create_schedule(
            provider=host.provider, hours={day: [("09:00", "12:00")] for day in range(7)}
        )
        sent = {
            "tenant": host.tenant.pk,
            "service": host.service.pk,
            "provider": host.provider.pk,
            "start_date": f"{DAY}",
            "end_date": f"{DAY}",
            "slot_duration_minutes": 60,
            "capacity": 5,
        }
        response = staff.post(url, sent)
        if host is ours or site == "bare":
            page = form_values(response, "generate_form") | {"_generate": "1"}
            response = staff.post(url, page)
        assert (response.status_code == 302) is (host is ours)
    assert {session.tenant for session in Session.objects.all()} == {ours.tenant}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("model", ["schedule", "timeoff"])
def test_nothing_is_added_for_another_tenants_provider(
    staff: Client, ours: Host, theirs: Host, site: str, model: str
) -> None:
    url = f"/{site}/bookings_schedule/{model}/add/"
    stored: Any = {"schedule": Schedule, "timeoff": TimeOff}[model]
    for host, status in ((theirs, 200), (ours, 302)):
        page = form_values(staff.get(url), f"{model}_form") | {"provider": host.provider.pk}
        assert (
            staff.post(url, page | (times(10, 11) if model == "timeoff" else {})).status_code
            == status
        )
    assert stored.objects.get().provider == ours.provider


@pytest.mark.parametrize("site", SITES)
def test_no_default_schedule_is_made_for_another_tenant(
    staff: Client, ours: Host, theirs: Host, site: str
) -> None:
    url = f"/{site}/bookings_schedule/schedule/add/"
    page = form_values(staff.get(url), "schedule_form")
    assert staff.post(url, page | {"tenant": theirs.tenant.pk}).status_code == 200
    assert staff.post(url, page).status_code == 200, "the default of the whole project"
    assert staff.post(url, page | {"tenant": ours.tenant.pk}).status_code == 302
    assert Schedule.objects.get().tenant == ours.tenant


@pytest.mark.parametrize("site", SITES)
def test_a_schedule_is_not_copied_over_one_that_is_hidden(
    staff: Client, ours: Host, site: str
) -> None:
    """A provider whom both tenants share, with a schedule that only the other tenant sees."""
    second = make("PROVIDER_MODEL", tenant=ours.tenant)
    mine, hidden = create_schedule(provider=ours.provider), create_schedule(provider=second)
    Schedule._base_manager.filter(pk=hidden.pk).update(tenant=None)
    url = f"/{site}/bookings_schedule/schedule/"
    sent = {"action": "copy_to_providers", "_selected_action": [mine.pk]}
    question = form_values(staff.post(url, sent), "schedule_question_form")
    answer = question | {"providers": [second.pk], "replace": "on"}
    assert "You may not add this" in text_of(staff.post(url, answer))
    assert Schedule.objects.filter(pk=hidden.pk).exists()


@pytest.mark.parametrize("site", SITES)
def test_no_refund_policy_is_made_for_another_tenant(
    staff: Client, ours: Host, theirs: Host, site: str
) -> None:
    url = f"/{site}/bookings_payments/refundpolicy/add/"
    opened = staff.get(url)
    if site == "branch":
        assert_hidden(text_of(opened), "Theirs")
    page = form_values(opened, "refundpolicy_form")
    foreign = page | {"tenant": theirs.tenant.pk}
    assert staff.post(url, foreign).status_code == 200
    assert staff.post(url, page).status_code == 200, "the default of the whole project"
    own = page | {"tenant": ours.tenant.pk}
    assert staff.post(url, own).status_code == 302
    policy = RefundPolicy.objects.get()
    change = f"/{site}/bookings_payments/refundpolicy/{policy.pk}/change/"
    page = form_values(staff.get(change), "refundpolicy_form")
    assert staff.post(change, page).status_code == 302
    foreign = page | {"tenant": theirs.tenant.pk}
    assert staff.post(change, foreign).status_code == 200
    assert RefundPolicy.objects.get().tenant == ours.tenant


def test_what_a_booking_has_can_be_kept_though_it_is_hidden(
    staff: Client, ours: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its add-on and its provider are hidden by now; nobody removes them by saving."""
    booking = book(ours, client_name="Mary", addon_ids=[ours.addon.pk])
    for part in (ours.addon, ours.provider):
        model_admin = branch.get_model_admin(type(part))
        nothing = type(part).objects.none()
        monkeypatch.setattr(model_admin, "get_queryset", lambda request, rows=nothing: rows)
    url = f"/branch/bookings/booking/{booking.pk}/change/"
    page = form_values(staff.get(url))
    assert (page["addons"], page["provider"]) == ([str(ours.addon.pk)], [str(ours.provider.pk)])
    assert staff.post(url, page | {"client_name": "Maria"}).status_code == 302
    booking.refresh_from_db()
    assert (booking.client_name, booking.addons.count()) == ("Maria", 1)


# The pages of other models show bookings as their own admin does.


def publish(host: Host) -> Session:
    return create_session(
        service=host.service,
        provider=host.provider,
        tenant=host.tenant,
        start_at=at(15),
        capacity=9,
    )


def test_the_page_of_a_session_shows_a_hidden_booking_as_busy_seats(
    staff: Client, ours: Host, theirs: Host
) -> None:
    session = publish(ours)
    hidden = shared(book_seat(session, client_name=SECRET, seats=2), theirs)
    book_seat(session, client_name="Mary")
    url = f"/branch/bookings_group_sessions/session/{session.pk}"
    page = text_of(staff.get(f"{url}/change/"))
    assert "Mary" in page
    assert "Busy" in page
    assert_hidden(page, hidden.reference, SECRET, f"/move/{hidden.pk}/")
    assert staff.get(f"{url}/move/{hidden.pk}/").status_code == 404
    assert staff.get(f"{url}/move/{Seat.objects.last().booking_id}/").status_code == 200  # type: ignore[union-attr]


def test_attendance_lists_no_hidden_booking(staff: Client, ours: Host, theirs: Host) -> None:
    session = publish(ours)
    hidden = shared(book_seat(session, client_name=SECRET), theirs)
    book_seat(session, client_name="Mary")
    past = timezone.now() - datetime.timedelta(hours=1)
    Session._base_manager.filter(pk=session.pk).update(start_at=past)
    url = f"/branch/bookings_group_sessions/session/{session.pk}/attendance/"
    page = staff.get(url)
    assert "Mary" in text_of(page)
    assert_hidden(text_of(page), hidden.reference, SECRET)
    staff.post(url, {f"mark-{hidden.pk}": "came", f"version-{hidden.pk}": 1, "rest_came": "on"})
    hidden.refresh_from_db()
    assert hidden.status == Booking.Status.CONFIRMED


def test_a_series_shows_a_hidden_booking_as_busy_and_cancels_none(
    staff: Client, ours: Host, theirs: Host
) -> None:
    made = create_series(
        rrule="FREQ=DAILY;COUNT=3",
        timezone="UTC",
        start_at=at(10),
        service=ours.service,
        provider=ours.provider,
        tenant=ours.tenant,
        client_name=SECRET,
    )
    hidden = shared(made.bookings[1], theirs)
    url = f"/branch/bookings_series/series/{made.series.pk}"
    page = text_of(staff.get(f"{url}/change/"))
    assert made.bookings[0].reference in page
    assert "Busy" in page
    assert_hidden(page, hidden.reference)
    first, _second, third = Occurrence.objects.order_by("original_start_at")
    refused = staff.post(f"{url}/cancel/", {"since": first.pk, "reason": ""})
    assert "You may not change 1 of these starts, so none was cancelled." in text_of(refused)
    assert not Booking.objects.filter(status=Booking.Status.CANCELLED).exists()
    assert staff.post(f"{url}/cancel/", {"since": third.pk, "reason": ""}).status_code == 302


def test_the_page_of_a_booking_does_not_lead_to_a_series_that_is_hidden(
    staff: Client, ours: Host, theirs: Host
) -> None:
    made = create_series(
        rrule="FREQ=DAILY;COUNT=1",
        timezone="UTC",
        start_at=at(10),
        service=ours.service,
        provider=ours.provider,
        tenant=ours.tenant,
        client_name="Mary",
    )
    url = f"/branch/bookings/booking/{made.bookings[0].pk}/change/"
    link = f"/branch/bookings_series/series/{made.series.pk}/change/"
    assert link in text_of(staff.get(url))
    Series._base_manager.filter(pk=made.series.pk).update(tenant=theirs.tenant)
    assert_hidden(text_of(staff.get(url)), link, str(made.series))


def test_a_session_that_is_hidden_is_busy_on_the_page_of_its_series(
    staff: Client, ours: Host, theirs: Host
) -> None:
    made = create_session_series(
        rrule="FREQ=DAILY;COUNT=2",
        timezone="UTC",
        start_at=at(10),
        service=ours.service,
        provider=ours.provider,
        tenant=ours.tenant,
        title="Secret yoga",
    )
    Session._base_manager.filter(pk=made.sessions[0].pk).update(tenant=theirs.tenant)
    url = f"/branch/bookings_series/series/{made.series.pk}"
    page = text_of(staff.get(f"{url}/change/"))
    assert page.count("Secret yoga · ") == 1
    assert page.count("Busy") == 1
    first = Occurrence.objects.order_by("original_start_at")[0]
    refused = staff.post(f"{url}/cancel/", {"since": first.pk, "reason": ""})
    assert "You may not change 1 of these starts" in text_of(refused)


def test_payments_of_a_booking_are_those_of_their_own_admin(
    staff: Client, ours: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = book(ours)
    record_payment(booking, amount=1, external_id="secret-payment")
    url = f"/branch/bookings/booking/{booking.pk}/change/"
    assert "secret-payment" in text_of(staff.get(url))
    payments = branch.get_model_admin(Payment)
    monkeypatch.setattr(payments, "get_queryset", lambda request: Payment.objects.none())
    assert "secret-payment" not in text_of(staff.get(url))
    monkeypatch.setattr(payments, "has_view_permission", lambda request, obj=None: False)
    assert "external" not in text_of(staff.get(url)).lower()


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("path", ["bookings/booking", "bookings_group_sessions/session"])
@pytest.mark.parametrize("value", ["abc", "1,2", str(9**40), "\0", "Ω"])
def test_a_link_with_keys_of_nothing_opens_an_empty_form(
    staff: Client, ours: Host, site: str, path: str, value: str
) -> None:
    names = ("tenant", "service", "provider", "addons", "extras", "client_user", "form_key")
    response = staff.get(f"/{site}/{path}/add/", dict.fromkeys(names, value))
    assert response.status_code == 200
    form = response.context["adminform"].form
    assert not {*names} & form.initial.keys() & form.fields.keys()


def test_a_link_fills_in_several_addons_and_what_is_no_key(staff: Client, ours: Host) -> None:
    keys = f"{ours.addon.pk},{make('ADDON_MODEL', tenant=ours.tenant, service=ours.service).pk}"
    asked = {"addons": keys, "party_size": "2", "client_name": "Kim", "start_at": "2030-01-02"}
    page = form_values(staff.get("/branch/bookings/booking/add/", asked))
    assert {*page["addons"]} == {*keys.split(",")}
    assert (page["party_size"], page["client_name"]) == (["2"], ["Kim"])
    assert page["start_at_0"] == ["2030-01-02"]
    assert form_values(staff.get("/branch/bookings/booking/add/", {"party_size": "x"}))[
        "party_size"
    ] == ["1"]
