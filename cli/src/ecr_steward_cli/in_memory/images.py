"""A registry in memory that behaves as Amazon ECR does, for the simulator and for tests."""

# The parameters bear the names of the ECR API, so that callers of boto3 need no change.
# ruff: noqa: N803

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import inspect
import itertools
import json
import re
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from botocore.exceptions import ClientError, ParamValidationError

Reply = dict[str, Any]
ImageId = Mapping[str, str]
Filters = Sequence[Mapping[str, str]]
Hook = Callable[[str, dict[str, Any]], None]

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

MAX_BATCH = 100
"""Most image ids, repository names or media types in one call (ECR API: ImageIdentifierList)."""
MAX_PAGE = 1000
"""Largest `maxResults` (ECR API: MaxResults)."""
MAX_TAGS_PER_IMAGE = 1000
"""A quota that cannot be raised (ECR User Guide: Amazon ECR service quotas)."""
MAX_MANIFEST = 4_194_304
"""Longest manifest, in characters (ECR API: PutImage)."""
MAX_FILTERS = 5
MAX_WILDCARDS = 2

_Method = TypeVar("_Method", bound=Callable[..., Reply])
_Row = TypeVar("_Row")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"(?=.{{2,256}}\Z){_NAME_PART}(?:/{_NAME_PART})*")
_FILTER = re.compile(r"[0-9a-zA-Z._*-]{1,128}")
_INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
_MUTABILITIES = ("MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION")
_TAG_STATUSES = ("TAGGED", "UNTAGGED", "ANY")
_IMAGE_STATUSES = ("ACTIVE", "ARCHIVED", "ACTIVATING", "ANY")
# Images in one format that ECR hands out in the other (User Guide: Container image manifest
# format support), with the media types that change on the way.
_TRANSLATIONS = {OCI_MANIFEST: DOCKER_MANIFEST, DOCKER_MANIFEST: OCI_MANIFEST}
_DOCKER_FOR_OCI = {
    "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.layer.v1.tar+gzip": (
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    ),
}
_PART_TYPES = {
    DOCKER_MANIFEST: _DOCKER_FOR_OCI,
    OCI_MANIFEST: {docker: oci for oci, docker in _DOCKER_FOR_OCI.items()},
}


