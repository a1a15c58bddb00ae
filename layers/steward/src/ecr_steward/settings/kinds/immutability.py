"""Which tags may move: what a rule states, or what its scheme implies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_steward.settings import immutability
from ecr_steward.settings.immutability import SCHEME, ImmutabilityBaseline
from ecr_steward.settings.kinds.kind import Around, EcrRequest, Setting
from ecr_steward.settings.state import (
    BaselineError,
    Path,
    Problem,
    SettingChange,
    SettingsError,
    check_fields,
)
from ecr_steward.tags.scheme import Scheme

WORDS = ("MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION")
_WORD, _FILTERS = "imageTagMutability", "imageTagMutabilityExclusionFilters"


@dataclass(frozen=True, slots=True)
class Mutability:
    """ECR's word, and its exclusion filters."""

    word: str = "MUTABLE"
    filters: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        return {_WORD: self.word, _FILTERS: immutability.listed(self.filters)}

    def __str__(self) -> str:
        return immutability.described(self.word, self.filters)


SCHEMA: Mapping[str, Any] = {
    "immutability": {
        "title": "Tag immutability",
        "description": (
            "`scheme`: what the scheme under `tags` implies, if ECR's wildcards can say it "
            "exactly; else the repository stays mutable, and `overwritten` is `restore` "
            "unless the rule says otherwise. `MUTABLE` or `IMMUTABLE`: all tags. "
            "`{immutable_except: [...]}` or `{mutable_except: [...]}`: all but the tags "
            "that one of at most 5 filters matches, each with at most 2 `*`. Pull-through "
            "caches are always left mutable."
        ),
        "type": ["string", "object"],
        "additionalProperties": False,
        "properties": {
            "immutable_except": {
                "title": "Immutable except",
                "description": "Filters of the tags that may move; all others are frozen.",
                "type": "array",
                "uniqueItems": True,
                "items": {
                    "type": "string",
                },
                "examples": [["latest", "main"]],
            },
            "mutable_except": {
                "title": "Mutable except",
                "description": "Filters of the tags that are frozen; all others may move.",
                "type": "array",
                "uniqueItems": True,
                "items": {
                    "type": "string",
                },
                "examples": [["release-*"]],
            },
        },
        "examples": [
            "scheme",
            "IMMUTABLE",
            {
                "immutable_except": ["latest", "main"],
            },
        ],
    },
}


class Immutability(Setting[ImmutabilityBaseline, Mutability]):
    name = "immutability"
    printed = (_WORD, _FILTERS)
    schema = SCHEMA
    unset = Mutability()

    @property
    def given(self) -> str:
        return "mutability"

    def wish(self, stated: Mapping[str, Any], scheme: Scheme | None) -> ImmutabilityBaseline:
        try:
            found = immutability.stated(stated[self.name])
        except BaselineError as error:
            raise BaselineError(str(error), (self.name, *error.path)) from error
        if found == ImmutabilityBaseline(SCHEME) and scheme is None:
            raise BaselineError(
                "`immutability: scheme` needs `tags` in the same rule: the scheme.", (self.name,)
            )
        return found

    def from_answer(self, answer: Mapping[str, Any]) -> Mutability:
        filters = tuple(each["filter"] for each in answer.get(_FILTERS) or ())
        return Mutability(answer.get(_WORD, "MUTABLE"), filters)

    def from_given(self, value: Any) -> Mutability:
        found = {_WORD: value} if isinstance(value, str) else value
        check_fields(found, (_WORD, _FILTERS), self.given)
        word, filters = found.get(_WORD), found.get(_FILTERS)
        word = "MUTABLE" if word is None else word
        if not isinstance(word, str) or word not in WORDS:
            raise SettingsError(f"`{self.given}.{_WORD}` must be one of {', '.join(WORDS)}.")
        name = f"{self.given}.{_FILTERS}"
        if filters is not None and not isinstance(filters, list):
            raise SettingsError(f"`{name}` must be a list.")
        listed = enumerate(filters or ())
        return Mutability(word, tuple(_filter(each, f"{name}[{i}]") for i, each in listed))

    def drift(
        self, wish: ImmutabilityBaseline, found: Mutability, around: Around
    ) -> Iterator[SettingChange]:
        wanted = immutability.wanted(wish, around.scheme, cache=around.cache)
        if wanted.is_met_by(found.word, found.filters):
            return
        shall = Mutability(wanted.mutability, wanted.filters)
        reason = f"Tags are {found} and should be {shall}, because {wanted.reason}."
        yield self.change(Problem.DIFFERENT, found.to_document(), shall.to_document(), reason)

    def corrected(self, found: Mutability, changes: Sequence[SettingChange]) -> Mutability:
        return self.from_answer(changes[0].after)

    def request(
        self, name: str, arn: str, value: Mutability, changes: Sequence[SettingChange]
    ) -> EcrRequest:
        said = immutability.request(value.word, value.filters)
        return EcrRequest("PutImageTagMutability", {"repositoryName": name, **said})

    def explain(self, wish: ImmutabilityBaseline, around: Around) -> Iterator[tuple[str, str]]:
        wanted = immutability.wanted(wish, around.scheme)
        yield "immutable", immutability.described(wanted.mutability, wanted.filters)
        if wanted.exact:
            return
        yield "", wanted.reason
        if around.scheme is not None and around.scheme.overwritten == "restore":
            yield "", "the steward puts overwritten unique tags back itself"

    def advice(self, wish: ImmutabilityBaseline, around: Around) -> Iterator[tuple[Path, str]]:
        scheme = around.scheme
        wanted = immutability.wanted(wish, scheme)
        if scheme is None or wanted.exact:
            return
        rest = "the steward puts overwritten unique tags back itself (`overwritten: restore`)"
        if scheme.overwritten != "restore":
            rest = f"`overwritten: {scheme.overwritten}` does not put unique tags back either"
        yield (
            (self.name,),
            (
                f"`immutability: scheme` leaves these repositories mutable, because "
                f"{wanted.reason}; {rest}."
            ),
        )

    def made(self, wish: ImmutabilityBaseline, scheme: Scheme | None, *, cache: bool) -> Mutability:
        wanted = immutability.wanted(wish, scheme, cache=cache)
        return Mutability(wanted.mutability, wanted.filters)

    def to_template(self, value: Mutability) -> dict[str, Any]:
        return immutability.request(value.word, value.filters)

    def from_template(self, template: Mapping[str, Any]) -> Mutability:
        return self.from_answer(template)

    def meaning(self, value: Mutability) -> Any:
        return value.word, frozenset(value.filters)


def _filter(value: Any, name: str) -> str:
    """A filter as ECR writes it, or its text alone."""
    if isinstance(value, Mapping):
        check_fields(value, ("filterType", "filter"), name)
        value = value.get("filter")
    if not isinstance(value, str):
        raise SettingsError(f'`{name}` must be {{"filterType": "WILDCARD", "filter": "…"}}.')
    return value
