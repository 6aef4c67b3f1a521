"""axe-core finds nothing on any page, on a desktop and on a phone, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

axe_playwright_python = pytest.importorskip("axe_playwright_python.sync_playwright")

LISTS = (
    *("bookings/booking", "bookings_group_sessions/session", "bookings_schedule/schedule"),
    *("bookings_schedule/timeoff", "bookings_payments/payment", "bookings_payments/refunddue"),
    *("bookings_payments/refundpolicy", "bookings_series/series"),
)
FORMS = (
    *("bookings/booking", "bookings_group_sessions/session", "bookings_schedule/schedule"),
    *("bookings_schedule/timeoff", "bookings_payments/refundpolicy"),
)

# axe leaves the size of targets out by default.
OPTIONS = {"rules": {"target-size": {"enabled": True}}}
# The cells of the calendar are no bigger than the free time is; other controls do the same.
SMALL_TARGETS = """() => [...document.querySelectorAll(
    'a[href]:not(.bookings-free), button, input:not([type="hidden"]), select, textarea, summary'
)].filter((target) => {
    const box = target.getBoundingClientRect();
    const isShown = box.width && box.height && box.right > 0 && box.bottom > 0
        && getComputedStyle(target).clipPath === 'none';
    return isShown && Math.min(box.width, box.height) < 24;
}).map((target) => `${target.outerHTML.slice(0, 90)} is too small for a thumb.`)"""


def addresses(salon: dict[str, Any]) -> Iterator[str]:
    booking, session = salon["booking"], salon["session"]
    day = f"{booking.start_at:%Y-%m-%d}"
    bookings = "/admin/bookings/booking/"
    sessions = f"/admin/bookings_group_sessions/session/{session.pk}"
    yield "/admin/"
    yield "/admin/bookings/"
    yield f"{bookings}calendar/?day={day}"
    yield f"{bookings}calendar/?day={day}&view=week"
    yield f"{bookings}calendar/?day={day}&view=week&provider={salon['ben'].pk}"
    yield f"{bookings}attention/"
    yield f"{bookings}{booking.pk}/change/"
    yield f"{bookings}{booking.pk}/step/cancel/"
    yield from (f"{sessions}/{page}/" for page in ("change", "attendance", "book"))
    yield "/admin/bookings_group_sessions/session/generate/"
    yield "/admin/bookings_series/series/publish/"
    yield f"/admin/bookings_payments/payment/record/{booking.pk}/"
    for group_by in ("", "service", "day", "weekday_hour"):
        yield f"/admin/bookings_reports/reportspage/?preset=year&group_by={group_by}"
    yield "/admin/bookings_reports/reportspage/?zone=Mars"
    yield from (f"/admin/{name}/" for name in LISTS)
    yield from (f"/admin/{name}/add/" for name in FORMS)


@pytest.mark.parametrize(
    ("width", "height", "color_scheme"), [(1440, 900, "light"), (390, 844, "dark")]
)
def test_axe_finds_nothing(
    open_context: Any, salon: dict[str, Any], width: int, height: int, color_scheme: str
) -> None:
    page = open_context(width, height, color_scheme=color_scheme).new_page()
    axe = axe_playwright_python.Axe()
    violations = []
    for address in addresses(salon):
        response = page.goto(address)
        assert response is not None
        assert response.status == 200, address
        violations += look_at(page, axe, width, address)
    # What is in the way of time off is asked about on the page of the refusal.
    page.goto(f"/admin/bookings_schedule/timeoff/add/?provider={salon['ana'].pk}")
    for name in ("start_at_0", "end_at_0"):
        page.fill(f"[name={name}]", f"{salon['booking'].start_at:%Y-%m-%d}")
    page.check("[name=whole_days]")
    page.click("[name=_save]")
    page.wait_for_selector("[name=in_the_way-all]")
    violations += look_at(page, axe, width, "time off over bookings")
    assert not violations, "\n".join(violations)


def look_at(page: Any, axe: Any, width: int, name: str) -> list[str]:
    # The script that names the parts of widgets runs once they have been made.
    page.wait_for_timeout(50)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{name} is {wide} pixels wide."
    small = page.evaluate(SMALL_TARGETS) if width < 500 else []
    found = axe.run(page, options=OPTIONS).response["violations"]
    return [f"{name}: {one}" for one in small] + [
        f"{name}: {one['id']} {node['target']}" for one in found for node in one["nodes"]
    ]