class RefusedError(Exception):
    """ECR refuses the call: `code` and `message` become a ClientError of the operation."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def invalid_parameter(member: str, constraint: str) -> RefusedError:
    """How ECR refuses a value of `member` that breaks `constraint`."""
    return RefusedError(
        "InvalidParameterException",
        f"Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'",
    )


@dataclass(slots=True, eq=False)
class _Image:
    number: int
    digest: str
    manifest: str
    media_type: str
    names_media_type: bool
    artifact_media_type: str | None
    size: int
    children: tuple[str, ...]
    pushed_at: datetime
    # The tags in the order they were put, each with the registry's counter at that time.
    tags: dict[str, int] = field(default_factory=dict)
    parents: set[str] = field(default_factory=set)
    status: str = "ACTIVE"
    archived_at: datetime | None = None
    activated_at: datetime | None = None
    gone: bool = False


class HeldRepository:
    """A repository with its images, and what is set for it."""

    def __init__(self, number: int, name: str, created_at: datetime) -> None:
        self.number = number
        self.name = name
        self.created_at = created_at
        self.mutability = "MUTABLE"
        self.filters: list[dict[str, str]] = []
        self.images: dict[str, _Image] = {}
        self.tags: dict[str, str] = {}
        self._wildcards: re.Pattern[str] | None = None
        # Every image ever pushed, oldest first, the deleted ones until half of it is dead: a page
        # then starts by bisection, and a push costs the same in a repository of any size.
        self._order: list[_Image] = []

    def freeze(self, mutability: str, filters: Filters) -> None:
        self.mutability = mutability
        self.filters = [dict(each) for each in filters]
        # `*` is any run of characters and everything else literal, matched against the whole tag
        # (ECR User Guide: Preventing image tags from being overwritten).
        patterns = (".*".join(map(re.escape, each["filter"].split("*"))) for each in filters)
        self._wildcards = re.compile("|".join(patterns)) if filters else None

    def is_frozen(self, tag: str) -> bool:
        """Whether `tag` may not move."""
        excluded = self._wildcards is not None and self._wildcards.fullmatch(tag) is not None
        return self.mutability.startswith("IMMUTABLE") != excluded

    def add(self, image: _Image) -> None:
        self.images[image.digest] = image
        self._order.append(image)
        for child in image.children:
            self.images[child].parents.add(image.digest)

    def tag(self, image: _Image, tag: str, number: int) -> None:
        """Put `tag` on `image`; the image it was on stays, without tag if it had no other."""
        owner = self.tags.get(tag)
        if owner is not None:
            del self.images[owner].tags[tag]
        self.tags[tag] = image.digest
        image.tags[tag] = number

    def untag(self, tag: str) -> None:
        del self.images[self.tags.pop(tag)].tags[tag]

    def remove(self, image: _Image) -> None:
        for tag in image.tags:
            del self.tags[tag]
        for child in image.children:
            self.images[child].parents.discard(image.digest)
        del self.images[image.digest]
        image.gone = True
        if len(self._order) > 2 * len(self.images):
            self._order = [each for each in self._order if not each.gone]

    def images_from(self, number: int) -> Iterator[_Image]:
        start = bisect_left(self._order, number, key=lambda image: image.number)
        for index in range(start, len(self._order)):
            if not self._order[index].gone:
                yield self._order[index]


@dataclass(frozen=True, slots=True)
class _CacheRule:
    number: int
    prefix: str
    upstream: str
    created_at: datetime


_Numbered = TypeVar("_Numbered", HeldRepository, _CacheRule)


def _counted_ids() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{(number := next(numbers)):08x}-0000-4000-8000-{number:012x}"


def _sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def api_operation(name: str) -> Callable[[_Method], _Method]:
    """Make a method the ECR operation `name`: counted, hooked, refusing as the boto3 client does.

    The client checks names before it sends anything, and refuses an explicit None.
    """

    def decorate(method: _Method) -> _Method:
        members = list(inspect.signature(method).parameters.values())[1:]
        known = frozenset(each.name for each in members)
        required = frozenset(each.name for each in members if each.default is each.empty)

        @functools.wraps(method)
        def call(self: MemoryEcr, *args: Any, **kwargs: Any) -> Reply:
            if args:
                raise TypeError(f"{method.__name__}() only accepts keyword arguments.")
            if not (required <= kwargs.keys() <= known) or None in kwargs.values():
                raise ParamValidationError(report=_report(required, known, kwargs))
            return self._perform(name, kwargs, lambda: method(self, **kwargs))

        return cast(_Method, call)

    return decorate


def _report(required: frozenset[str], known: frozenset[str], given: Mapping[str, object]) -> str:
    lines = [
        *(f'Missing required parameter in input: "{each}"' for each in required - given.keys()),
        *(f'Unknown parameter in input: "{each}"' for each in given.keys() - known),
        *(
            f"Invalid type for parameter {each}, value: None"
            for each in given
            if given[each] is None
        ),
    ]
    return "\n".join(sorted(lines))


class MemoryEcr:
    """The part of the boto3 ECR client that the steward uses, on a registry in memory.

    Methods take the client's keyword arguments and return its responses. What ECR refuses raises
    `botocore.exceptions.ClientError` with ECR's code and operation; what the client itself refuses
    (an unknown or missing parameter, an explicit None) raises `ParamValidationError`.

    `account` and `region` name the registry. `clock` gives the time in UTC, aware; `ids` the ids of
    events, by default counted. `digest_of` gives the digest of a manifest's text, by default its
    SHA-256. `page_limit` is the size of a page where the caller does not say. `emit` receives every
    event that ECR would send to EventBridge, as a whole envelope, after the operation's effect and
    before its answer. `before` and `after` are called with the operation's name and parameters
    before anything happens and once the operation has taken effect; what they raise reaches the
    caller. `echo_tags=False` imitates the stand-ins for ECR that answer `BatchGetImage` with the
    image's last tag instead of the tag asked for. `calls` counts the calls by operation, the
    refused ones included.

    A call costs the same in a repository of any size. Calls may come from several threads; `emit`,
    `before` and `after` are called outside the lock and may call the registry again.

    Layers are not stored: a manifest may name any, LayersNotFoundException never arises, and the
    sizes are those the manifest states. Not here either: the quota of images per repository (it
    can be raised), resource tags, scanning, and cross-account access: a foreign `registryId` has
    no repositories.

    Where AWS does not say what happens, this registry does one thing and a caller must cope with
    all of them:
    - BatchDeleteImage by digest sends one DELETE per tag of the image, or one without `image-tag`
      if it had none. ECR may send one per image instead. By tag it sends one DELETE with that tag,
      whether or not the image went with it.
    - The last tag of an image that an index needs cannot be deleted.
    - DescribeImages with `imageIds` leaves out an image whose status the filter excludes, and
      describes an image once that was asked for by several ids.
    - A PutImage that restores an archived image succeeds and sends PUSH only.
    - DeleteRepository and lifecycle policies send no DELETE.
    - A media type that is neither accepted nor can be translated is returned as it is stored.
    """

    def __init__(
        self,
        *,
        account: str = "123456789012",
        region: str = "eu-west-1",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        ids: Callable[[], str] | None = None,
        digest_of: Callable[[str], str] = _sha256,
        page_limit: int = 100,
        emit: Callable[[dict[str, Any]], None] | None = None,
        before: Hook | None = None,
        after: Hook | None = None,
        echo_tags: bool = True,
    ) -> None:
        self.account = account
        self.region = region
        self.calls: Counter[str] = Counter()
        self.emit = emit
        self.before = before
        self.after = after
        self._clock = clock
        self._ids = ids or _counted_ids()
        self._request_ids = _counted_ids()
        self._digest_of = digest_of
        self._page_limit = page_limit
        self._echo_tags = echo_tags
        self._repositories: dict[str, HeldRepository] = {}
        self._cache_rules: dict[str, _CacheRule] = {}
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []
        self._lock = threading.RLock()

    # Images

    @api_operation("PutImage")
    def put_image(
        self,
        *,
        repositoryName: str,
        imageManifest: str,
        registryId: str | None = None,
        imageManifestMediaType: str | None = None,
        imageTag: str | None = None,
        imageDigest: str | None = None,
    ) -> Reply:
        """Store the manifest's text as it is, and put `imageTag` on it (ECR API: PutImage)."""
        _check_put(imageManifest, imageTag)
        repository = self._repository(repositoryName, registryId)
        now = self._clock()
        digest = self._digest_of(imageManifest)
        known = repository.images.get(digest)
        if known is not None and not (imageManifestMediaType or known.names_media_type):
            raise _unreadable()
        image = known or self._image(repository, digest, imageManifest, imageManifestMediaType, now)
        if imageDigest is not None and imageDigest != digest:
            raise RefusedError(
                "ImageDigestDoesNotMatchException",
                f"The image digest '{imageDigest}' does not match the digest '{digest}' "
                "that Amazon ECR calculated for the image",
            )
        self._check_tag(repository, image, imageTag, is_new=known is None)
        if known is None:
            repository.add(image)
        elif image.status != "ACTIVE":
            image.status, image.activated_at = "ACTIVE", now
        if imageTag is not None and imageTag not in image.tags:
            repository.tag(image, imageTag, next(self._numbers))
        self._note(repository, image, "PUSH", now, {"image-tag": imageTag or ""} | _types(image))
        return {"image": self._answer(repository, image, imageTag)}

    @api_operation("BatchGetImage")
    def batch_get_image(
        self,
        *,
        repositoryName: str,
        imageIds: Sequence[ImageId],
        registryId: str | None = None,
        acceptedMediaTypes: Sequence[str] | None = None,
    ) -> Reply:
        """The images asked for; what is missing is in `failures` (ECR API: BatchGetImage)."""
        _check_size("imageIds", imageIds)
        if acceptedMediaTypes is not None:
            _check_size("acceptedMediaTypes", acceptedMediaTypes)
        repository = self._repository(repositoryName, registryId)
        images: list[Reply] = []
        failures: list[Reply] = []
        for image_id in imageIds:
            image, failure = _find(repository, image_id)
            if image is not None and image.status != "ACTIVE":
                image, failure = None, _failure(image_id, "ImageInaccessible", "Image is archived")
            if image is None:
                failures.append(failure)
                continue
            answer = self._answer(repository, image, self._echo(image, image_id))
            if "imageDigest" not in image_id and acceptedMediaTypes is not None:
                self._translate(answer, acceptedMediaTypes)
            images.append(answer)
        return {"images": images, "failures": failures}

    @api_operation("DescribeImages")
    def describe_images(
        self,
        *,
        repositoryName: str,
        registryId: str | None = None,
        imageIds: Sequence[ImageId] | None = None,
        nextToken: str | None = None,
        maxResults: int | None = None,
        filter: Mapping[str, str] | None = None,  # noqa: A002
    ) -> Reply:
        """The details of images by id, or of all of them by page (ECR API: DescribeImages)."""
        _check_exclusive("imageIds", imageIds, nextToken, maxResults)
        keep = _keep(filter)
        limit = self._limit(maxResults)
        repository = self._repository(repositoryName, registryId)
        if imageIds is not None:
            found = {id(image): image for image in self._described(repository, imageIds)}
            kept = [image for image in found.values() if keep(image)]
            return {"imageDetails": [self._detail(repository, image) for image in kept]}
        scope = f"DescribeImages {repository.name}"
        first, _ = _start(nextToken, scope)
        matches = (image for image in repository.images_from(first) if keep(image))
        page, after = _page(matches, limit)
        reply: Reply = {"imageDetails": [self._detail(repository, image) for image in page]}
        if after is not None:
            reply["nextToken"] = _token(scope, after.number, 0)
        return reply

    @api_operation("ListImages")
    def list_images(
        self,
        *,
        repositoryName: str,
        registryId: str | None = None,
        nextToken: str | None = None,
        maxResults: int | None = None,
        filter: Mapping[str, str] | None = None,  # noqa: A002
    ) -> Reply:
        """One entry per digest and tag, the digest alone for an untagged image, by page.

        ECR API: ListImages.
        """
        keep = _keep(filter)
        limit = self._limit(maxResults)
        repository = self._repository(repositoryName, registryId)
        scope = f"ListImages {repository.name}"
        first = _start(nextToken, scope)
        matches = (image for image in repository.images_from(first[0]) if keep(image))
        page, after = _page(_entries(matches, first), limit)
        reply: Reply = {"imageIds": [image_id for _, _, image_id in page]}
        if after is not None:
            reply["nextToken"] = _token(scope, after[0], after[1])
        return reply

    @api_operation("BatchDeleteImage")
    def batch_delete_image(
        self,
        *,
        repositoryName: str,
        imageIds: Sequence[ImageId],
        registryId: str | None = None,
    ) -> Reply:
        """Delete tags, and images with their last tag or by digest (ECR API: BatchDeleteImage).

        Immutable tags can be deleted: the operation declares no error for them.
        """
        _check_size("imageIds", imageIds)
        repository = self._repository(repositoryName, registryId)
        deleted: list[Reply] = []
        failures: list[Reply] = []
        for image_id in imageIds:
            image, failure = _find(repository, image_id)
            tag = image_id.get("imageTag")
            if image is not None and image.parents and (tag is None or len(image.tags) == 1):
                reason = f"Requested image referenced by manifest list: {sorted(image.parents)}"
                failure = _failure(image_id, "ImageReferencedByManifestList", reason)
                image = None
            if image is None:
                failures.append(failure)
            else:
                deleted.extend(self._delete(repository, image, tag))
        return {"imageIds": deleted, "failures": failures}

    # Repositories

    @api_operation("CreateRepository")
    def create_repository(
        self,
        *,
        repositoryName: str,
        imageTagMutability: str = "MUTABLE",
        imageTagMutabilityExclusionFilters: Filters | None = None,
    ) -> Reply:
        """An empty repository (ECR API: CreateRepository)."""
        if not _REPOSITORY.fullmatch(repositoryName):
            raise invalid_parameter(
                "repositoryName", f"must satisfy regular expression {_NAME_PART!r}"
            )
        check_mutability(imageTagMutability, imageTagMutabilityExclusionFilters)
        if repositoryName in self._repositories:
            raise RefusedError(
                "RepositoryAlreadyExistsException",
                f"The repository with name '{repositoryName}' already exists in the registry "
                f"with id '{self.account}'",
            )
        repository = HeldRepository(next(self._numbers), repositoryName, self._clock())
        repository.freeze(imageTagMutability, imageTagMutabilityExclusionFilters or ())
        self._repositories[repositoryName] = repository
        return {"repository": self._shown(repository)}

    @api_operation("DeleteRepository")
    def delete_repository(
        self, *, repositoryName: str, registryId: str | None = None, force: bool = False
    ) -> Reply:
        """Remove a repository, with its images only by `force` (ECR API: DeleteRepository)."""
        repository = self._repository(repositoryName, registryId)
        if repository.images and not force:
            raise RefusedError(
                "RepositoryNotEmptyException",
                f"The repository with name '{repositoryName}' in registry with id "
                f"'{self.account}' cannot be deleted because it still contains images",
            )
        del self._repositories[repositoryName]
        return {"repository": self._shown(repository)}

    @api_operation("DescribeRepositories")
    def describe_repositories(
        self,
        *,
        registryId: str | None = None,
        repositoryNames: Sequence[str] | None = None,
        nextToken: str | None = None,
        maxResults: int | None = None,
    ) -> Reply:
        """The repositories by name, or all of them by page (ECR API: DescribeRepositories)."""
        _check_exclusive("repositoryNames", repositoryNames, nextToken, maxResults)
        limit = self._limit(maxResults)
        if repositoryNames is not None:
            found = [self._repository(name, registryId) for name in repositoryNames]
            return {"repositories": [self._shown(repository) for repository in found]}
        rows = self._repositories.values() if self._is_own(registryId) else ()
        page, token = _rows("DescribeRepositories", rows, nextToken, limit)
        return {"repositories": [self._shown(repository) for repository in page]} | token

    @api_operation("PutImageTagMutability")
    def put_image_tag_mutability(
        self,
        *,
        repositoryName: str,
        imageTagMutability: str,
        registryId: str | None = None,
        imageTagMutabilityExclusionFilters: Filters | None = None,
    ) -> Reply:
        """Say which tags may move from now on (ECR API: PutImageTagMutability)."""
        check_mutability(imageTagMutability, imageTagMutabilityExclusionFilters)
        repository = self._repository(repositoryName, registryId)
        repository.freeze(imageTagMutability, imageTagMutabilityExclusionFilters or ())
        return {
            "registryId": self.account,
            "repositoryName": repositoryName,
            **_mutability(repository),
        }

    @api_operation("DescribePullThroughCacheRules")
    def describe_pull_through_cache_rules(
        self,
        *,
        registryId: str | None = None,
        ecrRepositoryPrefixes: Sequence[str] | None = None,
        nextToken: str | None = None,
        maxResults: int | None = None,
    ) -> Reply:
        """The pull-through cache rules (ECR API: DescribePullThroughCacheRules)."""
        _check_exclusive("ecrRepositoryPrefixes", ecrRepositoryPrefixes, nextToken, maxResults)
        limit = self._limit(maxResults)
        rules = self._cache_rules if self._is_own(registryId) else {}
        if ecrRepositoryPrefixes is not None:
            missing = [prefix for prefix in ecrRepositoryPrefixes if prefix not in rules]
            if missing:
                raise RefusedError(
                    "PullThroughCacheRuleNotFoundException",
                    f"The pull through cache rule with repository prefix '{missing[0]}' does not "
                    f"exist in the registry with id '{registryId or self.account}'",
                )
            page, token = [rules[prefix] for prefix in ecrRepositoryPrefixes], dict[str, str]()
        else:
            page, token = _rows("DescribePullThroughCacheRules", rules.values(), nextToken, limit)
        return {"pullThroughCacheRules": [self._shown_rule(rule) for rule in page]} | token

    # For tests and the simulator: no calls of the API, so neither counted nor hooked

    def tags(self, repository: str) -> dict[str, str]:
        """Tag to digest of every tag of `repository`; KeyError if there is no such repository."""
        with self._lock:
            return dict(self._repositories[repository].tags)

    def archive(self, repository: str, digest: str) -> None:
        """Archive an image as a lifecycle policy does, with its event; KeyError if missing.

        ECR User Guide: Archive an image; Amazon ECR events and EventBridge.
        """
        with self._lock:
            place = self._repositories[repository]
            image = place.images[digest]
            now = self._clock()
            image.status, image.archived_at = "ARCHIVED", now
            detail = {"target-storage-class": "ARCHIVE"} | _types(image)
            self._note(place, image, "UPDATE_STORAGE_CLASS", now, detail)
            events = self._taken_events()
        self._send(events)

    def delete_by_lifecycle(self, repository: str, digest: str) -> None:
        """Delete an image and its tags as a lifecycle policy does: no event announces it.

        KeyError if there is no such image, ValueError if an index needs it (ECR User Guide:
        Lifecycle policies keep the images that a manifest list references).
        """
        with self._lock:
            place = self._repositories[repository]
            image = place.images[digest]
            if image.parents:
                raise ValueError(f"{digest} is part of {sorted(image.parents)}: expire that first")
            place.remove(image)

    def add_pull_through_cache_rule(self, prefix: str, upstream: str) -> None:
        """Cache the registry at `upstream` (a host name) in repositories named `prefix`/*."""
        with self._lock:
            rule = _CacheRule(next(self._numbers), prefix, upstream, self._clock())
            self._cache_rules[prefix] = rule

    # How an operation runs

    def _perform(
        self, name: str, parameters: dict[str, Any], carry_out: Callable[[], Reply]
    ) -> Reply:
        with self._lock:
            self.calls[name] += 1
            request = self._request_ids()
        if self.before is not None:
            self.before(name, parameters)
        with self._lock:
            try:
                reply = carry_out()
            except RefusedError as refused:
                raise _client_error(name, refused, request) from None
            events = self._taken_events()
        self._send(events)
        if self.after is not None:
            self.after(name, parameters)
        reply["ResponseMetadata"] = _metadata(200, request)
        return reply

    def _note(
        self,
        repository: HeldRepository,
        image: _Image,
        action: str,
        now: datetime,
        more: Mapping[str, str],
    ) -> None:
        """Remember an `ECR Image Action` (ECR User Guide: Amazon ECR events and EventBridge)."""
        if self.emit is None:
            return
        self._events.append(
            {
                "version": "0",
                "id": self._ids(),
                "detail-type": "ECR Image Action",
                "source": "aws.ecr",
                "account": self.account,
                "time": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
                "region": self.region,
                "resources": [],
                "detail": {
                    "result": "SUCCESS",
                    "repository-name": repository.name,
                    "image-digest": image.digest,
                    "action-type": action,
                    **more,
                },
            }
        )

    def _taken_events(self) -> list[dict[str, Any]]:
        events, self._events = self._events, []
        return events

    def _send(self, events: Iterable[dict[str, Any]]) -> None:
        for event in events:
            if self.emit is not None:
                self.emit(event)

    # What an operation is made of

    def _is_own(self, registry: str | None) -> bool:
        return registry is None or registry == self.account

    def _repository(self, name: str, registry: str | None) -> HeldRepository:
        repository = self._repositories.get(name) if self._is_own(registry) else None
        if repository is None:
            raise RefusedError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id "
                f"'{registry or self.account}'",
            )
        return repository

    def _check_tag(
        self, repository: HeldRepository, image: _Image, tag: str | None, *, is_new: bool
    ) -> None:
        """Refuse a put that would change nothing, move a frozen tag, or tag an image too often.

        The identical image is no overwrite: it is ImageAlreadyExistsException in an immutable
        repository too (ECR API: PutImage).
        """
        if not is_new and (tag is None or tag in image.tags):
            if image.status == "ACTIVE":
                named = "" if tag is None else f" and tag '{tag}'"
                raise RefusedError(
                    "ImageAlreadyExistsException",
                    f"Image with digest '{image.digest}'{named} already exists in the repository "
                    f"with name '{repository.name}' in registry with id '{self.account}'",
                )
        elif tag in repository.tags and repository.is_frozen(tag):
            raise RefusedError(
                "ImageTagAlreadyExistsException",
                f"The image tag '{tag}' already exists in the '{repository.name}' repository and "
                "cannot be overwritten because the tag is immutable.",
            )
        elif len(image.tags) >= MAX_TAGS_PER_IMAGE:
            raise RefusedError(
                "LimitExceededException",
                f"The image with digest '{image.digest}' already has {MAX_TAGS_PER_IMAGE} tags",
            )

    def _image(
        self,
        repository: HeldRepository,
        digest: str,
        manifest: str,
        media_type: str | None,
        now: datetime,
    ) -> _Image:
        """An image as its manifest describes it, not yet in the repository."""
        document, kind, children, size = _read(manifest, media_type)
        missing = [child for child in children if child not in repository.images]
        if missing:
            raise RefusedError(
                "ReferencedImagesNotFoundException",
                f"Images with digests '{missing}' required for pushing image into repository with "
                f"name '{repository.name}' in the registry with id '{self.account}' do not exist",
            )
        # The size of an index is that of its largest image (ECR API: ImageDetail).
        sizes = (repository.images[child].size for child in children)
        config = document.get("config")
        return _Image(
            number=next(self._numbers),
            digest=digest,
            manifest=manifest,
            media_type=kind,
            names_media_type="mediaType" in document,
            artifact_media_type=config.get("mediaType") if config else None,
            size=max(sizes, default=size),
            children=children,
            pushed_at=now,
        )

    def _delete(self, repository: HeldRepository, image: _Image, tag: str | None) -> list[Reply]:
        tags = list(image.tags) if tag is None else [tag]
        if tag is None or len(image.tags) == 1:
            repository.remove(image)
        else:
            repository.untag(tag)
        now = self._clock()
        for each in tags:
            self._note(repository, image, "DELETE", now, {"image-tag": each})
        if not tags:
            self._note(repository, image, "DELETE", now, {})
            return [{"imageDigest": image.digest}]
        return [{"imageDigest": image.digest, "imageTag": each} for each in tags]

    def _described(
        self, repository: HeldRepository, image_ids: Sequence[ImageId]
    ) -> Iterator[_Image]:
        for image_id in image_ids:
            image, failure = _find(repository, image_id)
            if image is not None:
                yield image
            elif failure["failureCode"] in _INVALID_IDS:
                raise RefusedError("InvalidParameterException", failure["failureReason"])
            else:
                digest, tag = image_id.get("imageDigest", "null"), image_id.get("imageTag", "null")
                raise RefusedError(
                    "ImageNotFoundException",
                    f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not "
                    f"exist within the repository with name '{repository.name}' in the registry "
                    f"with id '{self.account}'",
                )

    def _echo(self, image: _Image, image_id: ImageId) -> str | None:
        if self._echo_tags:
            return image_id.get("imageTag")
        return next(reversed(image.tags), None)

    def _translate(self, answer: Reply, accepted: Sequence[str]) -> None:
        """Answer in another format if only that one is accepted: the digest changes with it.

        Only for an image asked for by tag (ECR User Guide: Container image manifest formats).
        """
        stored = answer["imageManifestMediaType"]
        target = _TRANSLATIONS.get(stored)
        if stored in accepted or target is None or target not in accepted:
            return
        document = json.loads(answer["imageManifest"])
        document["mediaType"] = target
        types = _PART_TYPES[target]
        for part in [document.get("config", {}), *document.get("layers", [])]:
            part["mediaType"] = types.get(part.get("mediaType"), part.get("mediaType"))
        text = json.dumps(document, separators=(",", ":"))
        answer["imageManifest"] = text
        answer["imageManifestMediaType"] = target
        answer["imageId"]["imageDigest"] = self._digest_of(text)

    def _limit(self, max_results: int | None) -> int:
        if max_results is None:
            return self._page_limit
        if not 1 <= max_results <= MAX_PAGE:
            raise invalid_parameter("maxResults", f"must be from 1 to {MAX_PAGE}")
        return max_results

    # How things are shown

    def _answer(self, repository: HeldRepository, image: _Image, tag: str | None) -> Reply:
        image_id = {"imageDigest": image.digest}
        if tag is not None:
            image_id["imageTag"] = tag
        return {
            "registryId": self.account,
            "repositoryName": repository.name,
            "imageId": image_id,
            "imageManifest": image.manifest,
            "imageManifestMediaType": image.media_type,
        }

    def _detail(self, repository: HeldRepository, image: _Image) -> Reply:
        detail: Reply = {
            "registryId": self.account,
            "repositoryName": repository.name,
            "imageDigest": image.digest,
            "imageSizeInBytes": image.size,
            "imagePushedAt": image.pushed_at,
            "imageManifestMediaType": image.media_type,
            "imageStatus": image.status,
        }
        optional = {
            "imageTags": list(image.tags),
            "artifactMediaType": image.artifact_media_type,
            "lastArchivedAt": image.archived_at,
            "lastActivatedAt": image.activated_at,
        }
        return detail | {name: value for name, value in optional.items() if value}

    def _shown(self, repository: HeldRepository) -> Reply:
        host = f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"
        return {
            "repositoryArn": (
                f"arn:aws:ecr:{self.region}:{self.account}:repository/{repository.name}"
            ),
            "registryId": self.account,
            "repositoryName": repository.name,
            "repositoryUri": f"{host}/{repository.name}",
            "createdAt": repository.created_at,
            **_mutability(repository),
            "imageScanningConfiguration": {"scanOnPush": False},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }

    def _shown_rule(self, rule: _CacheRule) -> Reply:
        return {
            "ecrRepositoryPrefix": rule.prefix,
            "upstreamRegistryUrl": rule.upstream,
            "createdAt": rule.created_at,
            "updatedAt": rule.created_at,
            "registryId": self.account,
        }


