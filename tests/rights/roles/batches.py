"""What every function that takes batches of hints does with one that it cannot follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.rights.acts import Acts, depth, failing, kinds
from tests.rights.stage import Stage
from tests.support.world import throttled


@dataclass(frozen=True)
class Batches:
    """A function and its queue; `ask` puts a hint about `repository` there, `most` is how many the
    function takes at once."""

    queue: str
    function: str
    repository: str
    ask: Callable[[Stage], None]
    most: int = 10

    def play(self, acts: Acts, role: str) -> None:
        """Add to the acts of a role."""
        acts.by(role, "what ECR throttles comes again soon")(self._put_off)
        acts.by(role, "what fails too often goes to the failure queue, and is told")(self._give_up)

    def _put_off(self, stage: Stage) -> None:
        self._fail(stage, throttled())
        assert stage.hidden_for(self.queue) < 60

    def _give_up(self, stage: Stage) -> None:
        stage.environment["MAX_TRIES"] = "1"
        self._fail(stage, RuntimeError("the registry does not answer"))
        assert depth(stage, self.queue.replace("Queue", "FailureQueue")) == 1
        assert kinds(stage, self.repository) == ["failed"]

    def _fail(self, stage: Stage, error: Exception) -> None:
        self.ask(stage)
        stage.ecr.before = failing(error)
        stage.poll(self.queue, self.function, most=self.most)
