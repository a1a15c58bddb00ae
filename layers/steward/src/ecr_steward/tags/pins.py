"""Pins: the unique tags that the steward gives to images which only stable tags name."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ecr_steward.words import grammar

_FIELD = re.compile(r"\{(tag|digest|pushed:[^{}]*)\}")
_DIRECTIVES = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "j": 3, "y": 2}
_DIGEST_DIGITS = 12


class PinError(ValueError):
    """A template that cannot make pins; the sentence says why."""


class PinTemplate:
    """A template with `{digest}` (12 hex digits) and, as one likes, `{tag}` and `{pushed:…}`.

    `{pushed:…}` is the image's `imagePushedAt` in UTC, in strftime's words for numbers. Both stay
    the same for an image, so its pin does too. Raises PinError.
    """

    def __init__(self, template: str) -> None:
        if template.count("{digest}") != 1:
            raise PinError(f"`{template}` must have {{digest}} once: no two pins may be the same.")
        rest = _FIELD.sub("0", template)
        if "{" in rest or "}" in rest:
            raise PinError(
                f"`{template}` has an unknown placeholder; there are {{tag}}, {{digest}} and "
                "{pushed:%Y%m%dT%H%M%SZ}."
            )
        if template.count("{tag}") > 1 or not grammar.is_tag(_FIELD.sub(_sample, template)):
            raise PinError(f"`{template}` renders to no valid tag.")
        self.template = template
        self._regex = re.compile(_FIELD.sub(_expression, _escaped(template)))
        self._fixed = len(_FIELD.sub(lambda m: "" if m[1] == "tag" else _sample(m), template))

    def parts(self) -> tuple[str | None, ...]:
        """The expressions of what stands one after the other in its pins; None is the tag."""
        whole = _FIELD.sub(lambda m: "{tag}" if m[1] == "tag" else _expression(m),
                           _escaped(self.template))  # fmt: skip
        before, tag, after = whole.partition("{tag}")
        return (before, None, after) if tag else (before,)

    def renders(self, tag: str) -> bool:
        """Whether `tag` looks like a pin of some image."""
        return self._regex.fullmatch(tag) is not None

    def makes(self, tag: str, digest: str) -> bool:
        """Whether `tag` is a pin of the image `digest`: its digits are those of the digest."""
        match = self._regex.fullmatch(tag)
        return match is not None and match["digest"] == _digits(digest)

    def render(self, tag: str, pushed_at: datetime, digest: str) -> str:
        """The pin of an image; a long `tag` is cut so that the pin stays a valid tag."""
        utc = pushed_at.astimezone(UTC)

        def value(match: re.Match[str]) -> str:
            if match[1] == "tag":
                return tag[: grammar.MAX_LENGTH - self._fixed]
            if match[1] == "digest":
                return _digits(digest)
            return utc.strftime(match[1].removeprefix("pushed:"))

        return _FIELD.sub(value, self.template)


def is_of(tag: str, digest: str) -> bool:
    """Whether `tag` has the digits of the image `digest`, which every pin of it has."""
    return _digits(digest) in tag


def _digits(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_DIGEST_DIGITS]


def _escaped(template: str) -> str:
    """The template with everything but its fields escaped for a regular expression."""
    parts, end = [], 0
    for match in _FIELD.finditer(template):
        parts += [re.escape(template[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, re.escape(template[end:])])


def _expression(match: re.Match[str]) -> str:
    if match[1] == "tag":
        return r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
    if match[1] == "digest":
        return f"(?P<digest>[0-9a-f]{{{_DIGEST_DIGITS}}})"
    return "".join(
        re.escape(each) if width is None else f"[0-9]{{{width}}}"
        for each, width in _pieces(match[1])
    )


def _sample(match: re.Match[str]) -> str:
    if match[1] in ("tag", "digest"):
        return "0" * (1 if match[1] == "tag" else _DIGEST_DIGITS)
    return "".join(each if width is None else "0" * width for each, width in _pieces(match[1]))


def _pieces(field: str) -> list[tuple[str, int | None]]:
    """The letters of a `pushed:` field, and the widths of its directives."""
    form, pieces = field.removeprefix("pushed:"), list[tuple[str, int | None]]()
    letters = iter(form)
    for letter in letters:
        if letter != "%":
            pieces.append((letter, None))
            continue
        directive = next(letters, "")
        if directive not in _DIRECTIVES:
            known = ", ".join(f"%{each}" for each in _DIRECTIVES)
            raise PinError(f"`%{directive}` is not known in `{{{field}}}`; there are {known}.")
        pieces.append((directive, _DIRECTIVES[directive]))
    return pieces


DEFAULT_PIN = PinTemplate("{tag}-{pushed:%Y%m%dT%H%M%SZ}-{digest}")
"""Pins of rules that have no template of their own."""
