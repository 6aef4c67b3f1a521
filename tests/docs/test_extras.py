"""What ``django-bookings[…]`` installs is what an app that exists has use for."""

from __future__ import annotations

import re
import tomllib

from tests.databases import ROOT

EXTRA = re.compile(r"django-bookings\[(\w+)\]")


def test_the_extras_are_those_that_the_documentation_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {name for page in pages for name in EXTRA.findall(page.read_text(encoding="utf-8"))}
    assert set(project["optional-dependencies"]) == named
