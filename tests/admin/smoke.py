"""Work in the admin of one host configuration as staff would, on a database that is empty."""

from __future__ import annotations

import datetime
from typing import Any

from django.apps import apps
from django.test import Client
from django.utils import timezone

from tests.migrations.host import expect


def use_every_admin_site() -> None:
    from django.contrib.auth import get_user_model

    from tests.hosts.samples import make_host

    boss = Client()
    boss.force_login(get_user_model().objects.create_superuser("boss"))
    host = make_host()
    day = timezone.localdate() + datetime.timedelta(days=2)
    for site in ("admin", "desk"):
        staff_work(boss, f"/{site}/bookings/booking/", host, day)
        if apps.is_installed("bookings.contrib.schedule"):
            staff_plan(boss, f"/{site}/bookings_schedule/", host, day)
        day += datetime.timedelta(days=1)


def staff_work(boss: Client, url: str, host: Any, day: datetime.date) -> None:
    from bookings.models import Booking
    from tests.admin.page import QUESTION_FORM, errors_of, form_values, messages_of, text_of

    given = {
        "service": host.service.pk,
        "provider": host.provider.pk,
        "start_at_0": f"{day}",
        "start_at_1": "10:00",
        "client_name": "Mary",
        "addons": [host.addon.pk],
    }
    page = form_values(boss.get(f"{url}add/"))
    if host.tenant is not None:
        given["tenant"] = host.tenant.pk
    answer = boss.post(f"{url}add/", page | given)
    expect(answer.status_code == 302, "no booking was made")
    booking = Booking.objects.get(start_at__date=day)
    expect(booking.addons.get().addon == host.addon, "the add-on was forgotten")
    expect(booking.tenant == host.tenant, "the tenant was forgotten")

    again = boss.post(f"{url}add/", form_values(boss.get(f"{url}add/")) | given)
    expect(list(errors_of(again)) == ["start_at"], f"a second booking: {errors_of(again)}")

    page = form_values(boss.get(f"{url}{booking.pk}/change/"))
    moved = boss.post(f"{url}{booking.pk}/change/", page | {"start_at_1": "15:00", "addons": []})
    expect(moved.status_code == 302, "it was not moved")
    booking.refresh_from_db()
    expect(not booking.addons.exists(), "the add-on was not removed")

    listed = text_of(boss.get(url, {"q": booking.reference, "when": "upcoming"}))
    expect(booking.reference in listed, "it is not in the list")
    for name in ("service", "provider"):
        filtered = boss.get(url, {f"{name}__pk__exact": getattr(booking, f"{name}_id")})
        expect(booking.reference in text_of(filtered), f"the filter of {name} hides it")
    calendar = text_of(boss.get(f"{url}calendar/", {"day": f"{day}"}))
    expect("Mary" in calendar, "it is not in the calendar")

    sent = {"action": "cancel_bookings", "_selected_action": [booking.pk]}
    reason = form_values(boss.post(url, sent), QUESTION_FORM)
    done = boss.post(url, reason | {"reason": "smoke test"}, follow=True)
    expect(
        messages_of(done) == ["1 booking is now: Cancelled."],
        f"it was not cancelled: {messages_of(done)}",
    )


def staff_plan(boss: Client, url: str, host: Any, day: datetime.date) -> None:
    from bookings.contrib.schedule.models import Schedule, TimeOff
    from tests.admin.page import form_values, messages_of, text_of

    page = form_values(boss.get(f"{url}schedule/add/"), "schedule_form")
    shift = {"monday-0-open_time": "9", "monday-0-close_time": "24:00"}
    answer = boss.post(f"{url}schedule/add/", page | {"provider": host.provider.pk} | shift)
    expect(answer.status_code == 302, "no schedule was made")
    schedule = Schedule.objects.get()
    expect(schedule.provider == host.provider, "it is another provider's")
    expect(schedule.tenant == host.tenant, "it is another tenant's")

    change = f"{url}schedule/{schedule.pk}/change/"
    page = form_values(boss.get(change), "schedule_form")
    expect(page["monday-0-close_time"] == ["24:00"], "the end of the day is not shown")
    expect(boss.post(change, page | {"monday-0-open_time": "8"}).status_code == 302, "not changed")
    expect(f"{schedule.hours.get()}" == "Monday 08:00–24:00", "other hours were stored")
    listed = text_of(boss.get(f"{url}schedule/", {"q": "Provider", "whose": "own"}))
    expect(change in listed, "it is not in the list")

    sent = {"action": "close_dates", "_selected_action": [schedule.pk]}
    question = form_values(boss.post(f"{url}schedule/", sent), "schedule_question_form")
    done = boss.post(f"{url}schedule/", question | {"first_date": f"{day}"}, follow=True)
    expect(messages_of(done) == ["1 day was closed."], f"it was not closed: {messages_of(done)}")

    times = {"start_at_0": f"{day}", "start_at_1": "10:00", "end_at_0": f"{day}"}
    page = form_values(boss.get(f"{url}timeoff/add/?provider={host.provider.pk}"), "timeoff_form")
    expect(page["provider"] == [str(host.provider.pk)], "the link names another provider")
    boss.post(f"{url}timeoff/add/", page | times | {"end_at_1": "11:00"})
    time_off = TimeOff.objects.get()
    expect(str(time_off.pk) in text_of(boss.get(change)), "its page does not list the time off")
    boss.post(f"{url}timeoff/{time_off.pk}/delete/", {"post": "yes"})
    expect(not TimeOff.objects.exists(), "the time off was not given back")
    boss.post(f"{url}schedule/{schedule.pk}/delete/", {"post": "yes"})
    expect(not Schedule.objects.exists(), "the schedule was not deleted")
