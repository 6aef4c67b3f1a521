"""The texts that the package's code and templates mark for translation, as ``xgettext`` finds them.

Read with Python's own parser, so that nothing is left unchecked where GNU gettext is not installed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.utils.translation.template import templatize

import bookings

PACKAGE: Final = Path(bookings.__file__).parent

PARTS: Final = {
    "gettext": ("text",),
    "ngettext": ("text", "plural"),
    "pgettext": ("context", "text"),
    "npgettext": ("context", "text", "plural"),
}
"""What the first arguments of each function are."""

CALL: Final = re.compile(r"\bn?p?gettext\((?:u'(?:[^'\\]|\\.)*'|u\"(?:[^\"\\]|\\.)*\"|, |count)+\)")


class Text(NamedTuple):
    text: str
    plural: str | None = None
    context: str | None = None


def texts() -> set[Text]:
    return {text for path in python_files() for text in in_python(path.read_text("utf-8"))} | {
        text for path in PACKAGE.rglob("*.html") for text in in_template(path.read_text("utf-8"))
    }


def python_files() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts]


def in_python(source: str) -> Iterator[Text]:
    tree = ast.parse(source)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            known |= {name.asname or name.name: name.name for name in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = known.get(node.func.id, "").removesuffix("_lazy")
            if name in PARTS:
                yield _text(name, node)


def in_template(source: str) -> Iterator[Text]:
    """Django turns a template into what looks like Python to ``xgettext``; so it does here."""
    for call in CALL.findall(templatize(source)):
        expression: Any = ast.parse(call, mode="eval").body
        yield _text(expression.func.id, expression)


def _text(name: str, call: ast.Call) -> Text:
    values = {}
    for part, argument in zip(PARTS[name], call.args, strict=False):
        written = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        assert written, f"{ast.unparse(call)}: a text to translate must be written out."
        values[part] = argument.value  # type: ignore[attr-defined]
    return Text(**values)
