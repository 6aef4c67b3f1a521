"""The mutants of a module: each is one small change of an expression or a statement."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
TEXT_FUNCTIONS = {"_", "gettext", "ngettext_lazy", "pgettext_lazy", "cast"}


@dataclass(frozen=True)
class Mutant:
    """A change of one function of a module.

    :ivar path: the module, relative to ``src/``.
    :ivar line: the line of the change, from 1.
    :ivar change: the old and the new code, for a person.
    :ivar source: the module's code with the change.
    :ivar first_line: the first line of the statement.
    :ivar last_line: the last line of what is changed.
    """

    path: str
    line: int
    change: str
    source: str
    first_line: int
    last_line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.change}"


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Return every mutant of a module, in the order of its lines."""
    tree = ast.parse(source)
    return [
        _mutant(path, source, node, changed, statement)
        for function in _functions(tree)
        for node, statement in _with_statements(function)
        for changed in _changes(node)
    ]


def _with_statements(function: ast.AST) -> list[tuple[Any, int]]:
    """Return the nodes to change, each with the first line of its statement."""
    # A later statement in this walk is inside of an earlier one.
    statements = {
        id(node): statement.lineno
        for statement in ast.walk(function)
        if isinstance(statement, ast.stmt)
        for node in ast.walk(statement)
    }
    return [(node, statements[id(node)]) for node in _mutable_nodes(function)]


def _functions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the functions of a module and the methods of its classes; what they hold is theirs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child)


def _mutable_nodes(node: Any) -> Iterator[Any]:
    """Yield the nodes below a function, without its docstring, annotations, defaults and texts."""
    if isinstance(node, ast.FunctionDef):
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        children: Any = body
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in TEXT_FUNCTIONS:
        return
    elif isinstance(node, ast.AnnAssign):
        children = [node.value] if node.value is not None else []
    elif isinstance(node, ast.JoinedStr):
        return
    else:
        children = ast.iter_child_nodes(node)
    for child in children:
        yield child
        yield from _mutable_nodes(child)


def _changes(node: Any) -> Iterator[ast.AST]:  # noqa: PLR0912 - one case for each kind of node
    """Yield what may stand in place of a node."""
    match node:
        case ast.Compare(ops=[operator]):
            if type(operator) in COMPARISONS:
                yield _with(node, ops=[COMPARISONS[type(operator)]()])
        case ast.BoolOp():
            other: Any = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield _with(node, op=other())
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp(left=left) if not isinstance(getattr(left, "value", None), str):
            if type(node.op) in OPERATORS:
                yield _with(node, op=OPERATORS[type(node.op)]())
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as number):
            yield ast.Constant(number + 1)
        case ast.IfExp():
            yield _with(node, body=node.orelse, orelse=node.body)
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield _with(node, value=ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.AugAssign():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.If() | ast.While():
            if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
                yield _with(node.test, negated=True)
        case ast.keyword(value=ast.Name() | ast.Attribute(), arg=str()) if node.arg != "using":
            yield _with(node, value=ast.Constant(None))


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _with(node: Any, *, negated: bool = False, **values: Any) -> Any:
    if negated:
        return ast.copy_location(ast.UnaryOp(ast.Not(), node), node)
    changed = copy.copy(node)
    for name, value in values.items():
        setattr(changed, name, value)
    return changed


def _mutant(path: str, source: str, node: Any, changed: Any, statement: int) -> Mutant:
    place = node.test if isinstance(node, ast.If | ast.While) else node
    lines = source.encode().splitlines(keepends=True)
    begin = sum(map(len, lines[: place.lineno - 1])) + place.col_offset
    end = sum(map(len, lines[: place.end_lineno - 1])) + place.end_col_offset
    old = source.encode()[begin:end]
    new = ast.unparse(changed)
    if isinstance(changed, ast.expr):
        new = f"({new})"
    # As many lines as before, so that the lines of what follows stay the same.
    new += "\\\n" * old.count(b"\n") if not isinstance(changed, ast.Pass) else ""
    mutated = source.encode()[:begin] + new.encode() + source.encode()[end:]
    shown = " ".join(old.decode().split())
    change = f"{shown:.70} -> {' '.join(ast.unparse(changed).split()):.70}"
    lines_of = (statement, place.end_lineno)
    return Mutant(path, place.lineno, change, mutated.decode(), *lines_of)
