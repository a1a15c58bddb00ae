"""Parts of a regular expression, as text."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P<(\w+)>|(\((?!\?))|\(|\)|.", re.DOTALL)
_REFERENCE = re.compile(r"\\[1-9]|\(\?P=|\(\?\(")
_ANY = "[A-Za-z0-9_.-]+"


def group_expression(expression: str, name: str) -> str:
    """An expression of what a named group can match, without groups of its own.

    Where the group refers to others, it is one of any text.
    """
    tokens = list(_TOKEN.finditer(expression))
    start = next(i for i, each in enumerate(tokens) if each[1] == name)
    inside, depth = "", 1
    for token in tokens[start + 1 :]:
        depth += token[0].startswith("(") - (token[0] == ")")
        if not depth:
            break
        plain = token[1] is not None or token[2] is not None
        inside += "(?:" if plain else token[0]
    if _REFERENCE.search(inside):
        return _ANY
    flags = re.match(r"\(\?([aiLmsux]+)\)", expression)
    return f"(?{flags[1]}:{inside})" if flags else f"(?:{inside})"
