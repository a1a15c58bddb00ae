"""Settings as people have them at hand: written by themselves, or as the AWS CLI prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.settings.baseline import Settings
from ecr_steward.settings.kinds import KINDS
from ecr_steward.settings.lifecycle import TaggedRunning
from ecr_steward.settings.registry import RegistrySettings
from ecr_steward.settings.registry_kinds import REGISTRY_KINDS
from ecr_steward.settings.state import SettingsError, check_fields
from ecr_steward.words.grammar import is_tag
from ecr_steward.words.image_uris import ImageUri, NoImageUri
from ecr_steward_cli.given.names import is_digest

RUNNING, TAGS = "running", "resource_tags"


@dataclass(frozen=True, slots=True)
class GivenSettings:
    """The settings of one repository, and its images that run."""

    settings: Settings
    running: tuple[TaggedRunning, ...] = ()


def repositories(documents: Iterable[Any]) -> dict[str, GivenSettings]:
    """The settings of each repository that the documents are about; raises SettingsError.

    A document is an object with the repository's name under `repository` and its settings, or what
    the AWS CLI prints: of `describe-repositories`, `get-repository-policy`, `get-lifecycle-policy`
    or `list-tags-for-resource`, which names no repository, and is about the one before it. Several
    may be about one repository, each about other settings of it.
    """
    found: dict[str, dict[str, Any]] = {}
    before: list[str] = []
    for document in documents:
        each = [(_one(before), {TAGS: document})] if _is_tags(document) else [*_each(document)]
        before = [name for name, _ in each]
        for name, settings in each:
            known = found.setdefault(name, {})
            for key, value in settings.items():
                if key in known:
                    raise SettingsError(f"`{key}` of `{name}` is there twice.")
                known[key] = value
    if not found:
        raise SettingsError("There is no repository in the settings.")
    return {name: _given(name, settings) for name, settings in found.items()}


def _is_tags(document: Any) -> bool:
    """Whether it is what the AWS CLI prints of `list-tags-for-resource`."""
    return isinstance(document, Mapping) and document.keys() == {"tags"}


def _one(names: list[str]) -> str:
    if len(set(names)) != 1:
        raise SettingsError("`tags` names no repository: give it right after what is of one.")
    return names[0]


def registry(documents: Iterable[Any]) -> RegistrySettings:
    """The registry's own settings; raises SettingsError.

    A document is `{"registry": {…}}`, or what the AWS CLI prints of one of them: of
    `describe-registry`, `get-registry-policy` and so on.
    """
    found: dict[str, Any] = {}
    for document in documents:
        for key, value in _of_registry(document).items():
            if key in found:
                raise SettingsError(f"`{key}` of the registry is there twice.")
            found[key] = value
    return RegistrySettings.from_document(found)


def _of_registry(document: Any) -> Mapping[str, Any]:
    known = {kind.printed: kind.name for kind in REGISTRY_KINDS}
    if isinstance(document, Mapping):
        whole = document.get("registry")
        if isinstance(whole, Mapping) and len(document) == 1:
            return whole
        printed = {known[key]: {key: value} for key, value in document.items() if key in known}
        if printed:
            return printed
    raise SettingsError(
        'The settings of a registry are {"registry": {…}}, or what the AWS CLI prints of them.'
    )


def _given(name: str, document: Mapping[str, Any]) -> GivenSettings:
    settings = {key: value for key, value in document.items() if key != RUNNING}
    images = document.get(RUNNING) or []
    if not isinstance(images, list):
        raise SettingsError(f"`{RUNNING}` must be a list of images.")
    running = (_running(name, each, f"{RUNNING}[{i}]") for i, each in enumerate(images))
    once = dict.fromkeys(each for each in running if each)
    return GivenSettings(Settings.from_document(settings), tuple(once))


def _running(repository: str, value: Any, field: str) -> TaggedRunning | None:
    """An image that runs, by an image URI, by a tag, or by its digest and all its tags; None for
    one of another repository."""
    if isinstance(value, str):
        return _written(repository, value, field)
    if not isinstance(value, Mapping):
        raise SettingsError(f"`{field}` must be an image URI, a tag or an object.")
    check_fields(value, ("digest", "tags", "archived"), field)
    tags, digest = value.get("tags", []), value.get("digest")
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        raise SettingsError(f"`{field}.tags` must be a list of strings.")
    for each in tags:
        if not is_tag(each):
            raise SettingsError(f"`{field}.tags`: `{each}` cannot be a tag.")
    if not isinstance(digest, str) or not is_digest(digest):
        raise SettingsError(
            f"`{field}.digest` must be the digest of an image: sha256: and 64 hex digits."
        )
    if not isinstance(value.get("archived", False), bool):
        raise SettingsError(f"`{field}.archived` must be true or false.")
    return TaggedRunning(digest, tuple(tags), archived=value.get("archived", False))


def _written(repository: str, written: str, field: str) -> TaggedRunning | None:
    if is_tag(written):
        return TaggedRunning(written, (written,))
    try:
        uri = ImageUri.parse(written)
    except NoImageUri as error:
        raise SettingsError(f"`{field}`: {error}") from error
    if uri.repository != repository:
        return None
    if uri.tag is None:
        raise SettingsError(
            f"`{field}` names no tag, and tags decide what a lifecycle rule takes: write "
            '{"digest": …, "tags": […]}.'
        )
    return TaggedRunning(written, (uri.tag,))


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
