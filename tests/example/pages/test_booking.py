"""A form that books."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from bookings.models import Booking
from bookings.services import create_booking

TEN = datetime(2131, 3, 6, 9, 0, tzinfo=UTC)
"""On Tuesday, by the clock in Berlin."""


def url_of(treatment: Any, start: datetime = TEN, **asked: Any) -> str:
    query = "".join(f"&{name}={value}" for name, value in asked.items())
    return f"/treatments/{treatment.pk}/book/?start={int(start.timestamp())}{query}"


def filled_in(client: Client, url: str, **values: Any) -> dict[str, Any]:
    page = client.get(url).content.decode()
    key = re.search(r'name="key" value="([0-9a-f-]{36})"', page)
    assert key is not None
    return {"key": key[1], "name": "Nora Lind", "email": "nora@example.com"} | values


def test_a_time_is_booked(client: Client, physiotherapy: Any, jonas: Any) -> None:
    url = url_of(physiotherapy, **{"with": jonas.pk})
    page = client.get(url).content.decode()
    assert "Tuesday, 6 March 2131, 10:00–10:45" in page
    assert "With Jonas Weber" in page
    response = client.post(url, filled_in(client, url), follow=True)
    made = Booking.objects.get()
    assert response.redirect_chain == [(f"/booked/{made.uuid}/", 302)]
    assert (made.provider, made.start_at, made.tenant) == (jonas, TEN, physiotherapy.tenant)
    assert (made.client_name, made.client_email) == ("Nora Lind", "nora@example.com")
    page = response.content.decode()
    for text in ("<h1>Booked</h1>", made.reference, "10:00–10:45", "Jonas Weber", "70.00 EUR"):
        assert text in page


def test_a_doubled_click_makes_one_booking(client: Client, physiotherapy: Any) -> None:
    """With anybody, where somebody else would be the least busy by then."""
    url = url_of(physiotherapy)
    sent = filled_in(client, url)
    pages = {client.post(url, sent).url for _click in range(2)}
    assert pages == {f"/booked/{Booking.objects.get().uuid}/"}


def test_two_clicks_at_one_moment_make_one_booking(
    client: Client, physiotherapy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has looked for the booking before the first made it, with somebody else."""
    from clinic.pages import booking

    real = booking.any_provider
    url = url_of(physiotherapy)
    sent = filled_in(client, url)
    pages = []

    def meanwhile(*asked: Any, **wanted: Any) -> Any:
        if not pages:
            pages.append("")
            pages[0] = client.post(url, sent).url
        return real(*asked, **wanted)

    monkeypatch.setattr(booking, "any_provider", meanwhile)
    pages.append(client.post(url, sent).url)

    assert pages == [f"/booked/{Booking.objects.get().uuid}/"] * 2


def test_who_is_least_busy_takes_it(client: Client, physiotherapy: Any) -> None:
    url = url_of(physiotherapy)
    takers = set()
    for _client in range(2):
        client.post(url, filled_in(client, url))
        takers.add(Booking.objects.latest("pk").provider.name)
    assert takers == {"Jonas Weber", "Mira Vogt"}


def test_a_time_that_was_taken_meanwhile_shows_the_day_again(
    client: Client, physiotherapy: Any, jonas: Any
) -> None:
    url = url_of(physiotherapy, **{"with": jonas.pk})
    sent = filled_in(client, url)
    create_booking(
        tenant=physiotherapy.tenant,
        service=physiotherapy,
        provider=jonas,
        start_at=TEN,
        client_name="Mary",
    )
    response = client.post(url, sent)
    assert response.status_code == 409
    page = response.content.decode()
    assert "That time is taken. Choose another." in page
    assert "Tuesday, 6 March 2131" in page
    assert "11:00" in page
    assert Booking.objects.count() == 1


def test_one_who_lost_the_race_is_not_the_last_to_be_asked(
    client: Client, physiotherapy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody books between the question who could take it and the booking."""
    from clinic.pages import booking

    real, asked = booking.any_provider, []

    def slow(*args: Any, **kwargs: Any) -> list[Any]:
        takers = real(*args, **kwargs)
        asked.extend(takers)
        create_booking(
            tenant=physiotherapy.tenant,
            service=physiotherapy,
            provider=takers[0],
            start_at=TEN,
            client_name="Mary",
        )
        return takers

    monkeypatch.setattr(booking, "any_provider", slow)
    url = url_of(physiotherapy)
    assert client.post(url, filled_in(client, url)).status_code == 302
    assert Booking.objects.get(client_name="Nora Lind").provider == asked[1]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (datetime(2131, 3, 6, 11, 30, tzinfo=UTC), "does not fit into the hours of"),
        (datetime(2131, 3, 6, 9, 10, tzinfo=UTC), "Starts are 30 minutes apart"),
        (datetime(2131, 3, 17, 9, 0, tzinfo=UTC), "Company outing"),
        (datetime(2131, 3, 5, 7, 0, tzinfo=UTC), "has passed"),
    ],
    ids=["the break", "the grid", "a closed day", "the past"],
)
def test_a_time_that_is_not_on_offer_says_why(
    client: Client, physiotherapy: Any, start: datetime, said: str
) -> None:
    url = url_of(physiotherapy, start)
    response = client.post(url, filled_in(client, url))
    assert response.status_code == 409
    assert said in response.content.decode()
    assert not Booking.objects.exists()


def test_a_group_asks_how_many_come(client: Client, back_class: Any, jonas: Any) -> None:
    url = url_of(back_class, **{"with": jonas.pk})
    assert client.post(url, filled_in(client, url, party_size=5)).status_code == 302
    assert Booking.objects.get().party_size == 5
    refused = client.post(url, filled_in(client, url, party_size=2))
    assert "1 seat is left at that time." in refused.content.decode()


def test_a_request_waits_for_somebody_to_confirm_it(client: Client, physiotherapy: Any) -> None:
    first_visit = physiotherapy.tenant.treatments.get(name="First consultation")
    url = url_of(first_visit)
    assert "Ask for this time" in client.get(url).content.decode()
    page = client.post(url, filled_in(client, url), follow=True).content.decode()
    assert "<h1>Asked for</h1>" in page
    assert "Somebody will confirm it" in page


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"email": "nora"}, {"key": "x"}], ids=lambda wrong: next(iter(wrong))
)
def test_a_form_with_a_mistake_is_shown_again(
    client: Client, physiotherapy: Any, wrong: dict[str, str]
) -> None:
    url = url_of(physiotherapy)
    response = client.post(url, filled_in(client, url, **wrong))
    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert not Booking.objects.exists()


@pytest.mark.parametrize("start", ["", "ten", "9" * 30])
def test_what_is_no_time_is_not_found(client: Client, physiotherapy: Any, start: str) -> None:
    assert client.get(f"/treatments/{physiotherapy.pk}/book/?start={start}").status_code == 404


def test_a_booking_is_found_by_its_own_address_alone(client: Client) -> None:
    assert client.get("/booked/0be0499e-155a-4c93-b11d-65136350c239/").status_code == 404