def _metadata(status: int, request: str) -> Reply:
    return {
        "RequestId": request,
        "HTTPStatusCode": status,
        "HTTPHeaders": {},
        "RetryAttempts": 0,
    }


def _client_error(operation: str, refused: RefusedError, request: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": refused.code, "Message": refused.message},
            # Every refusal of ECR is HTTP 400 (ECR API: Common Error Types).
            "ResponseMetadata": _metadata(400, request),  # type: ignore[typeddict-item]
        },
        operation,
    )


# Parameters


def _check_size(member: str, values: Sequence[object]) -> None:
    if not 1 <= len(values) <= MAX_BATCH:
        raise invalid_parameter(member, f"must have from 1 to {MAX_BATCH} members")


def _check_exclusive(
    member: str, values: Sequence[object] | None, token: str | None, max_results: int | None
) -> None:
    if values is None:
        return
    _check_size(member, values)
    if token is not None or max_results is not None:
        raise invalid_parameter(member, f"{member} cannot be given with nextToken or maxResults")


def _check_put(manifest: str, tag: str | None) -> None:
    if not 1 <= len(manifest) <= MAX_MANIFEST:
        raise invalid_parameter("imageManifest", f"must have from 1 to {MAX_MANIFEST} characters")
    if tag is not None and not _TAG.fullmatch(tag):
        raise invalid_parameter("imageTag", f"must satisfy regular expression {_TAG.pattern!r}")


