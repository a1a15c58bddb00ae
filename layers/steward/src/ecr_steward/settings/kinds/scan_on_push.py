"""Whether images are scanned when they are pushed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecr_steward.settings.kinds.kind import Around, EcrRequest, Setting
from ecr_steward.settings.state import (
    BaselineError,
    Path,
    Problem,
    SettingChange,
    SettingsError,
    unwrapped,
)
from ecr_steward.tags.scheme import Scheme

SCHEMA: Mapping[str, Any] = {
    "scan_on_push": {
        "title": "Scan on push",
        "description": (
            "Whether images are scanned when they are pushed. It is the repository's own "
            "setting, which counts only where the registry's scanning (`registry.scanning`)"
            " does not decide."
        ),
        "type": "boolean",
        "examples": [True],
    },
}


class ScanOnPush(Setting[bool, bool]):
    name = "scan_on_push"
    printed = ("imageScanningConfiguration",)
    schema = SCHEMA
    unset = False

    def wish(self, stated: Mapping[str, Any], scheme: Scheme | None) -> bool:
        wanted = stated[self.name]
        if not isinstance(wanted, bool):
            raise BaselineError("`scan_on_push` must be true or false.", (self.name,))
        return wanted

    def from_answer(self, answer: Mapping[str, Any]) -> bool:
        return bool(answer.get("imageScanningConfiguration", {}).get("scanOnPush", False))

    def from_given(self, value: Any) -> bool:
        value = unwrapped(unwrapped(value, "imageScanningConfiguration"), "scanOnPush")
        if not isinstance(value, bool):
            raise SettingsError("`scan_on_push` must be true or false.")
        return value

    def drift(self, wish: bool, found: bool, around: Around) -> Iterator[SettingChange]:
        if wish is found or around.registry_scans:
            return
        words = {True: "scanned on push", False: "not scanned on push"}
        stated = f"scan_on_push: {str(wish).lower()}"
        reason = f"Images are {words[found]}, where the rule has `{stated}`."
        yield self.change(Problem.DIFFERENT, found, wish, reason)

    def request(
        self, name: str, arn: str, value: bool, changes: Sequence[SettingChange]
    ) -> EcrRequest:
        return EcrRequest(
            "PutImageScanningConfiguration",
            {"repositoryName": name, "imageScanningConfiguration": {"scanOnPush": value}},
        )

    def advice(self, wish: bool, around: Around) -> Iterator[tuple[Path, str]]:
        if around.registry_scans:
            said = "counts for nothing: `registry.scanning` decides which images are scanned"
            yield (self.name,), f"`scan_on_push` {said}; take it out here."

    def explain(self, wish: bool, around: Around) -> Iterator[tuple[str, str]]:
        if around.registry_scans:
            yield "scanning", "as the registry's scanning decides"
        else:
            yield "scanning", f"on push: {'yes' if wish else 'no'}"
