"""The code of the how-to works."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tests.contrib.reports.conftest import Store
from tests.docs.test_snippets import BLOCK

HOW_TO: Final = Path(__file__).resolve().parents[3] / "docs/how-to/reports.md"


def test_the_reports_of_the_how_to(store: Store) -> None:
    store(status="COMPLETED")
    [block] = [
        text
        for _indent, text in BLOCK.findall(HOW_TO.read_text(encoding="utf-8"))
        if "booking_report(march" in text
    ]
    namespace: dict[str, Any] = {}
    exec(compile(block, "reports", "exec"), namespace)  # noqa: S102
    assert namespace["report"].total.bookings == 1
    assert namespace["before"].bookings == 0
