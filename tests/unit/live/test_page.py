"""A plan as a page: what is in it, and that nothing gets in."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from ecr_steward_cli.live.look import RepositoryPlan
from ecr_steward_cli.live.page import page
from tests.unit.live.plans import of_two_hundred_tags, plan_of, repository

EVIL = "</script><img src=x onerror=alert(1)>"


def page_of(*repositories: RepositoryPlan) -> str:
    plan = plan_of(*repositories, unread=EVIL)
    plan.without_rule.append("team/app")
    return page([plan], "0123456789ab", "2026-11-28T00:00:00Z")


def test_the_page_says_in_one_sentence_what_would_happen() -> None:
    said = page_of(repository("base/redis"))
    assert "<h1>1 repository looked at, 1 more without a rule: 1 tag would move" in said
    assert "Before you switch on" in said
    assert "team/app" in said


def test_what_is_not_done_as_things_are_is_said_above() -> None:
    plan = replace(plan_of(repository("base/redis")), reserved=[f"Mode=audit {EVIL}"])
    above, _, _ = page([plan], "0" * 12, "2026-11-28T00:00:00Z").partition("<main>")
    assert "<li>Mode=audit &lt;/script&gt;" in above


def test_several_registries_have_a_verdict_each() -> None:
    first, second = plan_of(repository("base/redis")), plan_of()
    said = page([first, replace(second, region="us-east-1")], "0" * 12, "2026-11-28T00:00:00Z")
    assert "Accounts and Regions" in said
    assert "<td>123456789012 us-east-1</td><td>0 repositories looked at: nothing would" in said
    assert "123456789012/eu-west-1/base/redis" in said


def test_nothing_from_outside_is_markup() -> None:
    said = page_of(repository(EVIL, reason=EVIL))
    assert "<img" not in said
    assert said.count("</script>") == 2
    data = re.search(r'id="data">(.*?)</script>', said, re.S)
    assert data is not None
    assert "<" not in data[1]
    assert EVIL in json.loads(data[1])["texts"]


def test_the_page_may_fetch_nothing() -> None:
    said = page_of(repository("base/redis"))
    assert "default-src 'none'" in said
    assert "unsafe" not in said
    assert re.findall(r"(?:https?:)?//\w+\.\w+|@import|url\(", said) == []


def test_five_hundred_repositories_of_two_hundred_tags_fit_into_three_megabytes() -> None:
    every = [of_two_hundred_tags(f"base/app-{number}") for number in range(500)]
    assert len(page_of(*every)) < 3_000_000
