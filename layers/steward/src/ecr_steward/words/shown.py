"""Text from people and from AWS as it may be shown: as text, never as commands to a terminal."""

from __future__ import annotations

import json


def printable(text: str) -> str:
    """`text` on one line: what is no printable character becomes an escape of JSON.

    Among these are line breaks and controls, what turns the direction of writing, and what has no
    width. The text of a JSON document stays a JSON document that says the same.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)
