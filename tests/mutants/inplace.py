"""A mutant in a process that has the code already: the function's code is exchanged."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Iterator
from datetime import timedelta
from types import CodeType, FunctionType, ModuleType
from typing import Any


class NotInPlace(Exception):
    """The mutant needs a process that starts with it."""


def put_in_place(module: str, name: str | None, before: str, text: str) -> None:
    """Give the function `name` of a module, such as `Scheme.is_pin`, the code that it has in
    `text`; whoever imported it calls that from now on. In no function, what `text` makes other
    than `before` does of the module is exchanged: constants, defaults and functions in tables.
    Raises NotInPlace."""
    if name is None:
        _exchange(module, before, text)
        return
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


# ---------------------------------------------------------------------------- in no function
_PLAIN = (bool, int, float, str, bytes, frozenset, timedelta, type(None))


def _exchange(module: str, before: str, text: str) -> None:
    live = importlib.import_module(module)
    old, new = _run(live, before), _run(live, text)
    changed = [_exchanged(module, each, old[each], new[each]) for each in new if each in vars(live)]
    if not any(changed):
        raise NotInPlace("What it makes otherwise is not plain.")


def _run(live: ModuleType, text: str) -> dict[str, Any]:
    names = {"__name__": live.__name__, "__package__": live.__package__, "__file__": "mutant"}
    exec(compile(text, "mutant", "exec"), names)  # noqa: S102
    return names


def _exchanged(module: str, name: str, old: Any, new: Any) -> bool:
    """Give whoever has what is called so in a module the new one; whether it differs."""
    live = vars(sys.modules[module])[name]
    if isinstance(old, type) and old.__module__ == module:
        own = [_set(live, each, vars(old).get(each), made) for each, made in vars(new).items()]
        own.append(_defaults(*(vars(each).get("__init__") for each in (live, old, new))))
        return any(own)
    if isinstance(old, FunctionType) and old.__module__ == module:
        return _defaults(live, old, new)
    if isinstance(old, dict):
        pairs = ((live[key], old[key], made) for key, made in new.items() if key in old)
        recoded = [_recoded(*each) for each in pairs]
        return any(recoded)
    holders = [each for each in list(sys.modules.values()) if vars(each).get(name) is live]
    changed = [_set(each, name, old, new) for each in holders]
    return any(changed)


def _set(holder: Any, name: str, old: Any, new: Any) -> bool:
    if not (_is_plain(old) and _is_plain(new)) or old == new or name.startswith("__"):
        return False
    setattr(holder, name, new)
    return True


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, tuple) and all(map(_is_plain, value)))


def _defaults(live: Any, old: Any, new: Any) -> bool:
    before, after = (getattr(each, "__defaults__", None) for each in (old, new))
    if not (_is_plain(before) and _is_plain(after)) or before == after:
        return False
    live.__defaults__ = after
    return True


def _recoded(live: Any, old: Any, new: Any) -> bool:
    if not isinstance(live, FunctionType) or old.__code__ == new.__code__:
        return False
    live.__code__ = new.__code__
    return True
