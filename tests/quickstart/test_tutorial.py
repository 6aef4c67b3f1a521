"""The tutorial's first lesson, typed as it stands there, into a new project."""

from __future__ import annotations

import pytest

from tests.quickstart.pages import PASSWORD, Reader, blocks

PAGE = "docs/tutorial/first-booking.md"

ADMIN = f"""
from django.test import Client
client = Client(SERVER_NAME="127.0.0.1")
assert client.login(username="admin", password={PASSWORD!r})
page = client.get("/admin/bookings/booking/").content.decode()
from bookings.models import Booking
print(*(booking.reference in page for booking in Booking.objects.all()))
"""

TWICE = f"""
from datetime import timedelta
from django.test import Client
from django.utils import timezone
from bookings.contrib.catalog.models import Provider, Service
from bookings.models import Booking
client = Client(SERVER_NAME="127.0.0.1")
assert client.login(username="admin", password={PASSWORD!r})
sent = {{
    "service": Service.objects.get().pk,
    "provider": Provider.objects.get(name="Ana").pk,
    "start_at_0": f"{{timezone.now() + timedelta(days=1):%Y-%m-%d}}",
    "party_size": 1,
    "client_name": "Max",
}}
def add(at, key):
    posted = sent | {{"start_at_1": at, "form_key": key}}
    return client.post("/admin/bookings/booking/add/", posted)
first = add("09:00", "00000000-0000-4000-8000-000000000001")
second = add("09:30", "00000000-0000-4000-8000-000000000002")
refused = "Booking conflicts with an existing booking." in second.content.decode()
print(first.status_code, second.status_code, refused)
"""

CALENDAR = f"""
from datetime import timedelta
from django.test import Client
from django.utils import timezone
client = Client(SERVER_NAME="127.0.0.1")
assert client.login(username="admin", password={PASSWORD!r})
url = "/admin/bookings/booking/calendar/"
today = client.get(url).content.decode()
next_day = f"?day={{timezone.localdate() + timedelta(days=1)}}"
tomorrow = client.get(url + next_day).content.decode()
names = ["Kim", "Lee"]
print(next_day in today, *(f"<strong>9 a.m." in page for page in (today, tomorrow)))
print(*(f"{{name}}</strong>" in tomorrow for name in names))
"""

Promises = list[tuple[str, str]]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reader, Promises]:
    reader = Reader(tmp_path_factory.mktemp("tutorial"))
    return reader, reader.follow(blocks(PAGE))


def test_everything_that_the_tutorial_shows_is_what_a_reader_sees(
    followed: tuple[Reader, Promises],
) -> None:
    _reader, promises = followed
    assert len(promises) == sum(block.kind == "text" for block in blocks(PAGE)) > 0
    assert [seen for _promised, seen in promises] == [promised for promised, _seen in promises]


def test_its_settings_leave_nothing_to_warn_of(followed: tuple[Reader, Promises]) -> None:
    reader, _promises = followed
    checked = reader.type("python manage.py check --database default")
    assert checked == "System check identified no issues (0 silenced).\n"


def test_it_leaves_a_database_in_which_all_invariants_hold(
    followed: tuple[Reader, Promises],
) -> None:
    reader, _promises = followed
    assert "All invariants hold." in reader.type("python manage.py check_bookings")


def test_the_admin_lists_what_has_been_booked(followed: tuple[Reader, Promises]) -> None:
    reader, _promises = followed
    assert reader.type_into_shell([ADMIN]) == ["True True"]


def test_the_admin_refuses_the_second_of_two_that_overlap(
    followed: tuple[Reader, Promises],
) -> None:
    reader, _promises = followed
    assert reader.type_into_shell([TWICE]) == ["302 200 True"]


def test_the_calendar_shows_them_on_the_day_to_which_the_page_leads(
    followed: tuple[Reader, Promises],
) -> None:
    reader, _promises = followed
    shown = reader.type_into_shell([CALENDAR])
    assert shown == ["True False True\nTrue False"]
