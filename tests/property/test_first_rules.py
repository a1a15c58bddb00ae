"""Whatever tags a registry has, the rules that `init` writes for them pass `check`, and make none
that is not there."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecr_steward.words.facts import FactKind
from ecr_steward_cli.commands.init import of_file
from ecr_steward_cli.rules_file.first import written
from ecr_steward_cli.rules_file.load import inspect_text
from tests.support.registries import planned, seen

TAGS = """
1.4.2 v1.4.2 1.4 1 latest 1.4.2-alpine 1.4-alpine3.20 alpine latest-alpine 1.4.2-slim-bookworm 22.04
bookworm bookworm-20241202 bookworm-20241202-slim 17.2 17 1.5.0rc1 1.5.0rc1-slim 8.10-rc2 1.5-rc
1.5-rc-alpine 19beta3 8.0-M01 1.4.2-9f3c2ab 9f3c2ab sha-1c0ffee main main-9f3c2ab main-118-9f3c2ab
build-1187 1187 windowsservercore-1809 1.4.2-windowsservercore-1809 20241126 20241126T0224Z tip
20241126-9f3c2ab main-20241126-1c0ffee tip-20260815 2024.11.1 api-1.4.2 api-latest pr-7 my_tag prod
buildcache-main 1.4.2-r3 21.0.5_11-jdk 21-jdk 8u502-b07 1.4.2-amd64 1.2.3.4 mainline mainline-alpine
8u472-b08 8u472-b08-jre 8-jre r2026a-u3 r2026a-u4 r2026a 20.04-20260101 20.04-20260202 1.1.1w
release-43.1 release-43.0 release-43 release-43.1-rc1 release-42.7-rc1 api-1.4.3-rc1 api-1.4 api-web
api-1.4.2-20261101 api-1.4.2-20261101-slim api-1.4.2-slim
5-alpine 7.x 1_000 2026-11 2026-11-01 1.2.3.4.5 23.04-20260103 23.04 22.04-20260103-slim
"""
ABSENT = ["1.4.2", "1.4", "latest", "1.3.0", "1.4.2-alpine", "1.3.0-alpine", "alpine"]
REPOSITORIES = st.lists(
    st.lists(st.sampled_from(TAGS.split()), min_size=1, max_size=12, unique=True),
    min_size=1,
    max_size=3,
)


@given(REPOSITORIES)
@settings(max_examples=60)
def test_the_rules_that_init_writes_pass_check_without_warnings(every: list[list[str]]) -> None:
    lines = [f"team/{n}:{tag}" for n, tags in enumerate(every) for tag in tags]
    found = of_file("tags.txt", lines, None)
    assert inspect_text(written(found, "tags.txt"), "rules.yaml").warnings == ()


@given(every=REPOSITORIES, with_digests=st.booleans())
@example(every=[ABSENT], with_digests=False)
@settings(max_examples=40)
def test_the_rules_that_init_writes_make_no_tag(every: list[list[str]], with_digests: bool) -> None:
    found = [
        replace(seen(f"team/{n}", "\n".join(tags)), with_digests=with_digests)
        for n, tags in enumerate(every)
    ]
    rules = inspect_text(written(found, "tags"), "rules.yaml").ruleset
    for each in found:
        moved = {change.tag for change in planned(rules, each) if change.kind is FactKind.MOVE}
        assert moved <= {*each.tags}
