"""The page of the lifecycle shows the steps that the model knows, and no others."""

from __future__ import annotations

from tests.docs.lifecycle import DRAWN, PAGE, diagram, drawn, transitions


def test_the_page_shows_the_steps_of_the_model() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert DRAWN.search(page)
    assert drawn(page) == page, "run `python -m tests.docs.lifecycle`"


def test_every_step_is_in_the_diagram() -> None:
    told = diagram()
    for verb, source, target in transitions():
        [line] = [
            line for line in told.splitlines() if line.startswith(f"    {source} --> {target}:")
        ]
        assert verb in line.partition(": ")[2].split(", ")


def test_a_page_that_tells_of_a_step_there_is_not_is_found_out() -> None:
    page = PAGE.read_text(encoding="utf-8").replace("PENDING --> CONFIRMED", "PENDING --> NO_SHOW")
    assert drawn(page) != page
