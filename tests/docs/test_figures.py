"""The figures that a run of the benchmarks leaves get to their places on the page."""

from __future__ import annotations

import json
from typing import Any

from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.contest import Result, take_turns
from tests.benchmarks.page import MARKED, PAGE, tables_of, with_tables


def report(*results: Result) -> dict[str, Any]:
    stored = {"machine": {"cores": "2"}, "results": [result.as_json() for result in results]}
    return json.loads(json.dumps(stored))


def test_each_is_compared_with_the_first() -> None:
    result = Result("create", "A booking", "ms", {"raw": 2.0, "ours": 3.0})
    assert result.ratios == {"raw": 1.0, "ours": 1.5}
    assert tables_of(report(result)) == {
        "create": "| A booking | ms | ratio |\n|---|---:|---:|\n"
        "| raw | 2.00 | 1.00 |\n| ours | 3.00 | 1.50 |\n\n(cores 2)\n"
    }


def test_what_cannot_be_compared_has_no_ratio() -> None:
    result = Result("peers", "Slots", "slots", {"ours": 0, "theirs": 50}, ["a note"], False)
    assert result.ratios == {}
    assert "| theirs | 50 |  |\n\n- a note\n" in tables_of(report(result))["peers"]


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
