"""A month with its free days, and a day with its free times."""

from __future__ import annotations

from typing import Any

from clinic.models import Clinic
from django.test import Client

from bookings.contrib.schedule.services import add_closures
from bookings.services import create_booking
from tests.example.pages.conftest import NOW


def url_of(treatment: Any, page: str = "") -> str:
    return f"/treatments/{treatment.pk}/{page}"


def cells(response: Any) -> dict[int, Any]:
    return {
        cell["summary"].date.day: cell
        for week in response.context["weeks"]
        for cell in week
        if cell is not None
    }


def starts(response: Any) -> list[str]:
    return [f"{one['start']:%H:%M}" for _part, found in response.context["parts"] for one in found]


def test_every_clinic_has_its_treatments(client: Client, physiotherapy: Any) -> None:
    page = client.get("/").content.decode()
    assert [
        name for name in Clinic.objects.values_list("name", flat=True) if name not in page
    ] == []
    assert f'href="{url_of(physiotherapy)}"' in page


def test_a_month_shows_what_is_free_and_why_not(client: Client, physiotherapy: Any) -> None:
    response = client.get(url_of(physiotherapy), {"month": "2131-03"})
    found = cells(response)
    assert len(found) == 31
    assert found[4]["is_past"]
    assert (found[6]["summary"].slots, found[6]["url"]) == (
        16,
        f"{url_of(physiotherapy, 'day/')}?date=2131-03-06",
    )
    assert (found[11]["summary"].status, found[11]["url"]) == ("CLOSED", "")
    assert found[17]["summary"].reason == "Company outing"
    page = response.content.decode()
    assert "Company outing" in page
    assert "16 free" in page
    assert "The soonest" in page


def test_the_months_lead_to_each_other_for_a_year(client: Client, physiotherapy: Any) -> None:
    page = client.get(url_of(physiotherapy)).content.decode()
    assert 'rel="prev"' not in page
    assert "?month=2131-04" in page
    page = client.get(url_of(physiotherapy), {"month": "2132-02"}).content.decode()
    assert "?month=2132-01" in page
    assert 'rel="next"' not in page


def test_what_is_no_month_is_this_one(client: Client, physiotherapy: Any) -> None:
    for text in ("", "soon", "2131-13", "2100-01", "2199-01"):
        response = client.get(url_of(physiotherapy), {"month": text})
        assert f"{response.context['first']:%Y-%m}" == "2131-03"


def test_a_day_shows_its_times(client: Client, physiotherapy: Any, jonas: Any) -> None:
    asked = {"date": "2131-03-06", "with": jonas.pk}
    response = client.get(url_of(physiotherapy, "day/"), asked)
    assert starts(response)[:3] == ["08:00", "08:30", "09:00"]
    assert [part for part, _found in response.context["parts"]] == [
        "Morning",
        "Afternoon",
        "Evening",
    ]
    assert "Tuesday, 6 March 2131" in response.content.decode()


def test_a_full_day_says_when_the_next_is(client: Client, physiotherapy: Any, jonas: Any) -> None:
    response = client.get(url_of(physiotherapy, "day/"), {"date": "2131-03-11"})
    assert starts(response) == []
    assert "No time is free on this day. The next is on" in response.content.decode()


def test_nothing_is_free_while_all_is_closed(client: Client, physiotherapy: Any) -> None:
    from bookings.contrib.schedule.models import Schedule

    dates = {"first_date": NOW.date(), "last_date": NOW.date().replace(month=12)}
    add_closures(schedules=Schedule.objects.all(), **dates)
    page = client.get(url_of(physiotherapy)).content.decode()
    assert "Nothing is free in the next two months." in page


