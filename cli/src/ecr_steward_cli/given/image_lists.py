"""Lists of running images, as people and tools have them at hand for `ecr-steward running import`.

One image URI a line, a JSON array of them (`ecrm scan --output` and others write such), or what
`kubectl get pods -o json` prints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.words.image_uris import ImageUri, NoImageUri

_PODS = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
_BARE_ID = re.compile(r"([a-z-]+://)?sha256:[0-9a-f]{64}")
_OF_A_REPLICA_SET = re.compile(r"-[a-z0-9]{1,10}$")


class UnreadableImages(ValueError):
    """What is no list of images; `line` is where, None for the whole."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence)
        self.line = line


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image that runs: `workload` is who runs it, as far as the list says."""

    uri: ImageUri
    written: str
    workload: str = ""


def listed_images(content: str) -> list[ListedImage]:
    """The images of a list; those on Docker Hub, which are written without a host, are left out.

    Raises UnreadableImages.
    """
    if not content.lstrip().startswith(("[", "{")):
        lines = enumerate(content.splitlines(), start=1)
        return [found for at, line in lines if (found := _line(line.strip(), at)) is not None]
    try:
        document = json.loads(content)
    except json.JSONDecodeError as error:
        raise UnreadableImages(f"This is not JSON: {error.msg}.", error.lineno) from error
    except ValueError as error:
        raise UnreadableImages(f"This is not JSON: {error}.") from error
    except RecursionError:
        raise UnreadableImages("The JSON is nested too deeply to be read.") from None
    return list(_pods(document) if isinstance(document, dict) else _array(document))


def _line(line: str, at: int | None = None) -> ListedImage | None:
    if not line or line.startswith("#"):
        return None
    try:
        return ListedImage(ImageUri.parse(line), line)
    except NoImageUri as error:
        if _is_of_docker_hub(line):
            return None
        raise UnreadableImages(str(error), at) from error


def _array(document: list[Any]) -> Iterator[ListedImage]:
    for number, each in enumerate(document, start=1):
        if not isinstance(each, str):
            raise UnreadableImages(f"Entry {number} of the array is not a string.")
        found = _line(each)
        if found is not None:
            yield found


def _pods(document: Mapping[str, Any]) -> Iterator[ListedImage]:
    pods = document.get("items", [document] if document.get("kind") == "Pod" else None)
    if not isinstance(pods, list):
        raise UnreadableImages(
            "The JSON is neither an array of image URIs nor what `kubectl get pods -o json` prints."
        )
    for pod in pods:
        if not isinstance(pod, dict) or not isinstance(pod.get("status"), dict):
            raise UnreadableImages(
                "An item has no `status`: list pods, with `kubectl get pods -o json`."
            )
        for key in _PODS:
            for status in pod["status"].get(key) or ():
                found = _container(status)
                if found is not None:
                    yield ListedImage(found.uri, str(status.get("image") or ""), _owner(pod))


def _container(status: Mapping[str, Any]) -> ListedImage | None:
    """A container's image by its `imageID`, or where that names no registry by its `image`."""
    name = str(status.get("imageID") or "")
    if not name or _BARE_ID.fullmatch(name):
        name = str(status.get("image") or "")
    return None if _BARE_ID.fullmatch(name) else _line(name)


def _owner(pod: Mapping[str, Any]) -> str:
    """`NAMESPACE/NAME` of what made a pod, a Deployment by its ReplicaSet's name."""
    about = pod.get("metadata") or {}
    owners = about.get("ownerReferences") or [{}]
    name = str(owners[0].get("name") or about.get("name") or "")
    if owners[0].get("kind") == "ReplicaSet":
        name = _OF_A_REPLICA_SET.sub("", name)
    return f"{about.get('namespace', 'default')}/{name}"


def _is_of_docker_hub(written: str) -> bool:
    try:
        ImageUri.parse(f"docker.io/{written}")
    except NoImageUri:
        return False
    return True