def check_mutability(mutability: str, filters: Filters | None) -> None:
    """Raises RefusedError for what ECR takes for no tag immutability."""
    member = "imageTagMutabilityExclusionFilters"
    if mutability not in _MUTABILITIES:
        raise invalid_parameter(
            "imageTagMutability", f"must satisfy enum value set: {_MUTABILITIES}"
        )
    wanted = mutability.endswith("_WITH_EXCLUSION")
    if wanted != (filters is not None):
        null = "can't be null" if wanted else "must be null"
        name = member[0].upper() + member[1:]
        raise invalid_parameter(
            member, f"{name} {null} when imageTagMutability is set as {mutability}"
        )
    if filters is None:
        return
    if not 1 <= len(filters) <= MAX_FILTERS:
        raise invalid_parameter(member, f"must have from 1 to {MAX_FILTERS} members")
    for each in filters:
        _check_filter(each)


def _check_filter(exclusion: Mapping[str, str]) -> None:
    member, text = "imageTagMutabilityExclusionFilters", exclusion.get("filter", "")
    if exclusion.get("filterType") != "WILDCARD":
        raise invalid_parameter(f"{member}.filterType", "must satisfy enum value set: [WILDCARD]")
    if not _FILTER.fullmatch(text):
        raise invalid_parameter(
            f"{member}.filter", f"must satisfy regular expression {_FILTER.pattern!r}"
        )
    if text.count("*") > MAX_WILDCARDS:
        raise invalid_parameter(f"{member}.filter", f"must have at most {MAX_WILDCARDS} wildcards")


