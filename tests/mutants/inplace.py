"""A mutant in a process that has the code already: the function's code is exchanged."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any


class NotInPlace(Exception):
    """The mutant needs a process that starts with it."""


def put_in_place(module: str, name: str | None, text: str) -> None:
    """Give the function `name` of a module, such as `Scheme.is_pin`, the code that it has in
    `text`; whoever imported it calls that from now on. Raises NotInPlace."""
    if name is None:
        raise NotInPlace("It is in no function.")
    try:
        _function(module, name).__code__ = _code(text, name)
    except ValueError as error:  # other variables from around it
        raise NotInPlace(str(error)) from error


def _code(text: str, name: str) -> CodeType:
    found = [each for each in _codes(compile(text, name, "exec")) if each.co_qualname == name]
    if len(found) != 1:
        raise NotInPlace(f"There are {len(found)} of {name}.")
    return found[0]


def _codes(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def _function(module: str, name: str) -> FunctionType:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    while not isinstance(found, FunctionType) or hasattr(found, "__wrapped__"):
        found = _inner(found)
    return found


def _inner(found: Any) -> Any:
    """What a decorator made something of; what it kept of calls is forgotten."""
    if hasattr(found, "cache_clear"):
        found.cache_clear()
    if isinstance(found, property):
        return found.fget
    if isinstance(found, functools.cached_property):
        return found.func
    if isinstance(found, staticmethod | classmethod):
        return found.__func__
    if hasattr(found, "__wrapped__"):
        return found.__wrapped__
    raise NotInPlace(f"{found!r} is no function.")
