"""The figures that a run of the benchmarks leaves get to their places on the page."""

from __future__ import annotations

import json
from typing import Any

from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.page import MARKED, PAGE, tables_of, with_tables
from tests.benchmarks.timing import Result, take_turns


def report(*results: Result) -> dict[str, Any]:
    stored = {
        "rounds": 9,
        "machine": {"cores": "2"},
        "results": [result.as_json() for result in results],
    }
    return json.loads(json.dumps(stored))


def test_each_is_compared_with_the_first() -> None:
    few, many = (
        Result("create", "A booking", "ms", {"raw": 2.0, "ours": ours}, at=at)
        for ours, at in ((3.0, "few"), (4.0, "many"))
    )
    assert few.ratios == {"raw": 1.0, "ours": 1.5}
    assert tables_of(report(few, many)) == {
        "create": "| A booking | few | many |\n|---|---:|---:|\n"
        "| raw | 1.00 (2.00 ms) | 1.00 (2.00 ms) |\n| ours | 1.50 | 2.00 |\n\n(9 rounds, cores 2)\n"
    }


def test_what_cannot_be_compared_has_no_ratio() -> None:
    figures: dict[str, float] = {"ours": 0, "theirs": 50}
    result = Result("peers", "Slots", "slots", figures, notes=["a note"], compared=False)
    assert result.ratios == {}
    (table,) = tables_of(report(result)).values()
    assert table.startswith("| Slots | slots |\n|---|---:|\n| ours | 0 |\n| theirs | 50 |\n")
    assert "\n- a note\n" in table


def test_a_table_takes_the_place_of_the_one_before_it() -> None:
    page = (
        "A\n<!-- figures: size -->\nold\n<!-- end -->\nB\n<!-- figures: steps -->\n<!-- end -->\n"
    )
    filled = with_tables(page, {"size": "new"})
    assert filled == page.replace("old", "\nnew")
    assert with_tables(filled, {"size": "new"}) == filled


def test_every_benchmark_has_its_place() -> None:
    places = [name for _before, name, _after in MARKED.findall(PAGE.read_text(encoding="utf-8"))]
    assert sorted(places) == sorted(BENCHMARKS)


def test_contenders_take_turns_and_the_median_counts() -> None:
    order: list[str] = []
    seconds = {"one": iter([9.0, 1, 5, 2]), "other": iter([9.0, 3, 3, 30])}

    def turn(name: str) -> Any:
        return lambda: order.append(name) or next(seconds[name])

    taken = take_turns({name: turn(name) for name in seconds}, rounds=3, warm_up=1)

    assert order == ["one", "other"] * 4
    assert taken == {"one": 2, "other": 3}
