"""What the local ECR answers beside the API of ECR, for which see `test_models_of_ecr`."""

from __future__ import annotations

import json

from tests.unit.local.conftest import Ecr


def test_an_operation_that_is_not_served_is_refused_by_name(ecr: Ecr) -> None:
    assert ecr.call("PutSigningConfiguration")["error"] == "UnsupportedOperationException"


def test_calls_are_counted_by_caller_and_operation_until_they_are_reset(ecr: Ecr) -> None:
    ecr.http.post("/_local/calls/reset")
    ecr.call("ListImages", "Boto3/1.0 exec-env/AWS_Lambda_python3.13", repositoryName="base/redis")
    ecr.call("ListImages", "Boto3/1.0 local-cloud", repositoryName="base/redis")
    ecr.docker("GET", "base/redis/manifests/absent")

    assert json.loads(ecr.http.get("/_local/calls").get_data()) == {
        "functions": {"ListImages": 1},
        "local": {"ListImages": 1},
        "registry": {"BatchGetImage": 1},
    }
    ecr.http.post("/_local/calls/reset")
    assert json.loads(ecr.http.get("/_local/calls").get_data()) == {}
