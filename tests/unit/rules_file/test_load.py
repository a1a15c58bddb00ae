from __future__ import annotations

import io
import json
import textwrap
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecr_steward.messages.channels import table
from ecr_steward.rules.model import fingerprint
from ecr_steward.words import events
from ecr_steward.words.modes import Mode
from ecr_steward_cli.rules_file import load as rules
from ecr_steward_cli.rules_file.document import Fault, RulesFault

GOOD = textwrap.dedent("""\
    # Base images by version.
    version: 1
    rules:
      - repositories: ["base/*", redis]
        mode: enforce
        tags:
          unique: [semver]
          stable:
            - {tag: "{major}.{minor}", follows: highest}
            - {tag: main}
          pin: null
          ignore: ["pr-*"]
      - repositories: ["*"]
    channels: {}
    """)


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(RulesFault) as caught:
        rules.loads(text, "rules.yaml")
    return [(each.line, each.sentence) for each in caught.value.faults]


def rule(*lines: str) -> str:
    """A file whose only rule, on line 3, has `lines`; the first of them is on line 4."""
    head = ["version: 1", "rules:", "  - repositories: [redis]"]
    return "\n".join([*head, *(f"    {line}" for line in lines)])


def tags(*lines: str) -> str:
    """A file whose only scheme has `lines`; the first of them is on line 6."""
    return rule("tags:", "  unique: [semver]", *(f"  {line}" for line in lines))


def test_a_good_file_becomes_rules_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD)
    ruleset = rules.load(path)
    assert [each.repositories for each in ruleset.rules] == [("base/*", "redis"), ("*",)]
    assert [each.mode for each in ruleset.rules] == [Mode.ENFORCE, Mode.AUDIT]
    assert ruleset == rules.loads(GOOD, "other")


def test_all_that_is_known_of_a_file_comes_with_its_rules() -> None:
    loaded = rules.inspect_text(GOOD, "rules.yaml")
    assert loaded.rule_places == ("line 4", "line 13")
    assert loaded.warnings == ()
    assert loaded.document["rules"][1] == {"repositories": ["*"]}
    assert json.loads(json.dumps(loaded.document)) == loaded.document
    assert loaded.ruleset.fingerprint == fingerprint(loaded.document)


def test_comments_order_of_keys_and_a_byte_order_mark_do_not_change_the_rules(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("# Base images by version.\n", "").encode())
    assert rules.load(path).fingerprint == rules.loads(GOOD, "x").fingerprint


def test_an_alias_stands_for_what_it_names() -> None:
    text = rule("tags: &t {unique: [sha]}") + "\n  - repositories: [other]\n    tags: *t\n"
    ruleset = rules.loads(text, "x")
    assert ruleset.rules[0].tags == ruleset.rules[1].tags


SETTINGS = (
    "`policy`, `lifecycle`, `immutability`, `scan_on_push`, `encryption`, `resource_tags`, "
    "`required_tags`"
)
RULE_KEYS = "here are `repositories`, `mode`, `tags`, `repository`, `images`, `notify`."
TAGS_KEYS = (
    "here are `unique`, `variants`, `revisions`, `variant_latest`, `stable`, `pin`, `ignore`, "
    "`unknown`, `overwritten`."
)
STABLE_KEYS = "here are `tag`, `follows`, `within`, `not_within`, `prereleases`, `of`."
KINDS = 'here are semver, sha, build, timestamp, {version: {parts: N}}, {pattern: "…"}.'

CHANNEL_NAME = (
    "A channel's name has 1 to 64 letters, digits, `.`, `_` and `-`, and begins with a letter or "
    "a digit."
)
TYPES = ", ".join(table.TYPES)
KEYS = ", ".join(f"`{key}`" for key in ("type", *table.keys()))
SUCH_AS = "such as `ssm:/ecr-steward/NAME`."
REFERENCE = (
    "is a reference, never the address or secret itself: keep that in a parameter and write "
    "`ssm:/ecr-steward/NAME`, or in a secret and write `secretsmanager:NAME`."
)
WORDS = ", ".join(events.WORDS)


def channel(*lines: str) -> str:
    return (
        "version: 1\nchannels:\n  ops:\n"
        + "\n".join(f"    {line}" for line in lines)
        + ("\nrules: []")
    )


NO_REPOSITORY = (
    "can match no repositories; use lowercase letters, digits, `.`, `_`, `-`, `/` and `*`."
)

