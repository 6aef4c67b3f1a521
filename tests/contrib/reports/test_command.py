"""``manage.py export_report``."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.management import CommandError, call_command

from bookings.contrib.reports import selectors
from bookings.contrib.reports.management.commands.export_report import REPORTS
from tests.contrib.reports.conftest import Store

DAYS: Final = ["--from", "2031-03-01", "--to", "2031-03-31"]


def export(*arguments: str) -> list[dict[str, str]]:
    out = io.StringIO()
    call_command("export_report", *arguments, *DAYS, stdout=out)
    return list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))


@pytest.mark.parametrize("report", REPORTS)
def test_every_report_is_written(report: str, store: Store) -> None:
    booking = store(status="COMPLETED", total_amount=10)
    rows = export(report, "--zone", "Europe/Berlin")
    assert len(rows) == 1
    assert export(report, "--service", str(booking.service_id)) == export(report)


def test_groups_are_rows(store: Store) -> None:
    store()
    assert len(export("bookings", "--group-by", "week")) == 6 + 1


def test_clients_are_named_if_that_is_said(store: Store) -> None:
    store(client_name="Joan")
    [row] = export("list", "--personal-data")
    assert row["client_name"] == "Joan"
    assert "client_name" not in export("list")[0]


def test_files(store: Store, tmp_path: Path) -> None:
    store()
    path = tmp_path / "report.csv"
    assert export("list", "--output", str(path), "--bom") == []
    assert path.read_bytes().startswith(b"\xef\xbb\xbfreference,")
    pytest.importorskip("xlsxwriter")
    path = tmp_path / "report.xlsx"
    assert export("list", "--output", str(path), "--format", "xlsx") == []
    assert path.read_bytes().startswith(b"PK")


def test_progress_is_for_a_terminal(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    store()
    monkeypatch.setattr("bookings.contrib.reports.tables.CHUNK", 1)
    terminal, plain = Terminal(), io.StringIO()
    for err in (terminal, plain):
        call_command("export_report", "list", *DAYS, stdout=io.StringIO(), stderr=err)
    assert "1 so far" in terminal.getvalue()
    assert plain.getvalue() == ""


def test_what_cannot_be_exported(
    provider: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = [
        (["bookings", "--format", "xlsx"], "--output"),
        (["bookings", "--zone", "Mars"], "no time zone"),
        (["bookings", "--to", "2030-01-01"], "has to end after"),
        (["bookings", "--to", "2131-01-01"], "ten years"),
        (["bookings", "--service", "77"], "There is no service 77"),
        (["bookings", "--service", "x"], "There is no service x"),
        (["bookings", "--tenant", "1"], "BOOKINGS_TENANT_MODEL"),
        (["bookings", "--from", "March"], "no date"),
        (["utilisation", "--group-by", "service"], "group_by must be one of"),
        (["responses", "--target-hours", "0"], "positive"),
        (["bookings", "--output", str(tmp_path / "none" / "x.csv")], "No such file"),
    ]
    for [report, *arguments], message in refused:
        with pytest.raises(CommandError, match=message):
            call_command("export_report", report, *DAYS, *arguments, stdout=io.StringIO())
    monkeypatch.setattr(selectors, "session_report", lambda *args, **values: None)
    with pytest.raises(CommandError, match="group_sessions"):
        export("sessions")
