"""The settings' adapter over boto3's client: moto for the wiring, botocore's Stubber for what moto
gets wrong or lacks, and botocore's model for the registry in memory."""

from __future__ import annotations

import inspect
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.stub import Stubber
from botocore.validate import ParamValidator
from moto import mock_aws

from ecr_steward.ecr import Refused, RepositoryGone
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.settings import Known, SettingsHistory
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode
from ecr_steward.settings.kinds import named
from ecr_steward.settings.lifecycle import Expiring
from ecr_steward.sweep.send import Sweeper
from ecr_steward.sweep.tally import Tally
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind, FactMaker
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.settings import Enforcer
from ecr_steward.writers.settings_setup import SettingsSetup
from ecr_steward_cli.in_memory.settings import MemorySettings
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.integration.test_memory_matches_botocore import faults, there
from tests.support.dynamodb import create_history_table
from tests.support.having import put
from tests.support.settings_world import ANYONE, BASELINE, OURS, UNTAGGED_GO, policy, rules_for

REGION = "eu-west-1"
ACCOUNT = "123456789012"
REPOSITORY = "base/redis"
NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
# moto has no previews: its repositories are given everything else.
WITHOUT_PREVIEW = {key: value for key, value in BASELINE.items() if key != "lifecycle"}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, REGION)


@pytest.fixture
def enforcer() -> Enforcer:
    """The writer of settings over moto's ECR and moto's DynamoDB."""
    dynamodb = client("dynamodb")
    create_history_table(dynamodb, "history")
    rules = rules_for(WITHOUT_PREVIEW, tags=None)
    return Enforcer(
        SettingsSetup(
            rules=rules,
            cap=Mode.ENFORCE,
            registry=EcrSettings(client("ecr")),
            history=SettingsHistory(DynamoTable(dynamodb, "history")),
            maker=FactMaker(ACCOUNT, REGION, lambda: NOW, rules.fingerprint),
        )
    )


def hint(cause: str, repository: str = REPOSITORY) -> Hint:
    return Hint(repository, Action.SWEEP, None, None, Cause(cause, "Sweep"), NOW)


def test_a_repository_of_motos_is_put_right_and_stays_so(enforcer: Enforcer) -> None:
    ecr = client("ecr")
    ecr.create_repository(repositoryName=REPOSITORY)
    ecr.set_repository_policy(repositoryName=REPOSITORY, policyText=policy(ANYONE))
    first = enforcer.visit(REPOSITORY, [hint("1")])
    assert first.found[FactKind.CORRECT] == 4
    text = ecr.get_repository_policy(repositoryName=REPOSITORY)["policyText"]
    assert json.loads(text)["Statement"] == [OURS]
    (found,) = ecr.describe_repositories(repositoryNames=[REPOSITORY])["repositories"]
    assert found["imageScanningConfiguration"]["scanOnPush"] is True
    assert enforcer.visit(REPOSITORY, [hint("2")]).facts == ()
    ecr.delete_repository(repositoryName=REPOSITORY)
    assert enforcer.visit(REPOSITORY, [hint("3")]).facts == ()
    assert not enforcer.setup.history.recall(REPOSITORY).seen


def test_what_is_known_survives_in_dynamodb() -> None:
    dynamodb = client("dynamodb")
    create_history_table(dynamodb, "history")
    history = SettingsHistory(DynamoTable(dynamodb, "history"))
    known = Known(
        seen=True, created="2026-11-23T02:24:00Z", told=frozenset({"a", "b"}),
        sids=frozenset({"OrgPull"}), previewed=NOW,
    )  # fmt: skip
    history.close(REPOSITORY, known, [], {})
    assert history.recall(REPOSITORY) == known
    history.forget(REPOSITORY)
    assert history.recall(REPOSITORY) == Known()


def test_more_facts_than_a_transaction_takes_are_recorded_once_each() -> None:
    dynamodb = client("dynamodb")
    create_history_table(dynamodb, "history")
    table = DynamoTable(dynamodb, "history")
    many = {f"key-{number}": str(number) for number in range(120)}
    rules = rules_for({"resource_tags": dict(list(many.items())[:50])}, tags=None)
    enforcer = Enforcer(
        SettingsSetup(
            rules=rules,
            cap=Mode.AUDIT,
            registry=EcrSettings(client("ecr")),
            history=SettingsHistory(table),
            maker=FactMaker(ACCOUNT, REGION, lambda: NOW, rules.fingerprint),
        )
    )
    client("ecr").create_repository(repositoryName=REPOSITORY)
    for cause in ("1", "2"):
        enforcer.visit(REPOSITORY, [hint(cause)])
    assert len(list(table.query(f"repo#{REPOSITORY}", "quiet#"))) == 50