ONE_FAULT = [
    # the top of the file
    ('version: "1"\nrules: []', 1, "`version` must be the number 1, without quotes."),
    ("rules: []\nversion: 2", 2, "`version` must be 1; it is `2`."),
    ("version: 1.0\nrules: []", 1, "`version` must be 1; it is `1.0`."),
    ("version: true\nrules: []", 1, "`version` must be 1; it is `true`."),
    ("rules: []", 1, "`version` is missing."),
    ("version: 1", 1, "`rules` is missing."),
    ("version: 1\nrules:", 2, "`rules` must be a list; it is empty."),
    ("version: 1\nrules: {}", 2, "`rules` must be a list; it is a mapping."),
    ("version: 1\nrules: [redis]", 2,
     "An entry of `rules` must be a mapping of keys; it is `redis`."),
    ("version: 1\nrules:\n  - repositories: ['-base']", 3, f"`-base` {NO_REPOSITORY}"),
    ("\nversion: 1\nrules: [\"a\x01\"]", 3,
     "A control character stands here; remove it or save the file as plain text."),
    (rule("repository:", "  policy:", "    accounts: [012345678901]"), 6,
     'An entry of `accounts` must be a string; put it in quotes: "012345678901".'),
    # channels
    (channel("url: ssm:x"), 3, "`type` is missing."),
    (channel("type: mail"), 4, f"`type` must be one of {TYPES}; it is `mail`."),
    (channel("type: slack", "to: x"), 5,
     f"`to` is not a key here; there are {KEYS}."),
    (channel("type: slack"), 3, f"The channel `ops` needs `url`, {SUCH_AS}"),
    (channel("type: teams"), 3, f"The channel `ops` needs `url`, {SUCH_AS}"),
    (channel("type: webhook"), 3, f"The channel `ops` needs `url`, {SUCH_AS}"),
    (channel("type: slack", "url: https://hooks.slack.com/services/T0/B0/XyZ"), 5,
     f"`url` {REFERENCE}"),
    (channel("type: slack", "url: hunter2"), 5, f"`url` {REFERENCE}"),
    (channel("type: webhook", "url: ssm:/a", "secret: whsec_abc"), 6, f"`secret` {REFERENCE}"),
    (channel("type: slack", "url: 'ssm:'"), 5, "`url` has no valid name after `ssm:`."),
    (channel("type: slack", "url: 'ssm:a b'"), 5, "`url` has no valid name after `ssm:`."),
    (channel("type: slack", "url: 'ssm:/a#key'"), 5, "`url` has no valid name after `ssm:`."),
    (channel("type: slack", "url: 'secretsmanager:a#'"), 5,
     "`url` has no valid name after `secretsmanager:`."),
    (channel("type: slack", "url: ssm:/a", "secret: ssm:/b"), 6,
     "`secret` is not a key of a channel of type slack; remove it."),
    (channel("type: sns", "url: ssm:/a"), 5,
     "`url` is not a key of a channel of type sns; remove it."),
    (channel("type: sns", "topic: images"), 5,
     "`topic` must be the ARN of an SNS topic; leave it out for the stack's own."),
    (channel("type: sns", "form: html"), 5, "`form` must be one of text, chat; it is `html`."),
    ("version: 1\nrules: []\nchannels:\n  the team: {type: sns}", 4,
     CHANNEL_NAME),
    # routes
    (rule("notify:", "  - {on: [tag.moved], to: [ops]}"), 5,
     "`ops` is not a channel of this file; there are `email`."),
    ("version: 1\nnotify:\n- on: [loud]\n  to:\n  - email\n  - ops\nrules: []", 6,
     "`ops` is not a channel of this file; there are `email`."),
    (rule("notify:", "  - {on: [tag.move], to: [email]}"), 5,
     f"An entry of `on` must be one of {WORDS}; it is `tag.move`. Did you mean `tag.moved`?"),
    (rule("notify:", "  - {on: [], to: [email]}"), 5,
     '`on` is empty; name at least one event, or `"*"`.'),
    (rule("notify:", "  - {on: [loud]}"), 5, "`to` is missing."),
    (rule("notify:", "  - {on: loud, to: []}"), 5,
     '`on` must be a list; it is `loud`; write ["loud"].'),
    (rule("notify:", "  - {on: [loud], to: [email], every: 2h}"), 5,
     "`every` must be one of 15m, 1h, 24h; it is `2h`."),
    ("- a", 1, "The file must be a mapping with the keys `version` and `rules`; it is a list."),
    ("hello", 1, "The file must be a mapping with the keys `version` and `rules`; it is `hello`."),
    ("", 1, "The file is empty; it needs `version: 1` and `rules:`."),
    ("# only a comment\n", 1, "The file is empty; it needs `version: 1` and `rules:`."),
    # a rule
    ("version: 1\nrules:\n  - mode: audit", 3, "`repositories` is missing."),
    ("version: 1\nrules:\n  - repositores: [a]", 3,
     f"`repositores` is not a key here; did you mean `repositories`? T{RULE_KEYS}"),
    ("version: 1\nrules:\n  - repositories: []", 3,
     "`repositories` is empty; name at least one repository or glob."),
    ("version: 1\nrules:\n  - repositories: redis", 3,
     '`repositories` must be a list; it is `redis`; write ["redis"].'),
    ("version: 1\nrules:\n  - repositories:\n    - a\n    - b\n    - a", 6,
     "`a` is listed twice under `repositories`; remove one."),
    ("version: 1\nrules:\n  - repositories:\n    - a\n    - Redis", 5,
     f"`Redis` {NO_REPOSITORY}"),
    ('version: 1\nrules:\n  - repositories: ["redis\\n"]', 3,
     f"`redis\\n` {NO_REPOSITORY}"),
    (f"version: 1\nrules:\n  - repositories: [{'a' * 257}]", 3,
     f"`{'a' * 60}…` is longer than names of repositories can be."),
    (rule("mode: enfroce"), 4, "`mode` must be one of audit, enforce; it is `enfroce`."),
    (rule("mode: off"), 4, "`mode` must be one of audit, enforce; it is `off`."),
    (rule("mode:"), 4, "`mode` must be one of audit, enforce; it is empty."),
    (rule("mode: [audit]"), 4, "`mode` must be one of audit, enforce; it is a list."),
    (rule("mode: audit", "mode: audit"), 5, "`mode` is here twice; it is on line 4 too."),
    (rule("repository: {polcy: {}}"), 4,
     f"`polcy` is not a key here; did you mean `policy`? There are {SETTINGS}."),
    (rule("<<: audit"), 4, "`<<` takes a mapping, or a list of mappings."),
    (rule("? [mode]", ": audit"), 4, "A key must be a word, not a list or a mapping."),
    (rule("7: x"), 4,
     f"`7` is not a key here; t{RULE_KEYS}"),
    # its scheme
    (rule("tags:"), 4, "`tags` must be a mapping of keys; it is empty."),
    (rule("tags: {}"), 4, "`unique` is missing."),
    (rule("tags:", "  unique: []"), 5, "`unique` is empty; name at least one kind of unique tag."),
    (rule("tags:", "  unique: semver"), 5,
     '`unique` must be a list; it is `semver`; write ["semver"].'),
    (rule("tags:", "  unique:", "  - sha", "  - semvr"), 7,
     f"`semvr` is not a kind of unique tag; did you mean `semver`? T{KINDS}"),
    (rule("tags:", "  unique: [calver]"), 5,
     ("`calver` is not a kind of unique tag; did you mean `{version: {parts: N}}`? "
     f"T{KINDS}")),
    (rule("tags:", "  unique: [Commit]"), 5,
     f"`Commit` is not a kind of unique tag; did you mean `sha`? T{KINDS}"),
    (rule("tags:", "  unique: [xyz]"), 5, f"`xyz` is not a kind of unique tag; t{KINDS}"),
    (rule("tags:", "  unique: [7]"), 5, f"`7` is not a kind of unique tag; t{KINDS}"),
    (rule("tags:", "  unique: [true]"), 5, f"`true` is not a kind of unique tag; t{KINDS}"),
    (rule("tags:", "  unique: [[sha]]"), 5, f"`[sha]` is not a kind of unique tag; t{KINDS}"),
    (rule("tags:", "  unique:", "  -"), 6, f"An entry of `unique` is empty; t{KINDS}"),
    (rule("tags:", "  unique: [{a: [1], b: ~}]"), 5,
     f"`{{a: [1], b: null}}` is not a kind of unique tag; t{KINDS}"),
    (rule("tags:", "  unique:", "  - sha: 7"), 6,
     "`sha` has no settings; write it as a word of its own, without `:`."),
    (rule("tags:", "  unique:", "  - parts: 2"), 6,
     ("`parts` is not a kind of unique tag; did you mean `{version: {parts: N}}`? "
     f"T{KINDS}")),
    (rule("tags:", "  unique:", "  - version: 2"), 6,
     "`version` must be a mapping of keys; it is `2`; write {version: {parts: 2}}."),
    (rule("tags:", "  unique:", "  - version:"), 6,
     "`version` must be a mapping of keys; it is empty; write {version: {parts: N}}."),
    (rule("tags:", "  unique:", "  - version: {}"), 6, "`parts` is missing."),
    (rule("tags:", "  unique:", "  - version: {part: 2}"), 6,
     "`part` is not a key here; did you mean `parts`? There is only `parts`."),
    (rule("tags:", "  unique:", "  - version:", "      parts: 0"), 7,
     "`parts` must be a whole number from 1 to 8 or a list of such numbers; it is `0`."),
    (rule("tags:", "  unique: [{version: {parts: 9}}]"), 5,
     "`parts` must be a whole number from 1 to 8 or a list of such numbers; it is `9`."),
    (rule("tags:", "  unique: [{version: {parts: 2.0}}]"), 5,
     "`parts` must be a whole number from 1 to 8 or a list of such numbers; it is `2.0`."),
    (rule("tags:", "  unique: [{version: {parts: true}}]"), 5,
     "`parts` must be a whole number from 1 to 8 or a list of such numbers; it is `true`."),
    (rule("tags:", '  unique: [{version: {parts: "2"}}]'), 5,
     "`parts` must be a whole number, without quotes."),
    (rule("tags:", "  unique: [{version: {parts: []}}]"), 5,
     "`parts` is empty; name at least one number from 1 to 8."),
    (rule("tags:", "  unique:", "  - version:", "      parts:", "      - 2", "      - 9"), 9,
     "An entry of `parts` must be a whole number from 1 to 8; it is `9`."),
    (rule("tags:", "  unique: [{version: {parts: [2, 2]}}]"), 5,
     "`2` is listed twice under `parts`; remove one."),
    (rule("tags:", "  unique: [{version: {parts: 2}}, {version: {parts: 2}}]"), 5,
     "`{version: {parts: 2}}` is listed twice under `unique`; remove one."),
    (rule("tags:", "  unique: [{version: {parts: 2}, pattern: x}]"), 5,
     "`pattern` is not a key here; there is only `version`."),
    (rule("tags:", "  unique:", "  - pattern: '('"), 6,
     "`(` is no regular expression: missing ), unterminated subpattern at position 0."),
    (rule("tags:", "  unique:", "  - pattern: '(?P<minor>a)'"), 6,
     ("The group `minor` is none of a pattern: write one group `version` around all the numbers, "
     "and {minor} in stable tags is one of them.")),
    (rule("tags:", "  unique:", "  - pattern: '(?<version>[0-9]+)'"), 6,
     ("`(?<version>[0-9]+)` is no regular expression: unknown extension ?<v at position 1. In "
     "Python a named group is written `(?P<name>…)`.")),
    (tags("stable:", '- {tag: a, of: [{pattern: "("}]}'), 7,
     "`(` is no regular expression: missing ), unterminated subpattern at position 0."),
    (tags("stable:", '- {tag: a, of: ["a b"]}'), 7,
     "`a b` can match no tags; use letters, digits, `.`, `_`, `-` and `*`."),
    (tags("stable:", "- {tag: a, of: [{patern: a}]}"), 7,
     "`patern` is not a key here; did you mean `pattern`? There is only `pattern`."),
    (tags("stable:", "- {tag: a, prereleases: [rc1]}"), 7,
     "`rc1` is no word of a pre-release; use letters only, such as rc."),
    (tags('revisions: ["-r*"]'), 6,
     'The `-` before a revision is no part of it: write "r*" for `-r*`.'),
    (rule("tags:", "  unique:", "  - pattern: '.*'"), 6,
     "`.*` matches the empty tag, so it would match too much."),
    (rule("tags:", "  unique:", "  - pattern: 'a{99999999999999999999}'"), 6,
     "`a{99999999999999999999}` is no regular expression: the repetition number is too large."),
    (rule("tags:", "  unique:", "  - pattern: 1.5"), 6,
     '`pattern` must be a string; put it in quotes: "1.5".'),
    (rule("tags:", "  unique: [sha, sha]"), 5, "`sha` is listed twice under `unique`; remove one."),
    (tags("stabel: []"), 6, f"`stabel` is not a key here; did you mean `stable`? T{TAGS_KEYS}"),
    (tags("colour: blue"), 6, f"`colour` is not a key here; t{TAGS_KEYS}"),
    (tags("unknown: ignore"), 6, "`unknown` must be one of allow, report, remove; it is `ignore`."),
    (tags("overwritten: 7"), 6,
     "`overwritten` must be one of allow, report, restore, keep; it is `7`."),
    (tags("unknown: restore"), 6,
     "`unknown` must be one of allow, report, remove; it is `restore`."),
    (tags("overwritten: remove"), 6,
     "`overwritten` must be one of allow, report, restore, keep; it is `remove`."),
    (tags("variants: alpine"), 6, '`variants` must be a list; it is `alpine`; write ["alpine"].'),
    (tags("variants: [3.18]"), 6,
     'An entry of `variants` must be a string; put it in quotes: "3.18".'),
    (tags('variants: ["a b"]'), 6,
     "`a b` can match no variants; use letters, digits, `.`, `_`, `-` and `*`."),
    (tags("variants:", "  - slim", "  - -alpine"), 8,
     'The `-` before a variant is no part of it: write "alpine" for `-alpine`.'),
    (tags("variants: [slim, slim]"), 6, "`slim` is listed twice under `variants`; remove one."),
    (tags(f"variants: [{'a' * 129}]"), 6,
     f"`{'a' * 60}…` is longer than names of variants can be."),
    (tags("variant_latest: 7"), 6, '`variant_latest` must be a string; put it in quotes: "7".'),
    (tags('variant_latest: "{tag}"'), 6,
     "`{tag}` must have {variant} once, and may have {tag}."),
    (tags('variant_latest: "{variant}!"'), 6, "`{variant}!` renders to no valid tag."),
    (tags('pin: "{tag}"'), 6, "`{tag}` must have {digest} once: no two pins may be the same."),
    (tags('pin: "{digest}-{day}"'), 6,
     ("`{digest}-{day}` has an unknown placeholder; there are {tag}, {digest} and "
     "{pushed:%Y%m%dT%H%M%SZ}.")),
    (tags('pin: "{digest}-{pushed:%B}"'), 6,
     "`%B` is not known in `{pushed:%B}`; there are %Y, %m, %d, %H, %M, %S, %j, %y."),
    (tags("pin: {digest}"), 6, '`pin` must be a string; put it in quotes: "{digest}".'),
    (tags("pin: 7"), 6, '`pin` must be a string; put it in quotes: "7".'),
    (tags("pin: [a]"), 6, "`pin` must be a string or null; it is a list."),
    (tags("ignore: pr-*"), 6, '`ignore` must be a list; it is `pr-*`; write ["pr-*"].'),
    (tags("ignore: [a, 99.1]"), 6,
     'An entry of `ignore` must be a string; put it in quotes: "99.1".'),
    (tags("ignore:", "  - 2026-11-23"), 7,
     'An entry of `ignore` must be a string; put it in quotes: "2026-11-23".'),
    (tags("ignore: [a/b]"), 6,
     "`a/b` can match no tags; use letters, digits, `.`, `_`, `-` and `*`."),
    (tags("ignore: [~]"), 6, "An entry of `ignore` must be a string; it is empty."),
    (tags("ignore: [[a]]"), 6, "An entry of `ignore` must be a string; it is a list."),
    # its stable tags
    (tags("stable: [latest]"), 6,
     'An entry of `stable` must be a mapping of keys; it is `latest`; write {tag: "latest"}.'),
    (tags("stable:", "- follows: highest"), 7, "`tag` is missing."),
    (tags("stable:", "- tag: 1.10"), 7, '`tag` must be a string; put it in quotes: "1.10".'),
    (tags("stable:", "- tag: 8"), 7, '`tag` must be a string; put it in quotes: "8".'),
    (tags("stable:", "- tag: true"), 7, '`tag` must be a string; put it in quotes: "true".'),
    (tags("stable:", "- tag: !v 8"), 7, '`tag` must be a string; put it in quotes: "8".'),
    (tags("stable:", "- tag:"), 7, "`tag` must be a string; it is empty."),
    (tags("stable:", "- tag: {major}"), 7, '`tag` must be a string; put it in quotes: "{major}".'),
    (tags("stable:", "- tag: [latest]"), 7, "`tag` must be a string; it is a list."),
    (tags("stable:", "- tag: a", '- tag: "{majr}"'), 8,
     ("`{majr}` is not a placeholder; there are {major}, {minor}, {patch}, and the named groups of "
     "patterns under `unique`.")),
    (tags("stable:", '- tag: "a b"'), 7,
     "`a b` renders to no valid tag: it has letters, digits, `_.-` only."),
    (tags("stable:", "- tag: a", "  folows: highest"), 8,
     f"`folows` is not a key here; did you mean `follows`? T{STABLE_KEYS}"),
    (tags("stable:", "- {tag: a, follows: lowest}"), 7,
     "`follows` must be one of highest, newest; it is `lowest`."),
    (tags("stable:", "- tag: a", "  within: 8"), 8,
     '`within` must be a string; put it in quotes: "8".'),
    (tags("stable:", "- tag: a", "  within: 8.10"), 8,
     '`within` must be a string; put it in quotes: "8.10".'),
    (tags("stable:", "- tag: a", "  not_within: 8.1"), 8,
     '`not_within` must be a string; put it in quotes: "8.1".'),
    (tags("stable:", "- tag: a", "  within:"), 8,
     "`within` must be a string or a list; it is empty."),
    (tags("stable:", "- tag: a", "  within: {a: 1}"), 8,
     "`within` must be a string or a list; it is a mapping."),
    (tags("stable:", "- tag: a", "  within:", '  - "8"', "  - 9"), 10,
     'An entry of `within` must be a string; put it in quotes: "9".'),
    (tags("stable:", "- tag: a", "  within: [~]"), 8,
     "An entry of `within` must be a string; it is empty."),
    (tags("stable:", "- tag: a", "  within: v8.1.x"), 8,
     '`v8.1.x` is no beginning of a version; write "8.1".'),
    (tags("stable:", "- tag: a", '  not_within: ["8.*"]'), 8,
     '`8.*` is no beginning of a version; write "8".'),
    (tags("stable:", "- tag: a", "  within: eight"), 8,
     '`eight` is no beginning of a version; write "8" or "8.1".'),
    (tags("stable:", "- tag: a", f'  within: "{"8" * 129}"'), 8,
     f'`{"8" * 60}…` is no beginning of a version; write "8" or "8.1".'),
    (tags("stable:", "- tag: a", '  within: ["8", "8"]'), 8,
     "`8` is listed twice under `within`; remove one."),
    (tags("stable:", "- tag: a", "  prereleases: yes"), 8,
     "`prereleases` must be true or false; it is `yes`."),
    (tags("stable:", "- tag: a", '  prereleases: "true"'), 8,
     "`prereleases` must be true or false, without quotes."),
    (tags("stable:", "- tag: a", "  prereleases: 1"), 8,
     "`prereleases` must be true or false; it is `1`."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    ONE_FAULT,
    ids=lambda value: value if isinstance(value, int) else None,
)
def test_each_fault_has_its_line_and_one_sentence(text: str, line: int, sentence: str) -> None:
    assert faults(text) == [(line, sentence)]


SYNTAX = [
    ("version: 1\nrules:\n  - repositories: [*]", 3,
     'A value that begins with `*` needs quotes: `"*"`.'),
    ("version: 1\nrules:\n  - repositories:\n    - *", 4,
     'A value that begins with `*` needs quotes: `"*"`.'),
    ("version: 1\nrules:\n\t- repositories: [a]", 3,
     "A tab stands where YAML needs spaces; indent with spaces."),
    (tags("stable:", "- tag: {major}.{minor}"), 7,
     'A value with `{` needs quotes, such as `"{major}.{minor}"`.'),
    (tags("stable: [{tag: {major}.{minor}}]"), 6,
     'A value with `{` needs quotes, such as `"{major}.{minor}"`.'),
    ("version: 1\nrules:\n  - repositories: [a]\n   mode: audit", 4,
     "The indentation or the punctuation does not fit the lines above."),
    ("version: 1\nrules: a: b", 2,
     "No key may stand here; check the indentation, or put the value in quotes."),
    ("version: 1\nrules: 'x\n\n\n", 2,
     "A quoted text is not closed, or has a `\\` that YAML does not know; try single quotes."),
    (rule("tags:", "  unique:", '  - pattern: "\\d+"'), 6,
     "A quoted text is not closed, or has a `\\` that YAML does not know; try single quotes."),
    (tags("pin: {pushed:%Y}-{digest}"), 6,
     'A value with `{` needs quotes, such as `"{major}.{minor}"`.'),
    ("version: 1\nrules: @x", 2,
     "A value begins with a character that YAML keeps for itself; put it in quotes."),
    ("version: 1\n---\nversion: 1", 2,
     "The file holds more than one document; keep the first `---` only."),
    ("version: 1\nrules: [\x07]", 2,
     "A control character stands here; remove it or save the file as plain text."),
    ('version: 1\nrules: "\\U00110000"', 2, "An escape such as `\\U` names no character."),
    ('version: 1\nrules: ["\\ud800"]', 2, "An escape such as `\\U` names no character."),
    ('version: 1\n"\\udfff": 1', 2, "An escape such as `\\U` names no character."),
    ("%YAML 9.9\n---\nversion: 1", 1, "The `%` line at the top is not understood; remove it."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "sentence"), SYNTAX, ids=lambda v: v if isinstance(v, int) else None
)
def test_what_is_no_yaml_is_one_sentence_with_its_line(text: str, line: int, sentence: str) -> None:
    assert faults(text) == [(line, sentence)]


def test_a_bracket_that_stays_open_is_named_as_such() -> None:
    [(_, sentence)] = faults("version: 1\nrules: [{a: 1\n")
    assert sentence.startswith("A bracket is not closed")


def test_all_faults_are_found_at_once_in_the_order_of_the_lines() -> None:
    text = tags('stable: [{tag: "{x}"}]', "unknown: no", "unknown: yes", "colour: 1")
    lines = [line for line, _ in faults(text + "\nversion: 2\nchannels: {b: 1, a: 2}")]
    assert lines == [6, 7, 8, 9, 10, 11, 11]


def test_the_text_of_the_faults_is_one_line_each_under_the_name_of_the_file() -> None:
    with pytest.raises(RulesFault) as caught:
        rules.loads('version: 2\nrules: "a\\nb"', "team/rules.yaml")
    assert str(caught.value) == (
        "team/rules.yaml:1: `version` must be 1; it is `2`.\n"
        'team/rules.yaml:2: `rules` must be a list; it is `a\\nb`; write ["a\\nb"].'
    )
    assert caught.value.name == "team/rules.yaml"
    assert caught.value.faults[0] == Fault(1, "`version` must be 1; it is `2`.")


def test_the_faults_of_a_scheme_are_found_together_with_those_of_its_texts() -> None:
    text = rule("tags:", "  unique: [{pattern: '('}, shaa]", "  variants: 7",
                "  stable:", '  - {tag: "{x}", within: 8}', '  pin: "{tag}"')  # fmt: skip
    assert [line for line, _ in faults(text)] == [5, 5, 6, 8, 8, 9]


WHOLE_SCHEME = rule(
    "tags:",
    "  unique:",
    "  - semver",
    "  - version: {parts: [2, 4]}",
    "  - version:",
    "      parts: 1",
    "  - pattern: 'r-(?P<version>[0-9]+)'",
    "  - sha",
    "  - timestamp",
    "  - build",
    '  variants: [alpine, "slim-*"]',
    '  variant_latest: "{tag}-{variant}"',
    "  stable:",
    '  - {tag: latest, follows: highest, within: "8"}',
    '  - {tag: next, follows: highest, within: ["8.1", "9"], not_within: "9.1"}',
    "  - {tag: rc, follows: highest, prereleases: true}",
    "  - {tag: edge, follows: newest, prereleases: false}",
    '  pin: "{tag}-{pushed:%Y%m%d}-{digest}"',
    "  unknown: remove",
    "  overwritten: restore",
)


def test_all_that_a_scheme_can_say_arrives_in_the_rules() -> None:
    scheme = rules.loads(WHOLE_SCHEME, "x").rules[0].tags
    assert scheme is not None
    assert len(scheme.unique) == 7
    assert scheme.variants == ("alpine", "slim-*")
    assert scheme.variant_latest == "{tag}-{variant}"
    assert [each.follows for each in scheme.stable] == ["highest", "highest", "highest", "newest"]
    assert [each.within for each in scheme.stable] == [("8",), ("8.1", "9"), (), ()]
    assert [each.not_within for each in scheme.stable] == [(), ("9.1",), (), ()]
    assert [each.prereleases for each in scheme.stable] == [False, False, True, False]
    assert scheme.pin == "{tag}-{pushed:%Y%m%d}-{digest}"
    assert (scheme.unknown, scheme.overwritten) == ("remove", "restore")


def test_a_long_text_is_told_from_another_that_begins_like_it() -> None:
    one, other = "a" * 70 + "b", "a" * 70 + "c"
    assert rules.loads(tags(f"ignore: [{one}, {other}]"), "x").rules[0].tags is not None


def test_a_tagged_list_or_mapping_is_refused() -> None:
    found = faults("version: 1\nrules:\n  - !rule {repositories: [a]}")
    assert found == [(3, "`!rule` is no YAML tag that rules use.")]


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        ("version: 1\nrules: []\n# é".encode("latin-1"), 3,
         "The file is not UTF-8 text from here on; save it as UTF-8."),
        ("version: 1".encode("utf-16"), 1,
         "The file is not UTF-8 text from here on; save it as UTF-8."),
        (b"version: 1\nrules: []\n" + b"#" * rules.MAX_BYTES, 1,
         "The file is larger than 1 MiB, which is the most that rules may take."),
        (b"\n\xe9", 2, "The file is not UTF-8 text from here on; save it as UTF-8."),
        (b"", 1, "The file is empty; it needs `version: 1` and `rules:`."),
    ],
)  # fmt: skip
def test_a_file_that_is_no_text_is_one_fault(
    tmp_path: Path, content: bytes, line: int, sentence: str
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    with pytest.raises(RulesFault) as caught:
        rules.load(path)
    assert caught.value.faults == (Fault(line, sentence),)


def test_a_missing_file_and_a_directory_are_one_fault_each(tmp_path: Path) -> None:
    for path, sentence in [
        (tmp_path / "none.yaml", "There is no such file."),
        (tmp_path, "This is a directory; name a file."),
        (tmp_path / ("b" * 300), "The file cannot be read: File name too long."),
        (Path("a\0b"), "The file cannot be read: embedded null byte."),
    ]:
        with pytest.raises(RulesFault) as caught:
            rules.load(path)
        [fault] = caught.value.faults
        assert fault == Fault(0, sentence)


@pytest.mark.parametrize(("more", "said"), [(0, "holds"), (1, "is larger than 1 MiB, which")])
def test_a_file_of_a_mebibyte_is_read_and_not_a_byte_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int, said: str
) -> None:
    content = GOOD.encode() + b"#" * (rules.MAX_BYTES - len(GOOD) + more)
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    for each in (path, Path("-")):
        if more:
            with pytest.raises(RulesFault, match=said):
                rules.load(each)
        else:
            assert rules.load(each) == rules.loads(GOOD, "x")


