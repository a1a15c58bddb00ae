"""What a lifecycle policy would take, told without ECR's preview: starting one is a write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ecr_steward.ecr.settings import Preview
from ecr_steward.images.state import ARCHIVED, INDEXES
from ecr_steward.settings.lifecycle import Expiring
from ecr_steward_cli.in_memory.documents import PreviewImage, taken
from ecr_steward_cli.live.state import NotedSettings


class ForeseenSettings(NotedSettings):
    """Settings of a live repository. Previews are judged here, by ECR's documented rules, from
    `details`, what `DescribeImages` says of all its images."""

    def __init__(
        self, client: Any, details: Callable[[], Iterable[Mapping[str, Any]]], now: datetime
    ) -> None:
        super().__init__(client)
        self._details, self._now = details, now
        self._previewed: Mapping[str, Any] | None = None

    def start_preview(self, repository: str, document: Mapping[str, Any]) -> None:
        self._previewed = document

    def preview(self, repository: str, running: Collection[str] = ()) -> Preview | None:
        if self._previewed is None:
            return None
        found = [*self._taken(self._previewed["rules"])]
        expire = sum(not each.archives for each in found)
        tagged = tuple(each for each in found if each.tags or each.digest in running)
        return Preview(self._previewed, done=True, images=expire, tagged=tagged)

    def _taken(self, rules: Iterable[Mapping[str, Any]]) -> Iterator[Expiring]:
        for image, rule in taken(rules, _images([*self._details()]), self._now):
            archives = rule["action"]["type"] == "transition"
            yield Expiring(image.digest, image.tags, int(rule["rulePriority"]), archives)


def _images(details: Collection[Mapping[str, Any]]) -> list[PreviewImage]:
    """The images that a rule may take. ECR spares what an index lists, and `DescribeImages` does
    not tell what that is: where there is an index, an image without a tag is taken to be listed."""
    indexes = [each for each in details if each.get("imageManifestMediaType") in INDEXES]
    return [
        PreviewImage(
            digest=each["imageDigest"],
            tags=tuple(each.get("imageTags", ())),
            pushed_at=each.get("lastActivatedAt") or each["imagePushedAt"],
            pulled_at=each.get("lastRecordedPullTime"),
            archived_at=each.get("lastArchivedAt") if each.get("imageStatus") in ARCHIVED else None,
        )
        for each in details
        if each.get("imageTags") or not indexes or each in indexes
    ]