def test_a_sweep_over_two_hundred_repositories_fits_into_a_fifth_of_one_functions_time() -> None:
    ecr = client("ecr")
    names = [f"base/{number:04}" for number in range(200)]
    for name in names:
        ecr.create_repository(repositoryName=name)
    calls: Counter[str] = Counter()
    ecr.meta.events.register("before-call.ecr", lambda model, **_: calls.update([model.name]))
    rules = rules_for(WITHOUT_PREVIEW, tags=None)
    # moto's DynamoDB copies its whole table for each transaction: this history is in memory.
    table = MemoryTable()
    maker = FactMaker(ACCOUNT, REGION, lambda: NOW, rules.fingerprint)
    common: Any = {"rules": rules, "maker": maker}
    enforcer = Enforcer(
        SettingsSetup(
            cap=Mode.ENFORCE, registry=EcrSettings(ecr), history=SettingsHistory(table), **common
        )
    )
    history = History(table)
    sweeper = Sweeper(
        rules=rules,
        cap=Mode.ENFORCE,
        settings_cap=Mode.ENFORCE,
        history=history,
        tally=Tally(cap=Mode.ENFORCE, sweeps=history.sweeps, **common),
        clock=lambda: NOW,
    )
    corrected = []
    for round_ in ("first", "second"):
        hints: list[Hint] = []
        began = time.process_time()
        for part in range(4):
            sweeper.by_hand(WithoutCaches(ecr), nobody, "*", round_, part, hints.extend)
        calls.clear()
        visits = [enforcer.visit(hint.repository, [hint]) for hint in hints]
        assert time.process_time() - began < 300 / 5  # the function's timeout, in template.yaml
        assert [hint.repository for hint in hints] == names
        corrected.append(sum(visit.found[FactKind.CORRECT] for visit in visits))
    assert corrected == [3 * len(names), 0]
    assert sum(calls.values()) <= 4 * len(names)


class WithoutCaches(EcrRegistry):
    """moto knows no pull-through cache rules."""

    def pull_through_prefixes(self) -> tuple[str, ...]:
        return ()


def nobody(hints: Iterable[Hint]) -> None:
    """The writer of tags, for rules that say nothing about tags."""
    assert not list(hints)


# ---------------------------------------------------------------------------- what moto lacks
Stubbed = Callable[..., EcrSettings]


@pytest.fixture
def stubbed() -> Iterator[Callable[[Callable[[Stubber], None]], EcrSettings]]:
    """The adapter over a client that answers what the test says, checked by botocore's model."""
    ecr = client("ecr")
    stubber = Stubber(ecr)

    def make(prepare: Callable[[Stubber], None]) -> EcrSettings:
        prepare(stubber)
        stubber.activate()
        return EcrSettings(ecr, lambda seconds: None)

    yield make
    stubber.assert_no_pending_responses()


def test_a_preview_is_asked_for_page_by_page(stubbed: Stubbed) -> None:
    text = json.dumps(UNTAGGED_GO)
    asked = {"repositoryName": REPOSITORY, "filter": {"tagStatus": "TAGGED"}}
    pages = [{"imageDigest": f"sha256:{n}", "imageTags": [str(n)], "imagePushedAt": NOW,
              "action": {"type": kind}, "appliedRulePriority": 1}
             for n, kind in enumerate(("EXPIRE", "TRANSITION", "EXPIRE"))]  # fmt: skip
    first = {
        "lifecyclePolicyText": text, "status": "COMPLETE", "previewResults": pages[:2],
        "summary": {"expiringImageTotalCount": 12}, "nextToken": "more",
    }  # fmt: skip
    second = {"lifecyclePolicyText": text, "status": "COMPLETE", "previewResults": pages[2:]}

    def prepare(stubber: Stubber) -> None:
        stubber.add_response("get_lifecycle_policy_preview", first, asked)
        more = {**asked, "nextToken": "more"}
        stubber.add_response("get_lifecycle_policy_preview", second, more)

    found = stubbed(prepare).preview(REPOSITORY)
    assert found is not None
    assert (found.done, found.images, found.document) == (True, 12, UNTAGGED_GO)
    assert found.tagged == tuple(
        Expiring(f"sha256:{n}", (str(n),), 1, archives=n == 1) for n in range(3)
    )


@pytest.mark.parametrize("status", ["EXPIRED", "FAILED"])
def test_a_preview_that_came_to_nothing_is_none(stubbed: Stubbed, status: str) -> None:
    answer = {"lifecyclePolicyText": json.dumps(UNTAGGED_GO), "status": status}
    registry = stubbed(lambda stubber: stubber.add_response("get_lifecycle_policy_preview", answer))
    assert registry.preview(REPOSITORY) is None


def test_a_preview_in_progress_is_no_error(stubbed: Stubbed) -> None:
    registry = stubbed(
        lambda stubber: stubber.add_client_error(
            "start_lifecycle_policy_preview", "LifecyclePolicyPreviewInProgressException"
        )
    )
    registry.start_preview(REPOSITORY, UNTAGGED_GO)


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("get_repository_policy", "RepositoryPolicyNotFoundException"),
        ("get_lifecycle_policy", "LifecyclePolicyNotFoundException"),
        ("get_lifecycle_policy_preview", "LifecyclePolicyPreviewNotFoundException"),
    ],
)
def test_what_is_not_there_is_none(stubbed: Stubbed, method: str, code: str) -> None:
    registry = stubbed(lambda stubber: stubber.add_client_error(method, code))
    ask: Callable[[], object] = {
        "get_repository_policy": lambda: registry.read(named("policy").read, REPOSITORY, ""),
        "get_lifecycle_policy": lambda: registry.read(named("lifecycle").read, REPOSITORY, ""),
        "get_lifecycle_policy_preview": lambda: registry.preview(REPOSITORY),
    }[method]
    assert ask() is None


