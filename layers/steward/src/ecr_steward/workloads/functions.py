"""What Lambda runs: its functions and their published versions that are images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ecr_steward.words.image_uris import image_in
from ecr_steward.words.running import LAMBDA, Running, source_of, workload_of
from ecr_steward.words.tasks import OwnRegistry


class LambdaWorkloads:
    """The functions of one account in one Region, over Lambda's client."""

    def __init__(self, client: Any, account: str, registry: OwnRegistry) -> None:
        self._client = client
        self._account = account
        self._registry = registry

    def look(self, now: datetime) -> Iterator[Running]:
        """Each function and published version with its image, as of `now`; an alias names one.

        `GetFunction` alone knows the digest; it shows the environment variables too, which are
        not looked at.
        """
        pages = self._client.get_paginator("list_functions").paginate(FunctionVersion="ALL")
        for page in pages:
            for each in page["Functions"]:
                if each.get("PackageType") == "Image":
                    yield from self._version(each, now)

    def _version(self, version: Mapping[str, Any], now: datetime) -> Iterator[Running]:
        name, number = version["FunctionName"], version["Version"]
        gone = self._client.exceptions.ResourceNotFoundException
        try:
            code = self._client.get_function(FunctionName=name, Qualifier=number)["Code"]
        except gone:
            return
        registry = self._registry
        image = image_in(code.get("ResolvedImageUri"), registry.account, registry.region)
        if image is not None and image.digest is not None:
            source = source_of(LAMBDA, self._account, registry.account)
            called = name if number == "$LATEST" else f"{name}:{number}"
            workload = workload_of(LAMBDA, self._account, registry.account, called)
            written = str(code.get("ImageUri") or "")
            yield Running(image.repository, image.digest, source, workload, written, now, now)
