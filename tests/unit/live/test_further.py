"""What a page tells beside the changes: contents, controls, and repositories without a rule."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecr_steward.images import Kept, RetainedImage
from ecr_steward.settings.state import Problem, SettingAction, SettingChange
from ecr_steward_cli.live.controls import met
from ecr_steward_cli.live.look import DescribedImages, RepositoryContents, RepositoryPlan
from ecr_steward_cli.live.resume import Resume
from ecr_steward_cli.live.storage import dollars, gigabytes
from ecr_steward_cli.live.without_rule import schemes
from tests.support.plan_page import made, planned, registry
from tests.unit.cli.stack_fakes import refusal
from tests.unit.live.plans import NOW, plan_of


@pytest.mark.parametrize(
    ("described", "frequency", "lifecycle", "found"),
    [
        ({"imageTagMutability": "IMMUTABLE"}, "SCAN_ON_PUSH", True, (True, True, True, False)),
        ({"imageTagMutability": "MUTABLE"}, "CONTINUOUS_SCAN", False, (True, False, False, False)),
        ({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"}, "MANUAL", None,
         (False, False, None, False)),
        ({"encryptionConfiguration": {"encryptionType": "KMS_DSSE"}}, None, True,
         (None, False, True, None)),
    ],
)  # fmt: skip
def test_the_controls_that_a_repository_meets(
    described: dict[str, Any], frequency: str | None, lifecycle: bool | None, found: tuple[Any, ...]
) -> None:
    assert tuple(met(described, frequency, lifecycle=lifecycle).values()) == found


def test_repositories_without_a_rule_get_the_one_that_init_would_write() -> None:
    found = schemes([planned(registry())])
    assert [each.repositories for each in found.rules] == [
        ("data/churn", "data/forecast", "data/ranking")
    ]
    assert '  - repositories: ["data/*"]' in found.rules[0].lines
    assert (found.bare, found.unread) == (["playground"], [])


INDEX = "application/vnd.oci.image.index.v1+json"


class _Denying:
    """ECR in memory that denies one operation."""

    def __init__(self, ecr: Any, operation: str) -> None:
        self._ecr, self._operation = ecr, operation

    def __getattr__(self, name: str) -> Any:
        def deny(**asked: Any) -> Any:
            raise refusal("AccessDeniedException", name)

        return deny if name == self._operation else getattr(self._ecr, name)


@pytest.mark.parametrize(
    ("operation", "control"),
    [
        ("batch_get_repository_scanning_configuration", "ECR.1"),
        ("get_lifecycle_policy", "ECR.3"),
    ],
)
def test_what_is_denied_is_one_line_and_not_known(operation: str, control: str) -> None:
    plan = planned(_Denying(registry(), operation))
    assert {each[control] for each in plan.further.controls.values()} == {None}
    assert len([each for each in plan.unread if each.what in plan.further.faults]) == 1


def test_an_index_holds_nothing_beside_its_children() -> None:
    details = [
        {"imageDigest": "sha256:a", "imageSizeInBytes": 70, "imageManifestMediaType": INDEX},
        {"imageDigest": "sha256:b", "imageSizeInBytes": 70},
        {"imageDigest": "sha256:c", "imageSizeInBytes": 50},
    ]

    class Ecr:
        def describe_images(self, **asked: Any) -> Any:
            return {"imageDetails": [{**each, "imagePushedAt": NOW} for each in details]}

    assert DescribedImages(Ecr()).contents("base/redis") == RepositoryContents(3, 120)


def test_an_index_that_goes_saves_nothing_beside_its_children() -> None:
    children = RetainedImage("sha256:b", size=2 * 10**9), RetainedImage("sha256:c", size=10**9)
    going = [RetainedImage("sha256:a", ("1.4.1",), size=2 * 10**9, media_type=INDEX), *children]
    plan = RepositoryPlan("base/redis", "0: *", images=[Kept(each, None, "") for each in going])
    assert "nothing keeps hold at most 3.0 GB: at most $0.30 a month" in made([plan_of(plan)])


def test_an_interrupted_plan_keeps_sizes_and_dates(tmp_path: Path) -> None:
    image = RetainedImage(
        "sha256:a", ("1.4.1",), NOW - timedelta(days=9), size=70, media_type=INDEX
    )
    setting = SettingChange(
        "policy", Problem.PUBLIC, "all", SettingAction.CORRECT, None, None, "So."
    )
    plan = RepositoryPlan(
        "base/redis", "0: *", settings=(setting,), images=[Kept(image, None, "Nothing.")],
        contents=RepositoryContents(3, 120, {"sha256:a": NOW}),
    )  # fmt: skip
    Resume(tmp_path, ["key"], lambda: NOW).keep(plan)
    assert Resume(tmp_path, ["key"], lambda: NOW).found() == [plan]


def test_sizes_and_prices_are_rounded_as_people_do() -> None:
    assert [gigabytes(size) for size in (0, 1_260_000_000, 1234 * 10**9)] == [
        "0.0 GB", "1.3 GB", "1,234 GB",
    ]  # fmt: skip
    assert [dollars(size) for size in (0, 123 * 10**9, 12_345 * 10**9)] == [
        "$0.00", "$12.30", "$1,234",
    ]  # fmt: skip
