"""A page of documentation as a reader takes it: from top to bottom, doing what its blocks say."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import bookings

ROOT = Path(__file__).resolve().parents[2]
IMPORT_PATH = Path(bookings.__file__).resolve().parents[1]

BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SETTINGS = re.compile(r"`(?P<path>\w+/settings\.py)`")

# A shell that goes on after an error, as an interactive one does, and shows the error's last line.
SHELL = """
import json, traceback
for source in json.loads({sources!r}):
    print({mark!r})
    try:
        exec(compile(source, "<shell>", "exec"), globals())
    except Exception as error:
        print(traceback.format_exception_only(error)[-1].strip())
"""
MARK = "-- typed --"
PASSWORD = "a password of the tests"


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    introduction: str
    """The paragraph that stands above it."""


def blocks(page: str, *, section: str | None = None) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    if section is not None:
        text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [
        Block(match["kind"], match["text"], text[: match.start()].rstrip().rpartition("\n\n")[2])
        for match in BLOCK.finditer(text)
    ]


@dataclass
class Reader:
    """Somebody with a terminal, who types what a page shows, in a folder of their own."""

    folder: Path

    def follow(self, page: list[Block]) -> list[tuple[str, str]]:
        """Do what the blocks say, in their order.

        For every ``text`` block: what it promises, and what the Python above it has printed.
        """
        shown: list[tuple[str, str]] = []
        typed: list[str] = []
        promised: list[tuple[int, str]] = []
        for block in page:
            in_settings = SETTINGS.search(block.introduction)
            if block.kind == "console":
                # What is typed into a shell is typed at once, at the end: it keeps its variables.
                for line in block.text.splitlines():
                    self.type(line)
            elif block.kind == "python" and in_settings:
                with (self.folder / in_settings["path"]).open("a", encoding="utf-8") as file:
                    file.write(block.text)
            elif block.kind == "python":
                typed.append(block.text)
            elif block.kind == "text":
                promised.append((len(typed) - 1, block.text.strip()))
        outputs = self.type_into_shell(typed)
        shown.extend((text, outputs[number]) for number, text in promised)
        return shown

    def type(self, line: str) -> str:
        """One line of a ``console`` block; what the command prints."""
        match shlex.split(line):
            case ["python", "-m", "pip", "install", name]:
                # What the tests run on is installed already, or is the checkout itself.
                assert name == "django-bookings"
                return ""
            case ["python3", "-m", "venv", ".venv"] | ["source", ".venv/bin/activate"]:
                # The tests' own environment is the reader's.
                return ""
            case ["cd", name]:
                self.folder /= name
                return ""
            case ["python", "manage.py", "createsuperuser", *arguments]:
                # It would ask for the password.
                return self.run("manage.py", "createsuperuser", "--noinput", *arguments)
            case ["python", "manage.py", "runserver"]:
                return ""
            case ["django-admin", *arguments]:
                return self.run("-m", "django", *arguments)
            case ["python", *arguments]:
                return self.run(*arguments)
        raise AssertionError(f"How is this typed? {line}")

    def type_into_shell(self, sources: list[str]) -> list[str]:
        """What each of the sources prints in one ``manage.py shell``."""
        script = SHELL.format(sources=json.dumps(sources), mark=MARK)
        _banner, *outputs = self.run("manage.py", "shell", "-v", "0", given=script).split(MARK)
        return [output.strip() for output in outputs]

    def run(self, *arguments: str, given: str = "") -> str:
        environment = {
            name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"
        }
        environment["PYTHONPATH"] = str(IMPORT_PATH)
        environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout
