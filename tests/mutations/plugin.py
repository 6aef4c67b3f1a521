"""A pytest plugin: it runs each mutant against the tests that reach its line.

All tests run once, to learn which lines each reaches. Then a fork of this process for each mutant
replaces the code of one function, and runs these tests until one fails. Nothing is written to the
source files.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Generator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final
from zlib import crc32

import pytest
from _pytest.runner import runtestprotocol
from coverage import Coverage

from tests.mutations.mutants import Mutant

CONFIGURATION: Final = "BOOKINGS_MUTATIONS"
ANNOTATIONS: Final = "__annotate__"
"""Python 3.14 compiles the annotations of a function into a function of this name beside it.

Its code says where the annotated function ends, so it differs wherever that does.
"""
KILLED, SURVIVED, OUT_OF_TIME = 1, 0, 3
TEST_SECONDS: Final = 60
"""A test that takes longer hangs, because of the mutant."""


class Mutations:
    def __init__(self, configuration: dict[str, Any]) -> None:
        self.mutants = [Mutant(**values) for values in configuration["mutants"]]
        self.seconds = configuration["seconds"]
        self.source = Path(configuration["source"])
        self.results = Path(configuration["results"])
        # Pytest captures what is printed otherwise.
        self.screen: int = configuration["screen"]
        self.coverage = Coverage(data_file=None, branch=False)
        self.failing: set[str] = set()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        with contextlib.suppress(Exception):  # of a test that is not measured
            self.coverage.switch_context(item.nodeid)
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        self.learn(session.items)
        reached = self.reached_lines()
        counts: dict[str, int] = {}
        with self.results.open("w", encoding="utf-8") as results:
            for number, mutant in enumerate(self.mutants, 1):
                lines = reached.get(mutant.path, {})
                tests = {
                    test
                    for line in range(mutant.first_line, mutant.last_line + 1)
                    for test in lines.get(line, ())
                } - self.failing
                outcome = self.run(mutant, sorted(map(items.__getitem__, tests), key=rank(mutant)))
                counts[outcome] = counts.get(outcome, 0) + 1
                results.write(json.dumps({"mutant": str(mutant), "outcome": outcome}) + "\n")
                results.flush()
                if outcome != "killed":
                    self.show(f"{outcome} ({len(tests)} tests): {mutant}")
                if number % 20 == 0 or number == len(self.mutants):
                    self.show(f"{number} of {len(self.mutants)}: {counts}")
        return True

    def learn(self, items: list[pytest.Item]) -> None:
        """Run all tests, and measure which lines each of them reaches."""
        self.coverage.start()
        began = time.monotonic()
        for item, following in zip(items, [*items[1:], items[0]], strict=True):
            if not passes(item, following):
                self.failing.add(item.nodeid)
        self.coverage.stop()
        seconds = time.monotonic() - began
        self.show(f"{len(items)} tests in {seconds:.0f} s, {len(self.failing)} failed")

    def show(self, line: str) -> None:
        os.write(self.screen, f"{line}\n".encode())

    def reached_lines(self) -> dict[str, dict[int, set[str]]]:
        with warnings.catch_warnings():
            # Of modules that were imported before it measured, which it counts as not measured.
            warnings.simplefilter("ignore")
            data = self.coverage.get_data()
        reached: dict[str, dict[int, set[str]]] = {}
        for path in data.measured_files():
            name = Path(path).relative_to(self.source).as_posix()
            lines = data.contexts_by_lineno(path)
            reached[name] = {line: set(tests) - {""} for line, tests in lines.items()}
        return reached

    def run(self, mutant: Mutant, items: list[pytest.Item]) -> str:
        if not items:
            return "not reached"
        child = os.fork()
        if child == 0:
            os._exit(self.outcome_in_child(mutant, items))
        _pid, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return "killed"  # it hung, or broke the interpreter
        code = os.WEXITSTATUS(status)
        return {SURVIVED: "survived", OUT_OF_TIME: "out of time"}.get(code, "killed")

    def outcome_in_child(self, mutant: Mutant, items: list[pytest.Item]) -> int:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        apply(mutant, self.source)
        began = time.monotonic()
        for item, following in zip(items, [*items[1:], items[0]], strict=True):
            signal.alarm(TEST_SECONDS)
            if not passes(item, following):
                return KILLED
            if time.monotonic() - began > self.seconds:
                return OUT_OF_TIME
        return SURVIVED


def rank(mutant: Mutant) -> Any:
    """Sort the tests of the module's own name to the front, and mix the others.

    Tests beside each other reach the same, so one of a mixture fails sooner.
    """
    stem = Path(mutant.path).stem
    return lambda item: (stem not in item.path.stem, crc32(item.nodeid.encode()))


def passes(item: pytest.Item, following: pytest.Item) -> bool:
    """Run one test, whose fixtures that ``following`` needs too stay; return whether it passes."""
    return not any(report.failed for report in runtestprotocol(item, nextitem=following, log=False))


def apply(mutant: Mutant, source: Path) -> None:
    """Give the function that the mutant changes its new code, in this process."""
    path = source / mutant.path
    changed = changed_functions(path.read_text(encoding="utf-8"), mutant.source, str(path))
    found = 0
    # Objects that are frozen are not among those.
    gc.unfreeze()
    for each in gc.get_objects():
        if isinstance(each, FunctionType):
            for before, after in changed:
                if each.__code__ == before and each.__code__.co_filename == str(path):
                    each.__code__ = after
                    found += 1
        elif isinstance(each, functools._lru_cache_wrapper):
            each.cache_clear()
    if not found:
        sys.exit(4)


def changed_functions(old: str, new: str, path: str) -> list[tuple[CodeType, CodeType]]:
    """Return the functions of a module that differ, before and after."""
    before, after = (_functions(compile(text, path, "exec")) for text in (old, new))
    return [(a, b) for a, b in zip(before, after, strict=True) if a != b]


def _functions(code: CodeType) -> list[CodeType]:
    """Return the code of a module's functions and of its classes' methods."""
    return [
        each
        for constant in code.co_consts
        if isinstance(constant, CodeType) and constant.co_name != ANNOTATIONS
        for each in (_functions(constant) if is_class(constant) else [constant])
    ]


def is_class(code: CodeType) -> bool:
    return not code.co_flags & 0x02  # CO_NEWLOCALS


def pytest_configure(config: pytest.Config) -> None:
    configuration = json.loads(Path(os.environ[CONFIGURATION]).read_text(encoding="utf-8"))
    config.pluginmanager.register(Mutations(configuration))
