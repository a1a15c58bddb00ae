"""JSON as commands take it: each key once, and no `NaN`, of which no two readers think alike."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def decoder(fault: type[ValueError]) -> json.JSONDecoder:
    """A decoder that raises `fault`, with a sentence, for what JSON has no one meaning for."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise fault(f"`{key}` occurs twice in one object.")
            found[key] = value
        return found

    def no_constant(name: str) -> NoReturn:
        raise fault(f"`{name}` is not JSON.")

    return json.JSONDecoder(object_pairs_hook=once, parse_constant=no_constant)
