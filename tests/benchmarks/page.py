"""Write the figures of a run into the documentation, between the marks that name them.

``python -m tests.benchmarks.page FILE…``: what a later file has too, it has the last word on.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.timing import Result
from tests.databases import ROOT

PAGE: Final = ROOT / "docs" / "explanation" / "performance.md"
MARKED: Final = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(paths: Iterable[str]) -> None:
    tables: dict[str, str] = {}
    for path in paths:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
        tables |= tables_of(report)
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


def with_tables(page: str, tables: Mapping[str, str]) -> str:
    """The page with each marked place filled anew; one that the run has nothing for stays."""

    def fill(place: re.Match[str]) -> str:
        before, name, after = place.groups()
        return f"{before}\n{tables[name]}\n{after}" if name in tables else place[0]

    return MARKED.sub(fill, page)


def tables_of(report: Mapping[str, Any]) -> dict[str, str]:
    """Markdown for each benchmark of a run."""
    results = [Result.from_json(stored) for stored in report["results"]]
    machine = ", ".join(f"{name} {value}" for name, value in report["machine"].items())
    run = f"{report['rounds']} rounds, {machine}"
    return {
        name: "\n".join(_tables([each for each in results if each.benchmark == name], run))
        for name in dict.fromkeys(each.benchmark for each in results)
    }


def _tables(results: list[Result], run: str) -> Iterable[str]:
    """One for each title, with a column for each of the circumstances it was measured under."""
    for title in dict.fromkeys(each.title for each in results):
        columns = [each for each in results if each.title == title]
        yield f"| {title} | {' | '.join(each.at or each.unit for each in columns)} |"
        yield f"|---|{'---:|' * len(columns)}"
        for name in columns[0].figures:
            yield f"| {name} | {' | '.join(_cell(each, name) for each in columns)} |"
        yield ""
        if notes := dict.fromkeys(note for each in columns for note in each.notes):
            yield from (f"- {note}" for note in notes)
            yield ""
    yield f"({run})"
    yield ""


def _cell(result: Result, name: str) -> str:
    """The ratio, and what the first one's is a ratio of."""
    figure = result.format(result.figures[name])
    if not result.compared:
        return figure
    ratio = f"{result.ratios[name]:.2f}"
    is_first = name == next(iter(result.figures))
    return f"{ratio} ({figure} {result.unit})" if is_first else ratio


if __name__ == "__main__":
    main(sys.argv[1:])
