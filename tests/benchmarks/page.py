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

from tests.benchmarks.contest import Result
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
    return {
        name: "\n".join(_tables([each for each in results if each.benchmark == name], machine))
        for name in dict.fromkeys(each.benchmark for each in results)
    }


def _tables(results: list[Result], machine: str) -> Iterable[str]:
    for result in results:
        yield f"| {result.title} | {result.unit} | {'ratio' if result.compared else ''} |"
        yield "|---|---:|---:|"
        for name, figure in result.figures.items():
            ratio = f"{result.ratios[name]:.2f}" if result.compared else ""
            yield f"| {name} | {result.shown(figure)} | {ratio} |"
        yield ""
        yield from (f"- {note}" for note in result.notes)
        if result.notes:
            yield ""
    yield f"({machine})"
    yield ""


if __name__ == "__main__":
    main(sys.argv[1:])