def test_a_refused_policy_says_what_ecr_said_and_what_it_mostly_means(stubbed: Stubbed) -> None:
    message = (
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: "
        "'Invalid repository policy provided'"
    )

    def prepare(stubber: Stubber) -> None:
        for _ in range(3):
            stubber.add_client_error("set_repository_policy", "InvalidParameterException", message)

    with pytest.raises(Refused, match="mostly a principal does not exist"):
        put(stubbed(prepare), REPOSITORY, "policy", policy(OURS))


def test_a_repository_that_vanishes_is_told_apart(stubbed: Stubbed) -> None:
    registry = stubbed(
        lambda stubber: stubber.add_client_error(
            "put_image_tag_mutability", "RepositoryNotFoundException"
        )
    )
    with pytest.raises(RepositoryGone):
        put(registry, REPOSITORY, "immutability", "IMMUTABLE")


# ---------------------------------------------------------------------------- in memory
SETTINGS_METHODS: dict[str, dict[str, Any]] = {
    "CreateRepository": {"repositoryName": "base/other", "tags": [{"Key": "a", "Value": "b"}]},
    "DescribeRepositories": {"repositoryNames": [REPOSITORY]},
    "SetRepositoryPolicy": {"repositoryName": REPOSITORY, "policyText": policy(OURS)},
    "GetRepositoryPolicy": {"repositoryName": REPOSITORY},
    "DeleteRepositoryPolicy": {"repositoryName": REPOSITORY},
    "PutLifecyclePolicy": {
        "repositoryName": REPOSITORY, "lifecyclePolicyText": json.dumps(UNTAGGED_GO),
    },
    "GetLifecyclePolicy": {"repositoryName": REPOSITORY},
    "DeleteLifecyclePolicy": {"repositoryName": REPOSITORY},
    "StartLifecyclePolicyPreview": {
        "repositoryName": REPOSITORY, "lifecyclePolicyText": json.dumps(UNTAGGED_GO),
    },
    "GetLifecyclePolicyPreview": {
        "repositoryName": REPOSITORY, "filter": {"tagStatus": "TAGGED"},
    },
    "PutImageScanningConfiguration": {
        "repositoryName": REPOSITORY, "imageScanningConfiguration": {"scanOnPush": True},
    },
    "TagResource": {
        "resourceArn": f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/{REPOSITORY}",
        "tags": [{"Key": "owner", "Value": "platform"}],
    },
    "ListTagsForResource": {
        "resourceArn": f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/{REPOSITORY}",
    },
    "UntagResource": {
        "resourceArn": f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/{REPOSITORY}",
        "tagKeys": ["owner"],
    },
    "PutRegistryScanningConfiguration": {"scanType": "BASIC", "rules": []},
    "GetRegistryScanningConfiguration": {},
    "BatchGetRepositoryScanningConfiguration": {"repositoryNames": [REPOSITORY, "base/absent"]},
    "CreateRepositoryCreationTemplate": {"prefix": "base", "appliedFor": ["CREATE_ON_PUSH"]},
    "UpdateRepositoryCreationTemplate": {"prefix": "base", "imageTagMutability": "IMMUTABLE"},
    "DescribeRepositoryCreationTemplates": {"maxResults": 100},
}  # fmt: skip
"""Every settings operation with a call of it, in an order in which each succeeds."""


@pytest.fixture(scope="module")
def model() -> ServiceModel:
    return botocore.session.Session().get_service_model("ecr")


def test_every_settings_answer_in_memory_is_what_botocore_would_return(model: ServiceModel) -> None:
    ecr = MemorySettings(account=ACCOUNT)
    ecr.create_repository(repositoryName=REPOSITORY)
    for operation, asked in SETTINGS_METHODS.items():
        shape = model.operation_model(operation)
        if shape.input_shape is not None:
            invalid = ParamValidator().validate(asked, shape.input_shape)
            assert not invalid.has_errors(), invalid.generate_report()
        method = getattr(ecr, botocore.xform_name(operation))
        answer = {k: v for k, v in method(**asked).items() if k != "ResponseMetadata"}
        assert list(faults(there(shape.output_shape), answer, operation)) == [], operation


@pytest.mark.parametrize("operation", sorted(SETTINGS_METHODS))
def test_a_settings_call_takes_no_parameter_that_botocore_does_not_know(
    model: ServiceModel, operation: str
) -> None:
    shape = model.operation_model(operation).input_shape
    known = set() if shape is None else set(shape.members)
    method = getattr(MemorySettings, botocore.xform_name(operation))
    assert set(inspect.signature(method).parameters) - {"self"} <= known
