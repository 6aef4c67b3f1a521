"""Walks through the admin of one host configuration, on a database made for the walk.

A process of its own for every configuration, because the ``*_MODEL`` settings are read once::

    DJANGO_SETTINGS_MODULE=tests.settings.tenant python -m tests.admin.walk
"""

from __future__ import annotations

import datetime
from typing import Any

import django
from django.test import Client
from django.test.utils import override_settings, setup_test_environment
from django.utils import timezone

from tests.migrations.walk import expect, migrate, new_database


def walk() -> None:
    with new_database(), override_settings(ROOT_URLCONF="tests.admin.urls"):
        migrate()
        from django.contrib.auth import get_user_model

        from tests.hosts.samples import make_host

        boss = Client()
        boss.force_login(get_user_model().objects.create_superuser("boss"))
        host = make_host()
        day = timezone.localdate() + datetime.timedelta(days=2)
        for site in ("admin", "desk"):
            staff_work(boss, f"/{site}/bookings/booking/", host, day)
            day += datetime.timedelta(days=1)


def staff_work(boss: Client, url: str, host: Any, day: datetime.date) -> None:
    from bookings.models import Booking
    from tests.admin.page import REASON, errors_of, filled_in, text_of, told

    given = {
        "service": host.service.pk,
        "provider": host.provider.pk,
        "start_at_0": f"{day}",
        "start_at_1": "10:00",
        "client_name": "Mary",
        "extras": [host.addon.pk],
    }
    page = filled_in(boss.get(f"{url}add/"))
    if host.tenant is not None:
        given["tenant"] = host.tenant.pk
    answer = boss.post(f"{url}add/", page | given)
    expect(answer.status_code == 302, "no booking was made")
    booking = Booking.objects.get(start_at__date=day)
    expect(booking.addons.get().addon == host.addon, "the add-on was forgotten")
    expect(booking.tenant == host.tenant, "the tenant was forgotten")

    again = boss.post(f"{url}add/", filled_in(boss.get(f"{url}add/")) | given)
    expect(list(errors_of(again)) == ["start_at"], f"a second booking: {errors_of(again)}")

    page = filled_in(boss.get(f"{url}{booking.pk}/change/"))
    moved = boss.post(f"{url}{booking.pk}/change/", page | {"start_at_1": "15:00", "extras": []})
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
    reason = filled_in(boss.post(url, sent), REASON)
    done = boss.post(url, reason | {"reason": "walked"}, follow=True)
    expect(told(done) == ["1 booking is now: Cancelled."], f"it was not cancelled: {told(done)}")


if __name__ == "__main__":
    django.setup()
    setup_test_environment()
    walk()
