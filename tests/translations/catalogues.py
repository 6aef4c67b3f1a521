"""Catalogues as they are shipped: the ``.po`` that people edit, the ``.mo`` that Django reads."""

from __future__ import annotations

import ast
import struct
from pathlib import Path
from typing import Final, NamedTuple

from tests.translations.sources import PACKAGE, Text

LANGUAGES: Final = sorted(path.name for path in (PACKAGE / "locale").iterdir() if path.is_dir())

MAGIC: Final = 0x950412DE


class Entry(NamedTuple):
    text: Text
    forms: tuple[str, ...]
    comments: tuple[str, ...]


def path_of(language: str, suffix: str) -> Path:
    return PACKAGE / "locale" / language / "LC_MESSAGES" / f"django.{suffix}"


def entries(language: str) -> list[Entry]:
    """The entries of a ``.po``; the first one is its header."""
    content = path_of(language, "po").read_text("utf-8")
    return [_entry(block.splitlines()) for block in content.strip().split("\n\n")]


def translations(language: str) -> dict[Text, tuple[str, ...]]:
    return {entry.text: entry.forms for entry in entries(language)[1:]}


def _entry(lines: list[str]) -> Entry:
    values: dict[str, str] = {}
    keyword = ""
    for line in lines:
        if line.startswith("#"):
            continue
        if not line.startswith('"'):
            keyword, _space, line = line.partition(" ")  # noqa: PLW2901 - its quoted rest
        values[keyword] = values.get(keyword, "") + ast.literal_eval(line)
    return Entry(
        Text(values.get("msgid", ""), values.get("msgid_plural"), values.get("msgctxt")),
        tuple(value for name, value in values.items() if name.startswith("msgstr")),
        tuple(line for line in lines if line.startswith("#")),
    )


def as_compiled(entry: Entry) -> tuple[str, str]:
    """An entry as a ``.mo`` has it."""
    text = entry.text
    context = "" if text.context is None else f"{text.context}\4"
    plural = "" if text.plural is None else f"\0{text.plural}"
    return f"{context}{text.text}{plural}", "\0".join(entry.forms)


def compiled(language: str) -> dict[str, str]:
    """What a ``.mo`` holds.

    The format: https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
    """
    content = path_of(language, "mo").read_bytes()
    order = "<" if struct.unpack_from("<I", content)[0] == MAGIC else ">"
    number, originals, translated = struct.unpack_from(f"{order}3I", content, 8)

    def strings(table: int) -> list[str]:
        places = struct.iter_unpack(f"{order}2I", content[table : table + 8 * number])
        return [content[start : start + length].decode() for length, start in places]

    return dict(zip(strings(originals), strings(translated), strict=True))
