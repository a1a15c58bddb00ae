"""Settings as people have them at hand: written by themselves, or as the AWS CLI prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ecr_steward.settings.baseline import Settings
from ecr_steward.settings.kinds import KINDS
from ecr_steward.settings.state import SettingsError


def repositories(documents: Iterable[Any]) -> dict[str, Settings]:
    """The settings of each repository that the documents are about; raises SettingsError.

    A document is an object with the repository's name under `repository` and its settings, or what
    the AWS CLI prints: of `describe-repositories`, `get-repository-policy` or
    `get-lifecycle-policy`. Several may be about one repository, each about other settings of it.
    """
    found: dict[str, dict[str, Any]] = {}
    for document in documents:
        for name, settings in _each(document):
            known = found.setdefault(name, {})
            for key, value in settings.items():
                if key in known:
                    raise SettingsError(f"`{key}` of `{name}` is there twice.")
                known[key] = value
    if not found:
        raise SettingsError("There is no repository in the settings.")
    return {name: Settings.from_document(settings) for name, settings in found.items()}


def _each(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of each repository in a document, and its settings as `Settings` reads them."""
    if isinstance(document, list):
        for each in document:
            yield from _each(each)
        return
    if not isinstance(document, Mapping):
        raise SettingsError("The settings must be JSON objects.")
    if isinstance(document.get("repositories"), list):
        yield from _each(document["repositories"])
    elif isinstance(document.get("repository"), Mapping):
        yield from _each(document["repository"])
    elif "repositoryName" in document:
        yield _name(document["repositoryName"], "repositoryName"), _printed(document)
    else:
        settings = {key: each for key, each in document.items() if key != "repository"}
        yield _name(document.get("repository"), "repository"), settings


def _name(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"`{key}` must be the name of a repository.")
    return value


def _printed(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the AWS CLI prints of one repository; it may print more every day."""
    known = {key: kind.given for kind in KINDS for key in kind.printed}
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key in known:
            found.setdefault(known[key], {})[key] = value
    return found
