"""Finding a stack, and what each refusal of AWS means to the person at the terminal."""

from __future__ import annotations

import click
import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from ecr_steward_cli.commands.status import status
from ecr_steward_cli.deployed.stack import Stack, Subject, aws, sentence
from ecr_steward_cli.terminal.errors import Refusal
from tests.unit.cli.stack_fakes import Deployed, refusal


def test_a_stack_knows_its_outputs_and_parameters() -> None:
    stack = Deployed().stack()
    assert stack.output("HistoryTableName") == "history"
    assert stack.parameter("SweepHours") == "24"
    assert stack.region == "eu-west-1"


def test_a_missing_stack_is_named_with_its_region_and_the_way_out() -> None:
    with pytest.raises(Refusal, match="There is no stack `other` in eu-west-1: name yours with"):
        Stack.find("other", Deployed().outside)


def test_a_stack_of_something_else_is_refused_by_what_it_lacks() -> None:
    deployed = Deployed()
    del deployed.cloudformation.outputs["RetagEventSource"]
    del deployed.cloudformation.parameters["SweepHours"]
    stack = deployed.stack()
    with pytest.raises(Refusal, match=r"`ecr-steward` \(UPDATE_COMPLETE\) has no output `Retag"):
        stack.output("RetagEventSource")
    with pytest.raises(Refusal, match="has no parameter `SweepHours`: it is not ECR Steward, or"):
        stack.parameter("SweepHours")


def test_a_stack_that_never_came_to_be_has_no_outputs_and_says_its_state() -> None:
    deployed = Deployed()
    deployed.cloudformation.outputs.clear()
    deployed.cloudformation.stack["StackStatus"] = "ROLLBACK_COMPLETE"
    result = deployed.run(status)
    assert result.exit_code == 2
    assert "`ecr-steward` (ROLLBACK_COMPLETE) has no output `Mode`" in result.stderr


def test_the_stacks_name_comes_from_the_option_then_the_environment() -> None:
    deployed = Deployed(name="team-a")
    assert deployed.run(status, "--stack", "team-a").exit_code == 0
    assert deployed.run(status, ECR_STEWARD_STACK="team-a").exit_code == 0
    assert deployed.run(status, "--stack", "b", ECR_STEWARD_STACK="team-a").exit_code == 2
    assert "no stack `ecr-steward`" in deployed.run(status).stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "Your AWS credentials have expired: log in again"),
        ("ExpiredTokenException", "Your AWS credentials have expired: log in again"),
        ("InvalidClientTokenId", "AWS does not know your credentials (what AWS says): check"),
        ("SignatureDoesNotMatch", "and this machine's clock."),
        (
            "AccessDenied",
            "You are not allowed to call DescribeStacks: what AWS says. Ask for this permission.",
        ),
        ("Throttling", "AWS throttles DescribeStacks: try again in a minute."),
        ("InternalFailure", "AWS refused DescribeStacks: InternalFailure: what AWS says."),
    ],
)
def test_a_refusal_of_aws_is_one_sentence_and_exit_code_2(code: str, said: str) -> None:
    deployed = Deployed()
    deployed.refusals["describe_stacks"] = refusal(code, "DescribeStacks", "what AWS says.")
    result = deployed.run(status)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (boto.NoCredentialsError(), "Unable to locate credentials: log in (`aws sso login`"),
        (
            boto.PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"),
            "missing: aws_secret_access_key: log in",
        ),
        (boto.NoRegionError(), "You must specify a region: name the Region in AWS_REGION"),
        (
            boto.ProfileNotFound(profile="x"),
            "(x) could not be found: `aws configure list-profiles` shows",
        ),
        (boto.UnauthorizedSSOTokenError(), "cannot be used any more: The SSO session associated"),
        (
            boto.TokenRetrievalError(provider="sso", error_msg="Token has expired"),
            "Token has expired. To fix it, log in again",
        ),
        (
            boto.CredentialRetrievalError(provider="process", error_msg="it failed"),
            "it failed. To fix it, log in again",
        ),
        (
            boto.EndpointConnectionError(endpoint_url="http://127.0.0.1:9"),
            'AWS cannot be reached: Could not connect to the endpoint URL: "http://127.0.0.1:9"',
        ),
        (
            boto.ReadTimeoutError(endpoint_url="http://127.0.0.1:9"),
            "Check the network, the Region and AWS_ENDPOINT_URL.",
        ),
        (boto.PaginationError(message="odd"), "The call to AWS failed: Error during pagination"),
    ],
)
def test_what_keeps_a_call_from_aws_is_said_with_the_way_out(
    error: boto.BotoCoreError, said: str
) -> None:
    assert said in sentence(error)


def test_only_errors_of_aws_are_taken_for_refusals() -> None:
    with pytest.raises(Refusal, match="You are not allowed to call Query"), aws():
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Query")
    with pytest.raises(ZeroDivisionError), aws():
        raise ZeroDivisionError


def test_a_subject_is_a_repository_with_or_without_a_tag() -> None:
    whole = Subject(whole=True)
    assert whole.convert("base/redis", None, None) == ("base/redis", None)
    assert whole.convert("base/redis:1.4-alpine", None, None) == ("base/redis", "1.4-alpine")


@pytest.mark.parametrize(
    "value", ["", "Redis:1", "redis:", ":1", "redis:1:2", "redis:-1", "localhost:5000/redis:1"]
)
def test_what_is_no_subject_is_refused(value: str) -> None:
    with pytest.raises(click.BadParameter, match="` cannot be a"):
        Subject(whole=True).convert(value, None, None)


def test_a_subject_that_needs_a_tag_is_refused_without_one() -> None:
    with pytest.raises(
        click.BadParameter, match="`redis` is not REPOSITORY:TAG, such as base/redis"
    ):
        Subject().convert("redis", None, None)


def test_an_images_whole_address_is_refused_with_the_way_out() -> None:
    address = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/redis:1.4"
    with pytest.raises(click.BadParameter, match="leave out everything before the repository"):
        Subject().convert(address, None, None)
