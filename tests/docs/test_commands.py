"""What the README says to run is what runs: for CI, before a release, and in the how-to."""

from __future__ import annotations

import re

import pytest

from tests.databases import ROOT

[TESTS] = re.findall(
    r"^python3 .* (\.venv/bin/tox run-parallel.*)$",
    (ROOT / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


@pytest.mark.parametrize("path", [".ci/run", "docs/how-to/run-the-tests.md"])
def test_the_tests_are_run_as_the_readme_says(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert f"python3 -m venv .venv && .venv/bin/pip install tox && {TESTS}\n" in text


def test_a_release_is_tested_in_the_same_way() -> None:
    arguments = TESTS.removeprefix(".venv/bin/tox ")
    assert f'"$bin/tox" {arguments})' in (ROOT / "publish.sh").read_text(encoding="utf-8")
