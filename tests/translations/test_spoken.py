"""What people read, in the language that they read."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from bookings.exceptions import (
    BookingConflict,
    BookingError,
    InvalidTransition,
    NotAllowed,
    NoticeWindow,
)
from bookings.models import Booking
from bookings.services import cancel_booking, decline_booking
from tests.translations.conftest import Book

LIST = "/admin/bookings/booking/"


def command(name: str) -> str:
    out = StringIO()
    with suppress(SystemExit):
        call_command(name, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Zu dieser Zeit gibt es schon eine andere Buchung."),
        ("es", "La reserva coincide con otra ya existente."),
        ("fr", "La réservation chevauche une réservation existante."),
        ("nl", "Booking conflicts with an existing booking."),
    ],
)
def test_a_conflict_is_told_in_the_language_of_whoever_reads_it(
    book: Book, booking: Booking, language: str, said: str
) -> None:
    with pytest.raises(BookingConflict) as refused:
        book()
    with override(language):
        assert refused.value.messages == [said]


@pytest.mark.parametrize(
    ("language", "label"), [("de", "Bestätigt"), ("es", "Confirmada"), ("fr", "Confirmée")]
)
def test_a_status_has_a_label(booking: Booking, language: str, label: str) -> None:
    with override(language):
        assert booking.get_status_display() == label


@pytest.mark.parametrize(
    ("minutes", "english", "german"),
    [(1, "(1 minute).", "(1 Minute)"), (90, "(90 minutes).", "(90 Minuten)")],
)
def test_one_minute_is_not_minutes(
    book: Book, service: Any, minutes: int, english: str, german: str
) -> None:
    service.cancellation_notice_minutes = minutes
    booking = book(service=service)
    with pytest.raises(NoticeWindow) as refused:
        cancel_booking(booking, now_dt=booking.start_at - timedelta(seconds=1))
    assert refused.value.messages[0].endswith(english)
    with override("de"):
        assert german in refused.value.messages[0]


def test_what_is_refused_is_named_with_its_own_article(book: Book, service: Any) -> None:
    service.is_active = False
    with pytest.raises(NotAllowed) as refused:
        book()
    with override("de"):
        assert refused.value.messages == ["Die Leistung ist nicht aktiv. Wählen Sie eine andere."]


def test_a_status_within_a_sentence_is_in_its_language(booking: Booking) -> None:
    with pytest.raises(InvalidTransition) as refused:
        decline_booking(booking)
    with override("de"):
        assert refused.value.messages == [
            "Nur ausstehende Buchungen können abgelehnt werden; der Status ist hier: Bestätigt."
        ]


def test_an_error_read_without_its_parameters_is_still_a_text(book: Book, service: Any) -> None:
    service.minimum_notice_minutes = 60 * 24 * 30
    with pytest.raises(BookingError) as refused:
        book(service=service)
    with override("de"):
        assert str(refused.value.message).startswith("Diese Leistung muss mindestens")


def test_commands_count_in_the_language_of_the_host(book: Book) -> None:
    now = timezone.now()
    booking = book(expires_at=now + timedelta(minutes=1))
    rows = Booking._base_manager.filter(pk=booking.pk)
    rows.update(expires_at=now - timedelta(minutes=1))
    with override("de"):
        assert command("expire_bookings") == "1 Buchung ist abgelaufen.\n"
        assert command("expire_bookings") == "0 Buchungen sind abgelaufen.\n"
        assert command("check_bookings") == "Alle Invarianten sind erfüllt.\n"
        rows.update(version=7)
        problem, count = command("check_bookings").splitlines()
    assert problem.startswith(f"[5] {booking.reference}: Anzahl der Änderungen: 7")
    assert count == "1 Problem gefunden."


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("de", ("Kalender", "Ausgewählte Buchungen bestätigen", "Zeitraum", "Bestätigt")),
        ("es", ("Calendario", "Confirmar las reservas seleccionadas", "Confirmada")),
        ("fr", ("Calendrier", "Confirmer les réservations sélectionnées", "Confirmée")),
    ],
)
def test_the_admin_lists_bookings_in_the_language_of_the_browser(
    admin_client: Client, booking: Booking, language: str, texts: tuple[str, ...]
) -> None:
    page = admin_client.get(LIST, headers={"accept-language": language}).content.decode()
    assert [text for text in texts if text not in page] == []
    assert "Confirm selected bookings" not in page


@pytest.mark.parametrize(
    ("language", "button"),
    [("de", "Buchung stornieren"), ("es", "Cancelar la reserva"), ("fr", "Annuler la réservation")],
)
def test_a_button_says_the_whole_sentence(
    admin_client: Client, booking: Booking, language: str, button: str
) -> None:
    url = f"{LIST}{booking.pk}/step/cancel/"
    page = admin_client.get(url, headers={"accept-language": language}).content.decode()
    assert f'value="{button}"' in page


def test_the_step_cancels_and_does_not_abort(admin_client: Client, booking: Booking) -> None:
    url = f"{LIST}{booking.pk}/change/"
    page = admin_client.get(url, headers={"accept-language": "de"}).content.decode()
    assert ">Stornieren…</a>" in page


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("de", "Dienstag, 6. März 2131"),
        ("es", "martes, 6 de marzo de 2131"),
        ("fr", "mardi 6 mars 2131"),
    ],
)
def test_the_calendar_writes_the_day_as_the_language_does(
    admin_client: Client, language: str, heading: str
) -> None:
    url = f"{LIST}calendar/?day=2131-03-06"
    page = admin_client.get(url, headers={"accept-language": language}).content.decode()
    assert f"<h2>{heading}</h2>" in page
