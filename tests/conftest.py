"""What holds for every test: no AWS, no machine's own settings, Hypothesis's profiles, and one
worker for all tests that share a local cloud."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

settings.register_profile("dev", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=160, derandomize=True, print_blob=True)
settings.register_profile(
    "release",
    deadline=None,
    max_examples=20_000,
    suppress_health_check=[HealthCheck.too_slow],
)
# A story that fails is enough for a mutant: no simpler one is looked for.
settings.register_profile(
    "mutants",
    deadline=None,
    max_examples=25,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


_E2E = "tests/e2e/"
_OTHER_STACKS = tuple(f"{_E2E}test_{name}.py" for name in ("channels", "first_sight", "rights"))


class OneWorkerForOneCloud(LoadGroupScheduling):  # type: ignore[misc]  # xdist has no types
    """The xdist_group mark of tests/e2e, by their files: the tests of the stack they have in common
    are one group, those of stacks of their own another, which can have a cloud beside it.

    pytest-xdist 3.8 writes the mark into a field of the item that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(_OTHER_STACKS):
            return "e2e: other stacks"
        group: str = super()._split_scope(nodeid)
        return "e2e" if nodeid.startswith(_E2E) else group


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling | None:
    grouped = config.getvalue("dist") == "loadgroup"
    return OneWorkerForOneCloud(config, log) if grouped else None


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can reach an account: credentials are fake, profiles and endpoints are gone."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        if name != "AWS_CA_BUNDLE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
