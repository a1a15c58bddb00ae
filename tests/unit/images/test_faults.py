"""What is wrong with `images:` of a rule, and what it stands for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.images.rule import ImagesRule, faults
from ecr_steward.tags.scheme import Scheme

TAGS = {"unique": ["semver"], "stable": [{"tag": "main"}], "ignore": ["pr-*"]}
KEYS = "`keep`, `not_kept_by`, `others`, `notice`, `at_most`"
EMPTY = (
    "`others: expire` with an empty `keep` would let everything go that no stable tag is on; say "
    "what is to stay, such as keep: [{pushed_within: 30d}]."
)
NOTICE = '`notice` must be a number of days or hours such as "30d" or "12h"; it is'
AT_MOST = '`at_most` must be a share such as "25%" or a whole number of images; it is'
NO_ENTRY = "is no entry of the rule's `ignore`, and no `tag` of its `stable`; there are"


@pytest.mark.parametrize(
    ("images", "wrong"),
    [
        ("all", [((), "`images` must be a mapping of keys; it is `all`.")]),
        ({}, []),
        ({"kept": []}, [(("kept",), f"`kept` is not a key here; there are {KEYS}.")]),
        ({"keep": [{"newest": 3}], "others": "expire"}, []),
        ({"others": "go"},
         [(("others",), "`others` must be one of keep, report, expire; it is `go`.")]),
        ({"keep": "all"}, [(("keep",), "`keep` must be a list; it is `all`.")]),
        ({"others": "expire"}, [(("others",), EMPTY)]),
        ({"others": "expire", "keep": []}, [(("others",), EMPTY)]),
        ({"others": "report", "keep": []}, []),
        ({"keep": [{"newest": 3}, {"newest": 0}]},
         [(("keep", 1, "newest"), "`newest` must be a whole number from 1 to 10,000; it is `0`.")]),
        ({"notice": "1d"}, []),
        ({"notice": 7}, [(("notice",), f"{NOTICE} `7`.")]),
        ({"notice": "d"}, [(("notice",), f"{NOTICE} `d`.")]),
        ({"at_most": 1}, []),
        ({"at_most": "0%"}, []),
        ({"at_most": "100%"}, []),
        ({"at_most": 0}, [(("at_most",), f"{AT_MOST} `0`.")]),
        ({"at_most": -1}, [(("at_most",), f"{AT_MOST} `-1`.")]),
        ({"at_most": True}, [(("at_most",), f"{AT_MOST} `True`.")]),
        ({"at_most": "101%"}, [(("at_most",), f"{AT_MOST} `101%`.")]),
        ({"at_most": "5"}, [(("at_most",), f"{AT_MOST} `5`.")]),
        ({"not_kept_by": ["pr-*", "main"]}, []),
        ({"not_kept_by": "pr-*"},
         [(("not_kept_by",), "`not_kept_by` must be a list; it is `pr-*`.")]),
        ({"not_kept_by": ["pr-*", "other"]},
         [(("not_kept_by", 1), f"`other` {NO_ENTRY} `pr-*`, `main`.")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_images_is_said(
    images: Any, wrong: list[tuple[tuple[str | int, ...], str]]
) -> None:
    assert list(faults(images, TAGS)) == wrong


@pytest.mark.parametrize(
    ("tags", "known"),
    [
        ({}, "none"),
        ({"ignore": "pr-*", "stable": "main"}, "none"),
        ({"ignore": ["pr-*", 5], "stable": ["main", {"tag": 1.4}]}, "`pr-*`, `1.4`"),
    ],
)
def test_what_keeps_nothing_is_an_entry_of_the_rules_tags(tags: dict[str, Any], known: str) -> None:
    found = list(faults({"not_kept_by": ["main"]}, tags))
    assert found == [(("not_kept_by", 0), f"`main` {NO_ENTRY} {known}.")]


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({}, ImagesRule((), (), "keep", timedelta(days=7), 0.25)),
        ({}, ImagesRule()),
        ({"others": "report", "notice": "12h", "at_most": 50, "not_kept_by": ["pr-*"]},
         ImagesRule((), ("pr-*",), "report", timedelta(hours=12), 50)),
        ({"at_most": "99%"}, ImagesRule(at_most=0.99)),
        ({"at_most": "100%"}, ImagesRule(at_most=float("inf"))),
        ({"at_most": 1}, ImagesRule(at_most=1)),
    ],
)  # fmt: skip
def test_a_rule_is_read_with_what_it_does_not_say(
    document: dict[str, Any], rule: ImagesRule
) -> None:
    assert ImagesRule.from_document(document) == rule


@pytest.mark.parametrize(
    ("not_kept_by", "tag", "discounted"),
    [
        ([], "pr-1", False),
        ([], "main", False),
        (["pr-*"], "pr-1", True),
        (["pr-*"], "pr-demo-1", False),
        (["pr-*", "pr-demo-*"], "pr-demo-1", True),
        (["pr-*"], "main", False),
        (["main"], "main", True),
        (["main"], "other", False),
        (["pr-*"], f"sha256-{'a' * 64}.sig", False),
    ],
)
def test_a_tag_keeps_unless_all_that_take_it_keep_nothing(
    not_kept_by: list[str], tag: str, discounted: bool
) -> None:
    scheme = Scheme.from_document(TAGS | {"ignore": ["pr-*", "pr-demo-*"]})
    rule = ImagesRule.from_document({"not_kept_by": not_kept_by})
    assert rule.discounts(tag, scheme) is discounted