def test_a_text_of_more_than_a_mebibyte_is_not_read() -> None:
    assert faults("#" * (rules.MAX_BYTES + 1)) == [
        (1, "The file is larger than 1 MiB, which is the most that rules may take.")
    ]


def test_aliases_that_multiply_end_in_a_fault() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    [(line, sentence)] = faults("\n".join(lines))
    assert sentence == "The file holds more than 100,000 values."
    assert 1 <= line <= 12


@pytest.mark.parametrize(("levels", "deep"), [(32, False), (33, True)])
def test_a_file_may_be_nested_as_deep_as_any_sensible_one(levels: int, deep: bool) -> None:
    found = faults("[" * levels + "x" + "]" * levels)
    assert found[0][1].startswith("The file is nested deeper") is deep


@pytest.mark.parametrize("text", ["&a [*a]", "a: &a {b: *a}", "[" * 40 + "]" * 40])
def test_endless_and_deep_nesting_end_in_a_fault(text: str) -> None:
    assert faults(text) == [(1, "The file is nested deeper than 32 levels.")]


def test_nesting_that_the_parser_cannot_follow_is_a_fault() -> None:
    assert faults("[" * 5000) == [(1, "The file is nested too deeply to be read.")]


FRAGMENTS = st.sampled_from(
    ["version", "1", ":", " ", "\n", "\n  ", "- ", "rules", "repositories", "tags", "unique", "[",
     "]", "{", "}", ",", "semver", '"', "'", "*", "&a", "*a", "!t", "|", ">", "%", "@", "#", "? ",
     "<<", "~", "stable", "tag", "{major}", "2026-01-01", "0x1", "1_0", ".inf", "\t", "\\", "---"]
)  # fmt: skip


@given(st.text(max_size=80) | st.lists(FRAGMENTS, max_size=25).map("".join))
@settings(max_examples=200, deadline=None)
@example('a: "\\ud800"')
@example("a: &a 1\nb: &a 2")
@example("version: !!int x")
@example("version: " + "9" * 5000)
@example("\ufeff\ufeff")
@example("\ud800")
@example("!<tag:yaml.org,2002:bool> maybe")
def test_any_text_is_rules_or_printable_faults_on_lines_of_the_text(text: str) -> None:
    for each in faults_of(text):
        assert 1 <= each.line <= len(text.splitlines()) + 1
        assert each.sentence.isprintable()
        assert each.sentence.endswith(".")


def faults_of(text: str) -> tuple[Fault, ...]:
    try:
        rules.loads(text, "rules.yaml")
    except RulesFault as fault:
        return fault.faults or (Fault(0, "a fault without a fault"),)
    return ()


@given(st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_file_is_rules_or_faults(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_bytes(content)
    with pytest.raises(RulesFault):
        rules.load(path)