def test_one_practitioner_or_anybody(client: Client, physiotherapy: Any) -> None:
    response = client.get(url_of(physiotherapy))
    names = [(one["name"], one["is_chosen"]) for one in response.context["people"]]
    assert names == [
        ("Anybody", True),
        ("Jonas Weber", False),
        ("Leyla Aydin", False),
        ("Mira Vogt", False),
    ]
    leyla = response.context["people"][2]["url"]
    # She works on Mondays, Wednesdays and Fridays.
    assert [day for day, cell in cells(client.get(leyla)).items() if cell["url"]][:3] == [5, 7, 9]


def test_a_shared_slot_says_how_many_seats_are_left(
    client: Client, back_class: Any, jonas: Any
) -> None:
    day = {"date": "2131-03-06", "with": jonas.pk}
    first = client.get(url_of(back_class, "day/"), day).context["parts"][0][1][0]
    assert first["seats"] == 6
    create_booking(
        tenant=back_class.tenant,
        service=back_class,
        provider=jonas,
        start_at=first["start"],
        client_name="Mary",
        party_size=4,
    )
    response = client.get(url_of(back_class, "day/"), day)
    assert response.context["parts"][0][1][0]["seats"] == 2
    assert "2 seats" in response.content.decode()


def test_what_is_not_there_is_not_found(client: Client, physiotherapy: Any) -> None:
    dental = Clinic.objects.get(name="Seehaus Dental").practitioners.first()
    assert client.get("/treatments/999/").status_code == 404
    for asked in ({"with": "x"}, {"with": dental.pk}):
        assert client.get(url_of(physiotherapy), asked).status_code == 404
    for text in ("", "soon", "2131-02-30", "2131-03-03", "2199-01-01"):
        assert client.get(url_of(physiotherapy, "day/"), {"date": text}).status_code == 404


def test_an_unchanged_page_is_not_sent_again(
    client: Client, physiotherapy: Any, jonas: Any
) -> None:
    for page, asked in (("", {}), ("day/", {"date": "2131-03-06"})):
        first = client.get(url_of(physiotherapy, page), asked)
        known = {"If-None-Match": first.headers["ETag"]}
        again = client.get(url_of(physiotherapy, page), asked, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert first.headers["Cache-Control"] == "private, no-cache"


def test_a_changed_page_is(client: Client, physiotherapy: Any, jonas: Any) -> None:
    etags = set()

    def look() -> None:
        response = client.get(url_of(physiotherapy))
        etags.add(response.headers["ETag"])

    look()
    jonas.name = "Jonas Weber-Lind"
    jonas.save()
    look()
    client.cookies["zone"] = "America/New_York"
    look()
    add_closures(schedules=physiotherapy.tenant.schedules.all(), first_date=NOW.date())
    look()
    assert len(etags) == 4


def test_times_are_in_the_zone_that_the_client_chooses(client: Client, physiotherapy: Any) -> None:
    day = f"{url_of(physiotherapy, 'day/')}?date=2131-03-06"
    assert "<strong>Europe/Berlin</strong>" in client.get(day).content.decode()
    assert "America/New_York" in client.get("/zone/", {"next": day}).content.decode()
    chosen = client.get("/zone/", {"next": day, "zone": "America/New_York"})
    assert (chosen.status_code, chosen.url) == (302, day)
    response = client.get(day)
    assert "<strong>America/New_York</strong>" in response.content.decode()
    assert starts(response)[0] == "02:00"


def test_a_zone_or_an_address_that_makes_no_sense_is_ignored(client: Client) -> None:
    assert client.get("/zone/", {"zone": "Mars/Olympus"}).status_code == 200
    away = {"zone": "Europe/Paris", "next": "https://elsewhere.example/"}
    assert client.get("/zone/", away).url == "/"
    client.cookies["zone"] = "../../etc/passwd"
    assert "Europe/Berlin" in client.get("/").content.decode()


def test_the_pages_are_in_english_whatever_the_browser_prefers(client: Client) -> None:
    response = client.get("/", headers={"Accept-Language": "de"})
    assert response.headers["Content-Language"] == "en"
