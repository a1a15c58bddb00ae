"""What a model of ECR's repositories and settings has to answer, each case with its fact.

A test module makes subclasses that pytest collects, with the fixture `ecr`: a registry's client
with the empty repository `redis`. The facts are in the ECR API reference and the ECR User Guide
unless they name another place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ecr_images_contract import REDIS, push, refusal
from tests.unit.in_memory.memory_images import digest, image, index

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

ARN = f"arn:aws:ecr:eu-west-1:123456789012:repository/{REDIS}"
PULL = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def rule(priority: int, status: str, count: int = 1, **more: Any) -> dict[str, Any]:
    """A lifecycle rule that keeps the `count` newest images."""
    counted = {"countType": "imageCountMoreThan", "countNumber": count}
    return {
        "rulePriority": priority,
        "selection": {"tagStatus": status, **counted, **more},
        "action": {"type": "expire"},
    }


def lifecycle(*rules: dict[str, Any]) -> str:
    return json.dumps({"rules": rules}, indent=4)


def filters(*texts: str) -> list[dict[str, str]]:
    return [{"filterType": "WILDCARD", "filter": each} for each in texts]


def names(ecr: ECRClient, **asked: Any) -> list[str]:
    found = ecr.describe_repositories(**asked)["repositories"]
    return [each["repositoryName"] for each in found]


def shown(ecr: ECRClient, name: str = REDIS) -> Any:
    (found,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    return found


class RepositoriesContract:
    """CreateRepository, DescribeRepositories, DeleteRepository."""

    def test_a_repository_begins_with_the_defaults(self, ecr: ECRClient) -> None:
        """CreateRepository: imageTagMutability MUTABLE, no scan on push, AES256; Repository."""
        made = ecr.create_repository(repositoryName="team/app")["repository"]
        created = made.pop("createdAt")
        assert created.tzinfo is not None
        assert made == {
            "repositoryArn": "arn:aws:ecr:eu-west-1:123456789012:repository/team/app",
            "registryId": "123456789012",
            "repositoryName": "team/app",
            "repositoryUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app",
            "imageTagMutability": "MUTABLE",
            "imageScanningConfiguration": {"scanOnPush": False},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }
        assert shown(ecr, "team/app") == {**made, "createdAt": created}

    def test_a_repository_can_begin_with_settings(self, ecr: ECRClient) -> None:
        """CreateRepository: Request Parameters."""
        exclusions: Any = filters("latest")
        ecr.create_repository(
            repositoryName="app",
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=exclusions,
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfiguration={"encryptionType": "KMS"},
            tags=[{"Key": "owner", "Value": "platform"}],
        )
        found = shown(ecr, "app")
        assert found["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
        assert found["imageTagMutabilityExclusionFilters"] == exclusions
        assert found["imageScanningConfiguration"] == {"scanOnPush": True}
        assert found["encryptionConfiguration"]["encryptionType"] == "KMS"
        tags = ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
        assert tags == [{"Key": "owner", "Value": "platform"}]

    @pytest.mark.parametrize(
        "name", ["ab", "a/b", "a.b_c-d", "a__b", "a--b", "team-1/app/web", "x" * 256]
    )
    def test_what_is_a_name(self, ecr: ECRClient, name: str) -> None:
        """CreateRepository: repositoryName, its pattern and 2 to 256 characters."""
        ecr.create_repository(repositoryName=name)
        assert name in names(ecr)

    @pytest.mark.parametrize(
        "name", ["Team/app", "-a", "a-", "a/", "/a", "a//b", "a..b", "a___b", "a b", "x" * 257]
    )
    def test_what_is_no_name(self, ecr: ECRClient, name: str) -> None:
        """CreateRepository: repositoryName, its pattern and 2 to 256 characters."""
        wrong = refusal(ecr.create_repository, repositoryName=name)
        assert wrong == "InvalidParameterException"

    def test_a_repository_that_is_there_is_not_made_again(self, ecr: ECRClient) -> None:
        """CreateRepository, RepositoryAlreadyExistsException."""
        wrong = refusal(ecr.create_repository, repositoryName=REDIS)
        assert wrong == "RepositoryAlreadyExistsException"

    def test_repositories_are_described_by_name_or_all_of_them(self, ecr: ECRClient) -> None:
        """DescribeRepositories: repositoryNames; all if it is not given."""
        ecr.create_repository(repositoryName="valkey")
        assert names(ecr) == [REDIS, "valkey"]
        assert names(ecr, repositoryNames=["valkey"]) == ["valkey"]
        assert names(ecr, repositoryNames=["valkey", REDIS]) == ["valkey", REDIS]

    def test_one_missing_name_fails_the_whole_description(self, ecr: ECRClient) -> None:
        """DescribeRepositories, RepositoryNotFoundException."""
        wrong = refusal(ecr.describe_repositories, repositoryNames=[REDIS, "absent"])
        assert wrong == "RepositoryNotFoundException"

    def test_repositories_come_by_page(self, ecr: ECRClient) -> None:
        """DescribeRepositories: maxResults, nextToken."""
        for number in range(4):
            ecr.create_repository(repositoryName=f"app-{number}")
        pages, more = [], dict[str, Any]()
        while True:
            page = ecr.describe_repositories(maxResults=2, **more)
            pages.append([each["repositoryName"] for each in page["repositories"]])
            if "nextToken" not in page:
                break
            more = {"nextToken": page["nextToken"]}
        assert pages == [[REDIS, "app-0"], ["app-1", "app-2"], ["app-3"]]

    @pytest.mark.parametrize(
        "asked",
        [
            {"maxResults": 1001},
            {"nextToken": "no token"},
            {"repositoryNames": [REDIS], "maxResults": 1},
            {"repositoryNames": [REDIS] * 101},
        ],
    )
    def test_what_describe_repositories_does_not_take(self, ecr: ECRClient, asked: Any) -> None:
        """DescribeRepositories: repositoryNames (1 to 100) or paging (to 1,000), never both."""
        assert refusal(ecr.describe_repositories, **asked) == "InvalidParameterException"

    def test_a_repository_with_images_goes_only_by_force(self, ecr: ECRClient) -> None:
        """DeleteRepository, RepositoryNotEmptyException; force."""
        push(ecr, image("1"))
        wrong = refusal(ecr.delete_repository, repositoryName=REDIS)
        assert wrong == "RepositoryNotEmptyException"
        gone = ecr.delete_repository(repositoryName=REDIS, force=True)["repository"]
        assert (gone["repositoryName"], names(ecr)) == (REDIS, [])

    def test_a_missing_repository_cannot_be_deleted(self, ecr: ECRClient) -> None:
        """DeleteRepository, RepositoryNotFoundException."""
        wrong = refusal(ecr.delete_repository, repositoryName="absent")
        assert wrong == "RepositoryNotFoundException"

    def test_a_repository_made_anew_has_nothing_of_the_old_one(self, ecr: ECRClient) -> None:
        """DeleteRepository: a repository goes with all that is set for it."""
        ecr.set_repository_policy(repositoryName=REDIS, policyText=policy(PULL))
        ecr.put_lifecycle_policy(
            repositoryName=REDIS, lifecyclePolicyText=lifecycle(rule(1, "any"))
        )
        ecr.start_lifecycle_policy_preview(
            repositoryName=REDIS, lifecyclePolicyText=lifecycle(rule(1, "any"))
        )
        ecr.tag_resource(resourceArn=ARN, tags=[{"Key": "owner", "Value": "platform"}])
        ecr.delete_repository(repositoryName=REDIS)
        ecr.create_repository(repositoryName=REDIS)
        assert ecr.list_tags_for_resource(resourceArn=ARN)["tags"] == []
        for call, code in (
            (ecr.get_repository_policy, "RepositoryPolicyNotFoundException"),
            (ecr.get_lifecycle_policy, "LifecyclePolicyNotFoundException"),
            (ecr.get_lifecycle_policy_preview, "LifecyclePolicyPreviewNotFoundException"),
        ):
            assert refusal(call, repositoryName=REDIS) == code


class TagMutabilityContract:
    """PutImageTagMutability, and the same settings in CreateRepository."""

    def test_the_setting_and_its_filters_are_answered_and_described(self, ecr: ECRClient) -> None:
        """PutImageTagMutability: Response Elements; Repository."""
        exclusions: Any = filters("latest", "v*-*")
        answer: Any = ecr.put_image_tag_mutability(
            repositoryName=REDIS,
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=exclusions,
        )
        del answer["ResponseMetadata"]
        setting = {
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": exclusions,
        }
        assert answer == {"registryId": "123456789012", "repositoryName": REDIS, **setting}
        assert setting.items() <= shown(ecr).items()

    def test_the_filters_go_with_the_exclusion(self, ecr: ECRClient) -> None:
        """PutImageTagMutability: the filters are those of the last call."""
        exclusions: Any = filters("latest")
        ecr.put_image_tag_mutability(
            repositoryName=REDIS,
            imageTagMutability="MUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=exclusions,
        )
        ecr.put_image_tag_mutability(repositoryName=REDIS, imageTagMutability="IMMUTABLE")
        assert shown(ecr)["imageTagMutability"] == "IMMUTABLE"
        assert "imageTagMutabilityExclusionFilters" not in shown(ecr)

    @pytest.mark.parametrize(
        ("mutability", "exclusions"),
        [
            ("FROZEN", None),
            ("IMMUTABLE_WITH_EXCLUSION", None),
            ("MUTABLE_WITH_EXCLUSION", None),
            ("IMMUTABLE", filters("latest")),
            ("MUTABLE", filters("latest")),
            ("IMMUTABLE_WITH_EXCLUSION", filters(*"abcdef")),
            ("IMMUTABLE_WITH_EXCLUSION", filters("a*b*c*")),
            ("IMMUTABLE_WITH_EXCLUSION", filters("v[0-9]")),
            ("IMMUTABLE_WITH_EXCLUSION", filters("x" * 129)),
            ("IMMUTABLE_WITH_EXCLUSION", [{"filterType": "REGEX", "filter": "v"}]),
        ],
    )
    def test_what_is_refused(self, ecr: ECRClient, mutability: str, exclusions: Any) -> None:
        """PutImageTagMutability: filters (1 to 5) with an exclusion and only then
        (aws/aws-cdk 35246); ImageTagMutabilityExclusionFilter: WILDCARD, its pattern, at most two
        `*` (terraform-provider-aws 43642)."""
        asked: dict[str, Any] = {"imageTagMutability": mutability}
        if exclusions is not None:
            asked["imageTagMutabilityExclusionFilters"] = exclusions
        for call, name in ((ecr.put_image_tag_mutability, REDIS), (ecr.create_repository, "new")):
            wrong = refusal(call, repositoryName=name, **asked)
            assert wrong == "InvalidParameterException"

    def test_a_missing_repository_is_named(self, ecr: ECRClient) -> None:
        """PutImageTagMutability, RepositoryNotFoundException."""
        asked = {"repositoryName": "absent", "imageTagMutability": "IMMUTABLE"}
        assert refusal(ecr.put_image_tag_mutability, **asked) == "RepositoryNotFoundException"


def has_a_life(absent: str, put: Any, reads: Sequence[Any], **text: str) -> None:
    """A text is put, then read and deleted: each answers all of it, or `absent` without it."""
    for call in reads:
        assert refusal(call, repositoryName=REDIS) == absent
    ((key, whole),) = text.items()
    for answer in (
        put(repositoryName=REDIS, **text),
        *(call(repositoryName=REDIS) for call in reads),
    ):
        assert json.loads(answer[key]) == json.loads(whole)
        assert (answer["registryId"], answer["repositoryName"]) == ("123456789012", REDIS)
    assert refusal(reads[0], repositoryName=REDIS) == absent


class RepositoryPolicyContract:
    """GetRepositoryPolicy, SetRepositoryPolicy, DeleteRepositoryPolicy."""

    def test_a_policy_is_set_read_and_deleted_whole(self, ecr: ECRClient) -> None:
        """SetRepositoryPolicy, GetRepositoryPolicy, DeleteRepositoryPolicy: Response Elements."""
        reads = (ecr.get_repository_policy, ecr.delete_repository_policy)
        has_a_life(
            "RepositoryPolicyNotFoundException",
            ecr.set_repository_policy,
            reads,
            policyText=policy(PULL),
        )

    def test_another_policy_takes_the_place_of_the_first(self, ecr: ECRClient) -> None:
        """SetRepositoryPolicy: applies the policy; there is no merging."""
        for statement in (PULL, {**PULL, "Sid": "Other"}):
            ecr.set_repository_policy(repositoryName=REDIS, policyText=policy(statement))
        found = json.loads(ecr.get_repository_policy(repositoryName=REDIS)["policyText"])
        assert [each["Sid"] for each in found["Statement"]] == ["Other"]

    @pytest.mark.parametrize(
        "text",
        [
            "no JSON",
            "{}",
            policy(),
            policy({**PULL, "Effect": "Maybe"}),
            policy({key: value for key, value in PULL.items() if key != "Principal"}),
            policy({key: value for key, value in PULL.items() if key != "Action"}),
            policy({**PULL, "Sid": "x" * 10_240}),
        ],
    )
    def test_what_is_no_policy_is_refused(self, ecr: ECRClient, text: str) -> None:
        """SetRepositoryPolicy: policyText to 10,240 characters; User Guide, Private repository
        policies: a subset of IAM policies, all refused as InvalidParameterException."""
        wrong = refusal(ecr.set_repository_policy, repositoryName=REDIS, policyText=text)
        assert wrong == "InvalidParameterException"
        wrong = refusal(ecr.get_repository_policy, repositoryName=REDIS)
        assert wrong == "RepositoryPolicyNotFoundException"

    def test_a_principal_that_was_deleted_is_refused(self, ecr: ECRClient) -> None:
        """IAM User Guide, AWS JSON policy elements, Principal: a deleted principal's id stands in
        its place, and no policy with it is taken any more."""
        text = policy({**PULL, "Principal": {"AWS": ["AROAJQABLZS4A3QDU576Q"]}})
        wrong = refusal(ecr.set_repository_policy, repositoryName=REDIS, policyText=text)
        assert wrong == "InvalidParameterException"

    def test_a_policy_that_locks_everybody_out_needs_force(self, ecr: ECRClient) -> None:
        """SetRepositoryPolicy, force: for a policy that would prevent you from setting another."""
        text = policy({"Effect": "Deny", "Principal": "*", "Action": "ecr:*"})
        asked = {"repositoryName": REDIS, "policyText": text}
        assert refusal(ecr.set_repository_policy, **asked) == "InvalidParameterException"
        ecr.set_repository_policy(**asked, force=True)

    def test_a_missing_repository_is_named(self, ecr: ECRClient) -> None:
        """RepositoryNotFoundException of the three operations."""
        for call, more in (
            (ecr.get_repository_policy, {}),
            (ecr.delete_repository_policy, {}),
            (ecr.set_repository_policy, {"policyText": policy(PULL)}),
        ):
            wrong = refusal(call, repositoryName="absent", **more)
            assert wrong == "RepositoryNotFoundException"


class LifecyclePolicyContract:
    """GetLifecyclePolicy, PutLifecyclePolicy, DeleteLifecyclePolicy and the previews."""

    def test_a_policy_is_put_read_and_deleted_whole(self, ecr: ECRClient) -> None:
        """PutLifecyclePolicy, GetLifecyclePolicy, DeleteLifecyclePolicy: Response Elements."""
        reads = (ecr.get_lifecycle_policy, ecr.delete_lifecycle_policy)
        text = lifecycle(rule(1, "untagged"))
        has_a_life(
            "LifecyclePolicyNotFoundException",
            ecr.put_lifecycle_policy,
            reads,
            lifecyclePolicyText=text,
        )

    def test_the_rules_come_back_by_their_priority(self, ecr: ECRClient) -> None:
        """terraform-provider-aws 22639: the API reorders rules by rulePriority."""
        text = lifecycle(rule(2, "any"), rule(1, "untagged"))
        ecr.put_lifecycle_policy(repositoryName=REDIS, lifecyclePolicyText=text)
        found = ecr.get_lifecycle_policy(repositoryName=REDIS)["lifecyclePolicyText"]
        assert [each["rulePriority"] for each in json.loads(found)["rules"]] == [1, 2]

    def test_images_may_be_archived_by_their_last_pull(self, ecr: ECRClient) -> None:
        """User Guide, Lifecycle policy properties: sinceImagePulled, transition to archive."""
        selection = {
            "tagStatus": "any",
            "countType": "sinceImagePulled",
            "countUnit": "days",
            "countNumber": 90,
        }
        action = {"type": "transition", "targetStorageClass": "archive"}
        text = lifecycle({"rulePriority": 1, "selection": selection, "action": action})
        ecr.put_lifecycle_policy(repositoryName=REDIS, lifecyclePolicyText=text)
        found = ecr.get_lifecycle_policy(repositoryName=REDIS)["lifecyclePolicyText"]
        assert json.loads(found) == json.loads(text)

    @pytest.mark.parametrize(
        "text",
        [
            "no JSON" + " " * 100,
            lifecycle() + " " * 100,
            lifecycle(rule(1, "untagged"), rule(1, "any")),
            lifecycle({"rulePriority": 1, "selection": {}, "action": {}}) + " " * 100,
            lifecycle(rule(1, "any", description="x" * 30_720)),
        ],
    )
    def test_what_is_no_policy_is_refused(self, ecr: ECRClient, text: str) -> None:
        """PutLifecyclePolicy: lifecyclePolicyText of 100 to 30,720 characters; User Guide,
        Lifecycle policy properties: rules with an own priority, a selection and an action."""
        asked = {"repositoryName": REDIS, "lifecyclePolicyText": text}
        for call in (ecr.put_lifecycle_policy, ecr.start_lifecycle_policy_preview):
            assert refusal(call, **asked) == "InvalidParameterException"

    @pytest.mark.parametrize(
        "rules",
        [
            [rule(1, "any"), rule(2, "untagged")],
            [rule(1, "untagged"), rule(2, "untagged", 5)],
            [rule(1, "tagged")],
            [rule(1, "tagged", tagPatternList=["a"], tagPrefixList=["a"])],
            [rule(1, "tagged", tagPatternList=["a*b*c*d*e*"])],
            [rule(1, "any", countUnit="days")],
            [rule(1, "any", 0)],
            [rule(0, "any")],
            [rule(1, "any", countType="sinceImagePulled", countUnit="days")],
            [rule(number, "tagged", tagPatternList=[f"v{number}"]) for number in range(1, 52)],
        ],
    )
    def test_rules_that_do_not_fit_are_refused(self, ecr: ECRClient, rules: Any) -> None:
        """User Guide, Lifecycle policy properties: `any` comes last, one rule for untagged images,
        exactly one list for tagged ones, at most four `*`, a unit for days only, counts and
        priorities from 1, sinceImagePulled to archive only. Service quotas: 50 rules."""
        asked = {"repositoryName": REDIS, "lifecyclePolicyText": lifecycle(*rules)}
        wrong = refusal(ecr.put_lifecycle_policy, **asked)
        assert wrong == "InvalidParameterException"

    def test_a_preview_that_nobody_started_is_not_there(self, ecr: ECRClient) -> None:
        """GetLifecyclePolicyPreview, LifecyclePolicyPreviewNotFoundException."""
        wrong = refusal(ecr.get_lifecycle_policy_preview, repositoryName=REDIS)
        assert wrong == "LifecyclePolicyPreviewNotFoundException"

    def test_a_preview_starts_in_progress_and_sets_nothing(self, ecr: ECRClient) -> None:
        """StartLifecyclePolicyPreview: Response Elements; a preview is no policy."""
        text = lifecycle(rule(1, "any"))
        started = ecr.start_lifecycle_policy_preview(repositoryName=REDIS, lifecyclePolicyText=text)
        assert (started["status"], started["repositoryName"]) == ("IN_PROGRESS", REDIS)
        assert json.loads(started["lifecyclePolicyText"]) == json.loads(text)
        wrong = refusal(ecr.get_lifecycle_policy, repositoryName=REDIS)
        assert wrong == "LifecyclePolicyNotFoundException"

    def test_a_preview_is_of_the_policy_that_is_set_if_none_is_given(self, ecr: ECRClient) -> None:
        """StartLifecyclePolicyPreview, lifecyclePolicyText: if you do not specify a policy, the
        current policy for the repository is used; LifecyclePolicyNotFoundException."""
        wrong = refusal(ecr.start_lifecycle_policy_preview, repositoryName=REDIS)
        assert wrong == "LifecyclePolicyNotFoundException"
        text = lifecycle(rule(1, "any"))
        ecr.put_lifecycle_policy(repositoryName=REDIS, lifecyclePolicyText=text)
        started = ecr.start_lifecycle_policy_preview(repositoryName=REDIS)
        assert json.loads(started["lifecyclePolicyText"]) == json.loads(text)

    @staticmethod
    def preview(ecr: ECRClient, *rules: dict[str, Any], **asked: Any) -> tuple[int, list[Any]]:
        """How many images would expire; of those shown digest, tags and the rule's priority."""
        text = lifecycle(*rules)
        ecr.start_lifecycle_policy_preview(repositoryName=REDIS, lifecyclePolicyText=text)
        found = ecr.get_lifecycle_policy_preview(repositoryName=REDIS, **asked)
        assert found["status"] == "COMPLETE"
        assert {each["action"]["type"] for each in found["previewResults"]} <= {"EXPIRE"}
        results = [
            (each["imageDigest"], each["imageTags"], each["appliedRulePriority"])
            for each in found["previewResults"]
        ]
        return found["summary"]["expiringImageTotalCount"], sorted(results)

    def test_the_newest_images_are_kept_by_count(self, ecr: ECRClient) -> None:
        """User Guide, Lifecycle policy properties: imageCountMoreThan keeps the youngest."""
        pushed = [push(ecr, image(str(number)), str(number)) for number in range(3)]
        count, found = self.preview(ecr, rule(7, "any"))
        assert count == 2
        assert found == sorted([(pushed[0], ["0"], 7), (pushed[1], ["1"], 7)])

    def test_a_rule_of_several_patterns_takes_images_that_match_all(self, ecr: ECRClient) -> None:
        """User Guide, Lifecycle policy properties: only images with all specified tags."""
        for name, tags in (("a", ["prod-1"]), ("b", ["stage-1", "prod-2"]), ("c", ["stage-2"])):
            push(ecr, image(name), *tags)
        push(ecr, image("d"), "stage-3", "prod-3")
        patterns = ["prod*", "stage*"]
        _, found = self.preview(ecr, rule(1, "tagged", tagPatternList=patterns))
        assert [tags for _, tags, _ in found] == [["stage-1", "prod-2"]]

    def test_an_image_that_an_earlier_rule_keeps_is_out_of_reach(self, ecr: ECRClient) -> None:
        """User Guide, Lifecycle policy evaluation rules: an image is taken by one rule, by
        priority."""
        push(ecr, image("stable"), "stable")
        bare = push(ecr, image("bare"))
        push(ecr, image("newest"), "newest")
        keep = rule(1, "tagged", 9999, tagPatternList=["stable"])
        assert self.preview(ecr, rule(2, "any"), keep) == (1, [(bare, [], 2)])

    def test_an_index_keeps_its_images(self, ecr: ECRClient) -> None:
        """User Guide, Lifecycle policy evaluation rules: images of a manifest list do not expire
        before it."""
        push(ecr, image("arm64"))
        push(ecr, index(digest(image("arm64"))), "1")
        assert self.preview(ecr, rule(1, "untagged"), rule(2, "any", 5)) == (0, [])
        push(ecr, image("bare"))
        push(ecr, image("newest"))
        assert self.preview(ecr, rule(1, "untagged"))[0] == 1

    def test_a_preview_is_filtered_and_counts_all(self, ecr: ECRClient) -> None:
        """GetLifecyclePolicyPreview: LifecyclePolicyPreviewFilter, tagStatus; summary."""
        bare, named = push(ecr, image("bare")), push(ecr, image("named"), "1")
        push(ecr, image("newest"))
        expected = {"TAGGED": [named], "UNTAGGED": [bare], "ANY": sorted([bare, named])}
        for status, digests in expected.items():
            count, found = self.preview(ecr, rule(1, "any"), filter={"tagStatus": status})
            assert (count, [each[0] for each in found]) == (2, digests)

    def test_a_preview_comes_by_page(self, ecr: ECRClient) -> None:
        """GetLifecyclePolicyPreview: maxResults (to 100), nextToken."""
        pushed = [push(ecr, image(str(number))) for number in range(4)]
        text = lifecycle(rule(1, "any"))
        ecr.start_lifecycle_policy_preview(repositoryName=REDIS, lifecyclePolicyText=text)
        first = ecr.get_lifecycle_policy_preview(repositoryName=REDIS, maxResults=2)
        rest = ecr.get_lifecycle_policy_preview(
            repositoryName=REDIS, maxResults=2, nextToken=first["nextToken"]
        )
        assert "nextToken" not in rest
        pages = [[one["imageDigest"] for one in each["previewResults"]] for each in (first, rest)]
        assert [len(each) for each in pages] == [2, 1]
        assert {one for each in pages for one in each} == set(pushed[:3])

    def test_a_missing_repository_is_named(self, ecr: ECRClient) -> None:
        """RepositoryNotFoundException of the five operations."""
        text = {"lifecyclePolicyText": lifecycle(rule(1, "any"))}
        for call, more in (
            (ecr.get_lifecycle_policy, {}),
            (ecr.delete_lifecycle_policy, {}),
            (ecr.get_lifecycle_policy_preview, {}),
            (ecr.put_lifecycle_policy, text),
            (ecr.start_lifecycle_policy_preview, text),
        ):
            wrong = refusal(call, repositoryName="absent", **more)
            assert wrong == "RepositoryNotFoundException"


