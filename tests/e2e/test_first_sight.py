"""Switched on, in audit, over a registry that has been there for years."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import images
from local.cloud import LocalCloud
from tests.e2e.deployed import Deployed, by_tag

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e: other stacks")]

SIZE = 60
PARTS = 12
LIVE = "fleet/alive"
"""Nothing was pushed to it before the steward came; its slice is in the second half."""


@pytest.fixture(scope="module")
def audited(cloud: LocalCloud, template: Path) -> Deployed:
    """A stack in audit, deployed over sixty repositories and one that is empty."""
    ecr = cloud.client("ecr")
    for number in range(SIZE):
        name = f"fleet/service-{number:02}"
        cloud.create_repository(name)
        for tag, image in (
            ("1.4.1", "1.4.1"),
            ("latest", "1.4.1"),
            ("1.4.2", "1.4.2"),
            ("my-test", "my-test"),
        ):
            images.push(ecr, f"{name}:{tag}", images.build(f"fleet:{image}"))
    cloud.create_repository(LIVE)
    # What was pushed before the stack is there has no rule to go to.
    cloud.settle()
    stack = Deployed(cloud, "e2e-fleet", template, RepositoryPattern="fleet/*", SweepHours="1")
    stack.deploy("audit")
    stack.listen()
    return stack


@pytest.fixture
def fleet(audited: Deployed) -> Iterator[Deployed]:
    audited.deploy("audit")
    audited.rest()
    audited.cloud.reset_calls()
    yield audited
    audited.rest()
    assert audited.faults() == []
    assert audited.failures() == {}


def sweep(stack: Deployed, hour: int, parts: range) -> int:
    """Let the schedule tick for these slices of the sweep that begins at `hour`."""
    ticks = (f"2026-01-01T{hour:02}:{5 * part:02}:00Z" for part in parts)
    return sum(stack.invoke("SweepFunction", {"time": tick})["sent"] for tick in ticks)


def completed(stack: Deployed, hour: int) -> list[dict[str, int]]:
    """The totals that were told of the sweep that begins at `hour`."""
    return [
        event["detail"]["totals"]
        for event in stack.events()
        if event["detail"]["cause"]["id"] == f"sweep-2026-01-01T{hour:02}:00:00Z"
    ]


def said(stack: Deployed) -> Counter[tuple[str, str]]:
    """What was said of which repository, over the bus."""
    details = [(event["detail-type"], event["detail"]) for event in stack.events()]
    return Counter((kind, detail["repository"]) for kind, detail in details)


def test_the_first_sweep_is_one_summary_and_the_second_says_nothing_again(fleet: Deployed) -> None:
    before = {f"fleet/service-{n:02}": fleet.tags(f"fleet/service-{n:02}") for n in range(SIZE)}

    sent = sweep(fleet, 0, range(PARTS // 2))
    pushed = fleet.push(f"{LIVE}:2.0.0")
    fleet.until(lambda: fleet.facts(LIVE), "the push during the sweep is looked at")
    assert completed(fleet, 0) == []  # the push did not wait for the end of the sweep
    sent += sweep(fleet, 0, range(PARTS // 2, PARTS))
    fleet.until(lambda: completed(fleet, 0), "the sweep is completed")
    fleet.rest()

    assert sent == SIZE + 1
    totals = {"images": 3 * SIZE + 1, "moved": 2 * SIZE + 2, "rejected": SIZE, "missing": 0}
    seen = {"repositories": SIZE + 1, "first_sight": SIZE + 1}
    assert completed(fleet, 0) == [{**totals, **seen}]
    live = {("Tag Moved", LIVE): 2}
    assert said(fleet) == {("Sweep Completed", ""): 1, **live}
    (summary,) = fleet.messages("sweep-2026-01-01T00:00:00Z")
    assert "61 repositories swept: 122 tags would move, 60 rejected" in summary.subject
    assert "audit: nothing was changed" in summary.body
    kept = fleet.facts("fleet/service-07")
    assert sorted((fact.kind.value, fact.tag or "", fact.mode) for fact in kept) == [
        ("move", "1.4", "audit"),
        ("move", "latest", "audit"),
        ("reject", "my-test", "audit"),
    ]

    assert sweep(fleet, 1, range(PARTS)) == SIZE + 1
    fleet.until(lambda: completed(fleet, 1), "the second sweep is completed")
    fleet.rest()

    assert completed(fleet, 1) == [{**totals, "repositories": SIZE + 1}]
    assert said(fleet) == {("Sweep Completed", ""): 2, **live}
    assert len(fleet.messages(LIVE)) == 1
    assert fleet.writes() == 0
    assert {name: fleet.tags(name) for name in before} == before
    assert fleet.tags(LIVE) == {"2.0.0": pushed.digest}
    reads = set(fleet.cloud.calls()["functions"]) - {"BatchGetImage"}
    assert reads <= {"DescribeImages", "DescribeRepositories", "ListImages",
                     "DescribePullThroughCacheRules", "ListTagsForResource"}  # fmt: skip


def test_in_audit_a_push_moves_nothing_and_people_learn_what_would_have_moved(
    fleet: Deployed,
) -> None:
    repository = "fleet/audited"
    image = fleet.push(f"{repository}:3.1.0")
    fleet.rest()
    assert fleet.tags(repository) == {"3.1.0": image.digest}
    (message,) = fleet.messages(repository)
    assert message.subject == (
        f"[ECR Steward, audit] {repository}: 3.1, latest would be put on 3.1.0"
    )
    assert "audit: nothing was changed" in message.body
    assert by_tag(fleet.facts(repository), "move").keys() == {"3.1", "latest"}


def test_the_writers_right_to_write_comes_and_goes_with_the_mode(fleet: Deployed) -> None:
    reads = {
        "ecr:BatchGetImage",
        "ecr:DescribeImages",
        "ecr:DescribeRepositories",
        "ecr:ListImages",
    }
    assert _ecr(fleet, "RetagRole") == reads
    for role in ("CheckTagsRole", "PublishRole"):
        assert _ecr(fleet, role) == set()
    assert _ecr(fleet, "NotifyRole") == {"ecr:ListTagsForResource"}
    assert _ecr(fleet, "SweepRole") == {
        "ecr:DescribeRepositories", "ecr:DescribePullThroughCacheRules"
    }  # fmt: skip
    repository = "fleet/later"
    image = fleet.push(f"{repository}:1.0.0")
    fleet.rest()
    assert fleet.tags(repository) == {"1.0.0": image.digest}

    fleet.deploy("enforce")
    assert _ecr(fleet, "RetagRole") == {*reads, "ecr:PutImage"}
    assert fleet.invoke("SweepFunction", {"glob": repository, "id": "enforced"})["sent"] == 1
    fleet.rest()
    assert fleet.tags(repository) == dict.fromkeys(["1.0.0", "1.0", "latest"], image.digest)


def _ecr(stack: Deployed, role: str) -> set[str]:
    return {action for action in stack.role_actions(role) if re.match(r"ecr:|\*", action)}
