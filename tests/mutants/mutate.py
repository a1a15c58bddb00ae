"""The small changes that can be made to a module, each by its number."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ADDED: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change: what it was and what it is, and the whole text, with the original
    as it is written then."""

    line: int
    before: str
    after: str
    text: str
    original: str


@dataclass(frozen=True, slots=True)
class Site:
    """A node of a module, by its number, and which of its changes: what it is and becomes."""

    node: int
    choice: int
    change: str


def sites(source: str) -> list[Site]:
    """Where a module's text can be changed.

    Texts are left alone, and decorators: what they say is no decision.
    """
    nodes = list(ast.walk(ast.parse(source)))
    decorators = (each for node in nodes for each in getattr(node, "decorator_list", ()))
    apart = {inner for each in decorators for inner in ast.walk(each)}
    return [
        Site(number, choice, f"{ast.unparse(node)} -> {ast.unparse(changed)}")
        for number, node in enumerate(nodes)
        if node not in apart
        for choice, changed in enumerate(_changes(node))
    ]


def mutant(source: str, site: Site) -> Mutant:
    """The module with the change of one of its `sites`."""
    tree = ast.parse(source)
    target = next(each for n, each in enumerate(ast.walk(tree)) if n == site.node)
    before, original = ast.unparse(target), ast.unparse(tree)
    replacement = list(_changes(target))[site.choice]
    after = ast.unparse(replacement)
    text = ast.unparse(_Replaced(target, replacement).visit(tree))
    return Mutant(getattr(target, "lineno", 0), before, after, text, original)


def function(source: str, site: Site) -> str | None:
    """The function, with its class, that one of a module's `sites` is in; None if in none."""
    tree = ast.parse(source)
    target = next(each for n, each in enumerate(ast.walk(tree)) if n == site.node)
    return _function(tree, target, "")


def _function(node: ast.AST, target: ast.AST, outer: str) -> str | None:
    for each in ast.iter_child_nodes(node):
        name = f"{outer}{each.name}" if isinstance(each, _NAMED) else outer
        if isinstance(each, ast.FunctionDef):
            if any(inner is target for part in each.body for inner in ast.walk(part)):
                return name
        elif any(inner is target for inner in ast.walk(each)):
            return _function(each, target, f"{name}." if isinstance(each, ast.ClassDef) else outer)
    return None


_NAMED = ast.FunctionDef | ast.ClassDef


class _Replaced(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.expr) -> None:
        self._target = target
        self._replacement = replacement

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._target:
            return ast.copy_location(self._replacement, node)
        return super().visit(node)  # type: ignore[no-any-return]  # ast says Any


def _changes(node: ast.AST) -> Iterator[ast.expr]:
    """What a node can become."""
    match node:
        case ast.Compare():
            yield from _compared(node)
        case ast.BoolOp():
            yield from _joined(node)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.IfExp():
            yield ast.IfExp(node.test, node.orelse, node.body)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield ast.BinOp(node.left, _ADDED[type(node.op)](), node.right)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)


def _compared(node: ast.Compare) -> Iterator[ast.expr]:
    for n, operator in enumerate(node.ops):
        if (other := _COMPARED.get(type(operator))) is not None:
            yield ast.Compare(
                node.left, [*node.ops[:n], other(), *node.ops[n + 1 :]], node.comparators
            )


def _joined(node: ast.BoolOp) -> Iterator[ast.expr]:
    """`and` for `or`, or one part less."""
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for n in range(len(node.values)):
        left = [*node.values[:n], *node.values[n + 1 :]]
        yield left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