class ScanningContract:
    """PutImageScanningConfiguration, GetRegistryScanningConfiguration and its Put."""

    def test_scan_on_push_is_answered_and_described(self, ecr: ECRClient) -> None:
        """PutImageScanningConfiguration: Response Elements; Repository."""
        for on in (True, False):
            setting = {"scanOnPush": on}
            answer = ecr.put_image_scanning_configuration(
                repositoryName=REDIS,
                imageScanningConfiguration=setting,  # type: ignore[arg-type]
            )
            assert answer["imageScanningConfiguration"] == setting
            assert shown(ecr)["imageScanningConfiguration"] == setting

    def test_scan_on_push_of_a_missing_repository(self, ecr: ECRClient) -> None:
        """PutImageScanningConfiguration, RepositoryNotFoundException."""
        asked: Any = {"repositoryName": "absent", "imageScanningConfiguration": {}}
        wrong = refusal(ecr.put_image_scanning_configuration, **asked)
        assert wrong == "RepositoryNotFoundException"

    def test_a_registry_begins_with_basic_scanning_and_no_rules(self, ecr: ECRClient) -> None:
        """GetRegistryScanningConfiguration; User Guide, Scan images: basic is the default."""
        found = ecr.get_registry_scanning_configuration()
        assert found["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}
        assert found["registryId"] == "123456789012"

    def test_the_registrys_scanning_is_put_whole(self, ecr: ECRClient) -> None:
        """PutRegistryScanningConfiguration: Response Elements."""
        repositories = [{"filter": "*", "filterType": "WILDCARD"}]
        rules: Any = [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": repositories}]
        answer = ecr.put_registry_scanning_configuration(scanType="ENHANCED", rules=rules)
        configuration = {"scanType": "ENHANCED", "rules": rules}
        assert answer["registryScanningConfiguration"] == configuration
        found = ecr.get_registry_scanning_configuration()["scanningConfiguration"]
        assert found == configuration

    def test_scanning_may_be_put_without_rules(self, ecr: ECRClient) -> None:
        """PutRegistryScanningConfiguration: scanType and rules are not required."""
        ecr.put_registry_scanning_configuration(scanType="ENHANCED")
        ecr.create_repository(repositoryName="app")
        found = ecr.get_registry_scanning_configuration()["scanningConfiguration"]
        assert found == {"scanType": "ENHANCED", "rules": []}

    def test_how_often_repositories_are_scanned(self, ecr: ECRClient) -> None:
        """BatchGetRepositoryScanningConfiguration: RepositoryScanningConfiguration; failures."""
        asked = [REDIS, "absent"]
        before = ecr.batch_get_repository_scanning_configuration(repositoryNames=asked)
        assert [each["scanFrequency"] for each in before["scanningConfigurations"]] == ["MANUAL"]
        assert [each["repositoryName"] for each in before["failures"]] == ["absent"]
        rules: Any = [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [
            {"filter": REDIS, "filterType": "WILDCARD"}]}]  # fmt: skip
        ecr.put_registry_scanning_configuration(scanType="ENHANCED", rules=rules)
        after = ecr.batch_get_repository_scanning_configuration(repositoryNames=[REDIS])
        assert after["scanningConfigurations"][0]["scanFrequency"] == "CONTINUOUS_SCAN"

    @pytest.mark.parametrize("asked", [{"scanType": "DEEP"}, {"rules": 3 * [None]}])
    def test_what_is_refused(self, ecr: ECRClient, asked: dict[str, Any]) -> None:
        """PutRegistryScanningConfiguration: the enum of scanType; at most two rules."""
        repositories = [{"filter": "*", "filterType": "WILDCARD"}]
        rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": repositories}
        asked = asked | ({"rules": [rule for _ in asked["rules"]]} if "rules" in asked else {})
        wrong = refusal(ecr.put_registry_scanning_configuration, **asked)
        assert wrong == "InvalidParameterException"


class ResourceTagsContract:
    """TagResource, UntagResource, ListTagsForResource."""

    @staticmethod
    def tags(ecr: ECRClient) -> dict[str, str]:
        found = ecr.list_tags_for_resource(resourceArn=ARN)["tags"]
        return {each["Key"]: each["Value"] for each in found}

    def test_tags_are_added_changed_and_taken_off(self, ecr: ECRClient) -> None:
        """TagResource: tags that are not specified are not changed; UntagResource."""
        assert self.tags(ecr) == {}
        ecr.tag_resource(
            resourceArn=ARN, tags=[{"Key": "owner", "Value": "a"}, {"Key": "tier", "Value": "1"}]
        )
        ecr.tag_resource(resourceArn=ARN, tags=[{"Key": "owner", "Value": "b"}])
        assert self.tags(ecr) == {"owner": "b", "tier": "1"}
        ecr.untag_resource(resourceArn=ARN, tagKeys=["tier", "absent"])
        assert self.tags(ecr) == {"owner": "b"}

    def test_a_repository_has_at_most_fifty(self, ecr: ECRClient) -> None:
        """TagResource, TooManyTagsException; User Guide, Tag a private repository: 50."""
        many: list[Any] = [{"Key": f"key-{number}", "Value": "1"} for number in range(50)]
        ecr.tag_resource(resourceArn=ARN, tags=many)
        ecr.tag_resource(resourceArn=ARN, tags=[{"Key": "key-7", "Value": "2"}])
        one_more = [{"Key": "one", "Value": "more"}]
        wrong = refusal(ecr.tag_resource, resourceArn=ARN, tags=one_more)
        assert wrong == "TooManyTagsException"
        assert self.tags(ecr)["key-7"] == "2"
        assert len(self.tags(ecr)) == 50

    def test_what_is_no_repository_has_no_tags(self, ecr: ECRClient) -> None:
        """RepositoryNotFoundException and InvalidParameterException of the three operations."""
        for arn, code in (
            (f"{ARN}-absent", "RepositoryNotFoundException"),
            ("arn:aws:s3:::bucket", "InvalidParameterException"),
        ):
            assert refusal(ecr.list_tags_for_resource, resourceArn=arn) == code
            assert refusal(ecr.tag_resource, resourceArn=arn, tags=[]) == code
            assert refusal(ecr.untag_resource, resourceArn=arn, tagKeys=["a"]) == code


class CreationTemplatesContract:
    """DescribeRepositoryCreationTemplates, and its Create, Update and Delete."""

    @staticmethod
    def found(ecr: ECRClient, **asked: Any) -> dict[str, Any]:
        """Templates by their prefix, without the times."""
        templates: list[Any] = ecr.describe_repository_creation_templates(**asked)[
            "repositoryCreationTemplates"
        ]
        times = {"createdAt", "updatedAt"}
        return {
            each["prefix"]: {key: value for key, value in each.items() if key not in times}
            for each in templates
        }

    def test_a_template_is_made_changed_and_deleted(self, ecr: ECRClient) -> None:
        """CreateRepositoryCreationTemplate, UpdateRepositoryCreationTemplate: what is not named
        stays; DeleteRepositoryCreationTemplate."""
        assert self.found(ecr) == {}
        made = ecr.create_repository_creation_template(
            prefix="base", appliedFor=["CREATE_ON_PUSH"], description="Ours"
        )
        assert made["registryId"] == "123456789012"
        template = {"prefix": "base", "appliedFor": ["CREATE_ON_PUSH"], "description": "Ours"}
        assert template.items() <= made["repositoryCreationTemplate"].items()
        ecr.update_repository_creation_template(prefix="base", imageTagMutability="IMMUTABLE")
        assert self.found(ecr) == {"base": {**template, "imageTagMutability": "IMMUTABLE"}}
        ecr.delete_repository_creation_template(prefix="base")
        assert self.found(ecr) == {}

    def test_a_prefix_has_one_template(self, ecr: ECRClient) -> None:
        """CreateRepositoryCreationTemplate, TemplateAlreadyExistsException."""
        asked: Any = {"prefix": "base", "appliedFor": ["REPLICATION"]}
        ecr.create_repository_creation_template(**asked)
        wrong = refusal(ecr.create_repository_creation_template, **asked)
        assert wrong == "TemplateAlreadyExistsException"

    def test_a_prefix_is_kept_without_its_slash_and_not_found_with_it(self, ecr: ECRClient) -> None:
        """CreateRepositoryCreationTemplate: there is always an assumed / at the end of the prefix;
        measured on AWS, go-to-k/cdk-real-drift issue 502: kept without it, not found with it."""
        ecr.create_repository_creation_template(prefix="base/", appliedFor=["REPLICATION"])
        assert set(self.found(ecr)) == {"base"}
        assert self.found(ecr, prefixes=["base/"]) == {}
        wrong = refusal(ecr.update_repository_creation_template, prefix="base/", description="x")
        assert wrong == "TemplateNotFoundException"
        again: Any = {"prefix": "base/", "appliedFor": ["REPLICATION"]}
        wrong = refusal(ecr.create_repository_creation_template, **again)
        assert wrong == "TemplateAlreadyExistsException"

    def test_a_missing_template_cannot_be_changed_or_deleted(self, ecr: ECRClient) -> None:
        """TemplateNotFoundException of the two operations."""
        for call in (
            ecr.update_repository_creation_template,
            ecr.delete_repository_creation_template,
        ):
            assert refusal(call, prefix="absent") == "TemplateNotFoundException"

    @pytest.mark.parametrize(
        "more",
        [
            {"resourceTags": [{"Key": "owner", "Value": "platform"}]},
            {"encryptionConfiguration": {"encryptionType": "KMS"}},
        ],
    )
    def test_tags_and_keys_need_a_role(self, ecr: ECRClient, more: Any) -> None:
        """User Guide, Repository creation templates: a custom role is required for resource tags
        and KMS."""
        asked: Any = {"prefix": "base", "appliedFor": ["CREATE_ON_PUSH"], **more}
        wrong = refusal(ecr.create_repository_creation_template, **asked)
        assert wrong == "InvalidParameterException"
        assert self.found(ecr) == {}
        role = "arn:aws:iam::123456789012:role/ecr-template-role"
        ecr.create_repository_creation_template(**asked, customRoleArn=role)
        assert self.found(ecr)["base"]["customRoleArn"] == role

    def test_templates_come_by_prefix_and_by_page(self, ecr: ECRClient) -> None:
        """DescribeRepositoryCreationTemplates: prefixes, maxResults, nextToken."""
        for prefix in ("base", "ROOT", "team"):
            ecr.create_repository_creation_template(prefix=prefix, appliedFor=["CREATE_ON_PUSH"])
        assert set(self.found(ecr, prefixes=["base", "absent"])) == {"base"}
        first = ecr.describe_repository_creation_templates(maxResults=2)
        assert len(first["repositoryCreationTemplates"]) == 2
        rest = self.found(ecr, maxResults=2, nextToken=first["nextToken"])
        seen = {each["prefix"] for each in first["repositoryCreationTemplates"]} | set(rest)
        assert seen == {"base", "ROOT", "team"}


class PullThroughCacheContract:
    """DescribePullThroughCacheRules."""

    def test_a_registry_begins_without_rules(self, ecr: ECRClient) -> None:
        """DescribePullThroughCacheRules."""
        assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []

    def test_a_missing_rule_is_named(self, ecr: ECRClient) -> None:
        """DescribePullThroughCacheRules, PullThroughCacheRuleNotFoundException."""
        asked = {"ecrRepositoryPrefixes": ["quay"]}
        wrong = refusal(ecr.describe_pull_through_cache_rules, **asked)
        assert wrong == "PullThroughCacheRuleNotFoundException"

    @pytest.mark.parametrize(
        "asked",
        [
            {"nextToken": "no token"},
            {"maxResults": 1001},
            {"ecrRepositoryPrefixes": ["quay"], "maxResults": 1},
        ],
    )
    def test_what_is_refused(self, ecr: ECRClient, asked: Any) -> None:
        """DescribePullThroughCacheRules: prefixes or paging (to 1,000), never both."""
        wrong = refusal(ecr.describe_pull_through_cache_rules, **asked)
        assert wrong == "InvalidParameterException"
