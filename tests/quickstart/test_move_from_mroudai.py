"""The page about moving: its conversion, run on a dump of 0.1.0, and its list of messages."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import call_command

from bookings.conf import app_settings
from bookings.exceptions import BookingConflict
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    complete_booking,
    create_booking,
    mark_no_show,
)
from bookings.testing import assert_bookings_are_sound
from tests.quickstart.pages import ROOT, blocks
from tests.translations.catalogues import entries

PAGE = "docs/how-to/move-from-mroudai.md"
DUMP = Path(__file__).with_name("mroudai_django_bookings_0.1.0.json")

pytestmark = pytest.mark.django_db


def model(setting: str) -> Any:
    return apps.get_model(app_settings.model_label(setting))


def fix() -> tuple[str, int]:
    """What ``check_bookings --fix`` prints, and its exit status."""
    out = io.StringIO()
    try:
        call_command("check_bookings", "--fix", stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(ended.code or 0)
    return out.getvalue(), 0


@pytest.fixture
def loaded(tmp_path: Path) -> str:
    """The host's own rows, as they were, and the bookings as the page loads them."""
    get_user_model().objects.create_user("staff", pk=1)
    service, provider, addon = map(model, ["SERVICE_MODEL", "PROVIDER_MODEL", "ADDON_MODEL"])
    service.objects.create(pk=1, name="Massage", duration_minutes=60, buffer_after_minutes=10)
    service.objects.create(pk=2, name="Consultation", duration_minutes=30, requires_approval=True)
    provider.objects.create(pk=1, name="Ana")
    provider.objects.create(pk=2, name="Ben")
    addon.objects.create(pk=1, name="Oil", extra_duration_minutes=15, price_amount=5)

    (script,) = (block.text for block in blocks(PAGE) if block.kind == "python")
    convert, converted = tmp_path / "convert.py", tmp_path / "bookings.json"
    convert.write_text(script, encoding="utf-8")
    subprocess.run([sys.executable, convert, DUMP, converted], check=True)
    call_command("loaddata", converted, verbosity=0)
    return fix()[0]


def named(client_name: str) -> Booking:
    return Booking.objects.get(client_name=client_name)


def test_active_bookings_hold_their_time_again(loaded: str) -> None:
    moved = named("moved")
    assert loaded.count("holds no time. - repaired") == 3
    with pytest.raises(BookingConflict):
        create_booking(
            service=moved.service,
            provider=moved.provider,
            start_at=moved.start_at,
            client_name="somebody else",
        )


def test_the_double_booking_is_found_and_can_be_resolved(loaded: str) -> None:
    second = named("second of a double booking")
    first = named("first of a double booking")
    assert (
        f"{second.reference} is CONFIRMED and holds no time. - could not be repaired: "
        "Booking conflicts with an existing booking. "
        f"The time is held by: {first.reference}."
    ) in loaded
    cancel_booking(second)
    assert fix() == ("0 problems found, remaining: 0.\n", 0)
    assert_bookings_are_sound()


@pytest.mark.parametrize("verb", [complete_booking, mark_no_show])
def test_a_double_booking_that_is_over_is_resolved_by_what_became_of_it(
    loaded: str, verb: Callable[..., Booking]
) -> None:
    second = named("second of a double booking")
    verb(second, now_dt=second.end_at)
    assert fix() == ("0 problems found, remaining: 0.\n", 0)
    assert_bookings_are_sound()


def test_bookings_have_the_names_of_today(loaded: str) -> None:
    assert "Bookings without the name of their service: 7. - repaired" in loaded
    for booking in Booking.objects.select_related("service", "provider"):
        names = (booking.service_name, booking.provider_name)
        assert names == (booking.service.name, booking.provider.name)


def test_history_keys_and_totals_have_come_along(loaded: str) -> None:
    moved, cancelled, completed = map(named, ["moved", "cancelled", "completed"])
    assert [event.event_type for event in moved.events.order_by("pk")] == ["CREATED", "RESCHEDULED"]
    assert (moved.version, moved.total_amount) == (2, Decimal("55.00"))
    assert moved.confirmed_at == moved.events.get(event_type="CREATED").created_at
    assert cancelled.cancellation_reason == "ill"
    assert cancelled.cancelled_by.username == "staff"
    assert completed.completed_at is not None
    assert cancelled.cancelled_at == cancelled.events.get(event_type="CANCELLED").created_at


def documented_messages() -> list[str]:
    """The first cells of the page's table of messages that keep their wording."""
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    section = page.partition("\n## Messages that keep their wording\n")[2].partition("\n## ")[0]
    table = section.partition("\n\nThese are different:\n")[0]
    _heading, _rule, *rows = re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
    return rows


@pytest.mark.parametrize("message", documented_messages())
def test_a_message_that_keeps_its_wording_is_one_of_the_package(message: str) -> None:
    texts = {
        text
        for entry in entries("de")
        for text in (entry.text.text, entry.text.plural)
        if text is not None
    }
    patterns = [re.sub(r"%\\\(\w+\\\)[sd]", r"\\w+", re.escape(text)) for text in texts]
    assert any(re.fullmatch(pattern, message) for pattern in patterns)