def _keep(wanted: Mapping[str, str] | None) -> Callable[[_Image], bool]:
    """Whether an image passes `filter`: without one, the active images (ECR API: ListImages)."""
    tag_status = (wanted or {}).get("tagStatus", "ANY")
    status = (wanted or {}).get("imageStatus", "ACTIVE")
    if tag_status not in _TAG_STATUSES:
        raise invalid_parameter("filter.tagStatus", f"must satisfy enum value set: {_TAG_STATUSES}")
    if status not in _IMAGE_STATUSES:
        raise invalid_parameter(
            "filter.imageStatus", f"must satisfy enum value set: {_IMAGE_STATUSES}"
        )
    return lambda image: (
        status in ("ANY", image.status)
        and (tag_status == "ANY" or bool(image.tags) == (tag_status == "TAGGED"))
    )


# Images


def _failure(image_id: ImageId, code: str, reason: str) -> Reply:
    return {"imageId": dict(image_id), "failureCode": code, "failureReason": reason}


_INVALID_IDS = frozenset({"MissingDigestAndTag", "InvalidImageDigest", "InvalidImageTag"})


def _find(repository: HeldRepository, image_id: ImageId) -> tuple[_Image | None, Reply]:
    """The image, or why there is none (ECR API: ImageFailure)."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    wrong = _wrong(digest, tag)
    if wrong is not None:
        return None, _failure(image_id, *wrong)
    tagged = None if tag is None else repository.tags.get(tag)
    known = tagged if digest is None else digest
    image = None if known is None else repository.images.get(known)
    if image is None and tagged is None:
        return None, _failure(image_id, "ImageNotFound", "Requested image not found")
    if tag is not None and tagged != known:
        reason = "Requested image tag does not match the requested digest"
        return None, _failure(image_id, "ImageTagDoesNotMatchDigest", reason)
    return image, {}


def _wrong(digest: str | None, tag: str | None) -> tuple[str, str] | None:
    if digest is None and tag is None:
        return "MissingDigestAndTag", (
            "Invalid request parameters: both tag and digest cannot be null"
        )
    if digest is not None and not _DIGEST.fullmatch(digest):
        return "InvalidImageDigest", (
            f"Invalid request parameters: image digest should satisfy the regex '{_DIGEST.pattern}'"
        )
    if tag is not None and not _TAG.fullmatch(tag):
        return "InvalidImageTag", (
            f"Invalid request parameters: image tag should satisfy the regex '{_TAG.pattern}'"
        )
    return None


def _types(image: _Image) -> dict[str, str]:
    types = {"manifest-media-type": image.media_type}
    if image.artifact_media_type is not None:
        types["artifact-media-type"] = image.artifact_media_type
    return types


# What ECR answers too where neither the manifest nor the call names a media type.
def _unreadable() -> RefusedError:
    return invalid_parameter("ImageManifest", "Invalid JSON syntax")


def _read(
    manifest: str, media_type: str | None
) -> tuple[dict[str, Any], str, tuple[str, ...], int]:
    """A manifest's document, its media type, the digests of an index and the stated size."""
    try:
        document = json.loads(manifest)
        kind = media_type or document["mediaType"]
        parts = [document.get("config", {}), *document.get("layers", [])]
        size = sum(part.get("size", 0) for part in parts)
        children = tuple(each["digest"] for each in document.get("manifests", []))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _unreadable() from None
    return document, kind, children if kind in _INDEXES else (), size


