"""What the writer of settings is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.settings.lifecycle import TaggedRunning
from ecr_steward.words.facts import FactMaker
from ecr_steward.writers.preview import Previewer


@dataclass(slots=True)
class SettingsSetup:
    """The rules, what is asked of ECR and history, and how far the steward may go.

    `cap` is the stack's mode for settings, `role` the ARN of the role that sets them and `tagger`
    of the one that moves tags, which no policy may lock out; `readers` are those of others that
    read images. `expiry` is whether the stack lets images expire. `running` gives of a repository
    by digest the workloads that need an image, which no lifecycle policy may take away, and
    `tagged` those of these images that are there, with their tags; it raises RegistryError.
    `maker` makes the facts, and has the time (UTC) that they carry; `sleep` waits between two looks
    at a preview that runs.
    """

    rules: Ruleset
    cap: Mode
    registry: EcrSettings
    history: SettingsHistory
    maker: FactMaker
    role: str = ""
    tagger: str | None = None
    readers: Sequence[str] = ()
    expiry: bool | None = None
    running: Callable[[str], Mapping[str, Sequence[str]]] = lambda repository: {}
    tagged: Callable[[str, Mapping[str, Sequence[str]]], Sequence[TaggedRunning]] = (
        lambda repository, running: ()
    )
    sleep: Callable[[float], None] = time.sleep

    @property
    def previewer(self) -> Previewer:
        """What asks ECR for previews of lifecycle policies."""
        return Previewer(self.registry, self.maker.clock, self.sleep)
