"""The migrations that ship are the same in every host, so they name no host's app or model."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bookings

PACKAGE = Path(bookings.__file__).parent
SHIPPED = sorted(PACKAGE.glob("**/migrations/0*.py"))
OURS_AND_DJANGOS = {
    "bookings",
    "bookings_catalog",
    "bookings_schedule",
    "bookings_payments",
    "bookings_group_sessions",
    "bookings_series",
    "bookings_reports",
    "bookings_api",
    "auth",
    "contenttypes",
}


def test_there_are_migrations_to_look_at() -> None:
    assert {path.parent.parent.name for path in SHIPPED} >= {"bookings", "catalog"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parts[-3]}.{path.stem}")
def test_a_migration_depends_on_no_host(path: Path) -> None:
    for dependency in dependencies(ast.parse(path.read_text(encoding="utf-8"))):
        match dependency:
            case ast.Tuple(elts=[ast.Constant(value=label), ast.Constant()]):
                assert label in OURS_AND_DJANGOS, f"{path.name} depends on {label}"
            case ast.Call(func=function):
                assert ast.unparse(function) in {
                    "app_settings.dependency",
                    "migrations.swappable_dependency",
                }
            case _:
                pytest.fail(f"{path.name}: a dependency of a new kind, {ast.unparse(dependency)}")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parts[-3]}.{path.stem}")
def test_a_migration_points_at_no_host(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "to":
            if ast.unparse(node.value) == "settings.AUTH_USER_MODEL":
                continue
            assert isinstance(node.value, ast.Constant), ast.unparse(node.value)
            assert str(node.value.value).split(".")[0] in OURS_AND_DJANGOS


def dependencies(module: ast.Module) -> list[ast.expr]:
    return [
        element
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == ["dependencies"]
        and isinstance(node.value, ast.List)
        for element in node.value.elts
    ]