def _mutability(repository: HeldRepository) -> Reply:
    shown: Reply = {"imageTagMutability": repository.mutability}
    if repository.filters:
        shown["imageTagMutabilityExclusionFilters"] = [dict(each) for each in repository.filters]
    return shown


# Paging: a token names the first row of the next page, so that rows deleted meanwhile do no harm


def _token(scope: str, number: int, tag: int) -> str:
    return base64.urlsafe_b64encode(f"{scope} {number} {tag}".encode()).decode()


def _start(token: str | None, scope: str) -> tuple[int, int]:
    if token is None:
        return 0, 0
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    found = re.fullmatch(rf"{re.escape(scope)} ([0-9]+) ([0-9]+)", text)
    if found is None:
        raise invalid_parameter("nextToken", "Invalid token")
    return int(found[1]), int(found[2])


def _page(rows: Iterable[_Row], limit: int) -> tuple[list[_Row], _Row | None]:
    """The first `limit` rows, and the one after them if there is one."""
    page = list(itertools.islice(rows, limit + 1))
    return page[:limit], page[limit] if len(page) > limit else None


def _entries(
    images: Iterable[_Image], first: tuple[int, int]
) -> Iterator[tuple[int, int, dict[str, str]]]:
    for image in images:
        if not image.tags:
            yield image.number, 0, {"imageDigest": image.digest}
        for tag, number in image.tags.items():
            if (image.number, number) >= first:
                yield image.number, number, {"imageDigest": image.digest, "imageTag": tag}


def _rows(
    scope: str, rows: Iterable[_Numbered], token: str | None, limit: int
) -> tuple[list[_Numbered], dict[str, str]]:
    first, _ = _start(token, scope)
    page, after = _page((row for row in rows if row.number >= first), limit)
    return page, {} if after is None else {"nextToken": _token(scope, after.number, 0)}
