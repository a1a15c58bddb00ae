"""Plans for the tests of the ways to tell them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ecr_steward.images import Kept, RetainedImage
from ecr_steward.settings.state import Problem, SettingAction, SettingChange
from ecr_steward.tags.plan import TagChange
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward_cli.live.look import RepositoryContents, RepositoryPlan
from ecr_steward_cli.live.survey import RegistryPlan, Unread

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def plan_of(*repositories: RepositoryPlan, unread: str | None = None) -> RegistryPlan:
    """The plan of a registry; what is `unread` is so for a reason of the same name."""
    lines = [] if unread is None else [Unread(unread, unread)]
    return RegistryPlan("123456789012", "eu-west-1", list(repositories), unread=lines)


def of_two_hundred_tags(name: str) -> RepositoryPlan:
    """A repository in which most would change: twenty tags move, and nothing keeps half its images,
    each under a tag of its own."""
    found = repository(name, moves=20)
    images = [
        Kept(
            RetainedImage(f"sha256:{n:064}", (f"1.{n}.0",), NOW, size=10**8), None, "Nothing does."
        )
        for n in range(100)
    ]
    pushed = {f"sha256:{n:064}": NOW for n in (1, 2)}
    return replace(found, images=images, contents=RepositoryContents(200, 200 * 10**8, pushed))


def repository(name: str, moves: int = 1, reason: str = "`1.4` goes on.") -> RepositoryPlan:
    """A repository in which tags move, one is removed, and a policy is public; each for `reason`,
    which the statement of the policy is named by, too."""
    hint = Hint(name, Action.SWEEP, None, None, Cause("plan", "Plan"), NOW)
    old, new = f"sha256:{1:064}", f"sha256:{2:064}"
    move = TagChange(FactKind.MOVE, "1.4", old, new, reason, hint, ("1.4.1",), ("1.4.2",))
    remove = TagChange(FactKind.REMOVE, "wip", old, None, reason, hint)
    exposed = SettingChange(
        "policy", Problem.PUBLIC, f"=cmd {reason}", SettingAction.CORRECT, None, None, reason
    )
    changes = (*(move for _ in range(moves)), remove)
    return RepositoryPlan(name, "0: *", {}, changes, (exposed,))
