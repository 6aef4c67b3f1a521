"""The page about the layout names every module that it describes, and the layers in their order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import bookings
from tests.core.test_architecture import LAYERS
from tests.docs.test_reference_is_complete import ROOT, rows

PACKAGE: Final = Path(bookings.__file__).parent
PAGE: Final = (ROOT / "docs/explanation/layout.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def names_in(folder: Path) -> set[str]:
    """The modules and the packages of a folder."""
    return {
        path.stem
        for path in folder.iterdir()
        if not path.name.startswith("_") and (path.is_dir() or path.suffix == ".py")
    }


def test_every_module_at_the_root_has_a_row() -> None:
    described = rows(section("Public modules")).keys() | rows(section("Packages")).keys()
    assert described == names_in(PACKAGE)


def test_every_module_of_the_ledger_has_a_row() -> None:
    assert rows(section("The ledger")).keys() == names_in(PACKAGE / "ledger")


def test_every_bundled_app_has_a_row() -> None:
    apps = {f"contrib.{name}" for name in names_in(PACKAGE / "contrib")}
    assert rows(section("The bundled apps")).keys() == apps


def test_the_layers_are_those_that_are_asserted() -> None:
    lines = re.findall(r"^\| \d+ \| (.+) \|$", section("The direction of imports"), re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", line)) for line in reversed(lines)] == LAYERS
