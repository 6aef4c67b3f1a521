"""What the documentation's Python calls and imports exists, under that name and with those
arguments."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from bookings import services
from bookings.adapters import DefaultBookingAdapter

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK: Final = re.compile(r"^( *)```python\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


def snippets() -> Iterator[Any]:
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        for number, (_indent, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            yield pytest.param(textwrap.dedent(text), id=f"{name}-{number}")


@pytest.mark.parametrize("snippet", list(snippets()))
def test_a_snippet_imports_and_calls_what_there_is(snippet: str) -> None:
    for node in ast.walk(ast.parse(snippet)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bookings"):
            module = importlib.import_module(node.module or "")
            missing = [name.name for name in node.names if not hasattr(module, name.name)]
            assert missing == []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in services.__all__:
                called = inspect.signature(getattr(services, node.func.id))
                called.bind(*node.args, **{keyword.arg or "": None for keyword in node.keywords})
        elif isinstance(node, ast.ClassDef) and "DefaultBookingAdapter" in map(
            ast.unparse, node.bases
        ):
            for method in node.body:
                assert isinstance(method, ast.FunctionDef)
                ours = inspect.signature(getattr(DefaultBookingAdapter, method.name))
                theirs = [argument.arg for argument in (*method.args.args, *method.args.kwonlyargs)]
                assert theirs == list(ours.parameters)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_links_only_to_what_there_is(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
