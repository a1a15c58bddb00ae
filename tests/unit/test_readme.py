"""README.md and events/README.md say what the code, the template and the schemas say."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ecr_steward.doors.calls import check as check_settings
from ecr_steward.doors.pushes import check
from ecr_steward.rules.channels import Form
from ecr_steward.settings.baseline import Settings
from ecr_steward.settings.drift import drift
from ecr_steward.settings.kinds import KINDS, Around
from ecr_steward.settings.state import Problem, Step
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.words.facts import DETAIL_TYPES
from ecr_steward.words.reading import MalformedEvent
from ecr_steward_cli.main import COMMANDS
from ecr_steward_cli.rules_file.load import inspect_text, load, schema
from ecr_steward_cli.schemas import event_schema
from tests.handlers.functions import SETTINGS_ROLE
from tests.support import messages
from tests.template import support

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "events/README.md"]
README, EVENTS = (page.read_text(encoding="utf-8") for page in PAGES)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------- reading Markdown
def table(text: str, *headings: str) -> list[list[str]]:
    """The rows of the one table with these headings, a list of cells each."""
    lines = text.splitlines()
    head = row(*headings)
    assert lines.count(head) == 1, f"there must be one table that begins with {head}"
    body = lines[lines.index(head) + 2 :]
    end = next((i for i, line in enumerate(body) if not line.startswith("|")), len(body))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body[:end]]


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def code(value: Any) -> str:
    if value == "":
        return "empty"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def prose(text: str) -> str:
    """The text without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def anchors(text: str) -> set[str]:
    """What headings can be linked to by, as GitHub makes it."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


# ---------------------------------------------------------------------------- the rules file
def keys() -> Iterator[list[str]]:
    """Every key of the rules file: its path, its values, its default, its meaning."""
    yield from _keys(schema(), "", set())


def _keys(holder: Mapping[str, Any], path: str, told: set[str]) -> Iterator[list[str]]:
    """What has a name of its own in the schema is told where it is met first."""
    for name, found in holder.get("properties", {}).items():
        each = _resolved(found)
        default = "required" if name in holder.get("required", ()) else _default(each)
        yield [code(f"{path}{name}"), _values(each), default, each["description"]]
        yield from _keys(each, f"{path}{name}.", told)
        for held, at in (("items", "[]"), ("additionalProperties", ".NAME")):
            within = each.get(held) or {}
            if within.get("$ref") not in told:
                yield from _keys(_resolved(within), f"{path}{name}{at}.", told)
            told |= {within["$ref"]} if "$ref" in within else set()


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    found: Mapping[str, Any] = schema()["$defs"][node["$ref"].rpartition("/")[2]]
    return found


def _default(node: Mapping[str, Any]) -> str:
    return code(node["default"]) if "default" in node else "none"


def _values(node: Mapping[str, Any]) -> str:
    if "const" in node:
        return code(node["const"])
    if "enum" in node:
        return ", ".join(map(code, node["enum"]))
    if "anyOf" in node:
        return " or ".join(code(each["title"]) for each in node["anyOf"])
    types = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return " or ".join(_of_type(each, node) for each in types)


def _of_type(name: str, node: Mapping[str, Any]) -> str:
    if name == "array":
        items = _resolved(node.get("items", {}))
        return f"list of {_values(items)}" if items else code([])
    words = {"object": "mapping", "string": "text", "null": code(None), "integer": "number"}
    return words.get(name) or {"boolean": "`true` or `false`"}[name]


def test_the_readme_lists_every_key_of_the_rules_file_as_its_schema_has_it() -> None:
    assert table(README, "Key", "Values", "Default", "Meaning") == list(keys())


def test_the_readme_lists_every_kind_of_unique_tag_as_the_schema_has_it() -> None:
    assert table(README, "Kind", "Tags", "Write it") == [
        [code(kind["title"]), kind["description"], ", ".join(map(code, kind["examples"]))]
        for kind in schema()["$defs"]["kind"]["anyOf"]
    ]


EXAMPLES = re.findall(r"^```yaml\n(tags:\n.*?)^```$", README, re.M | re.S)


def test_every_key_of_tags_is_in_an_example() -> None:
    snippets = re.findall(r"^```.*?^```$|`[^`\n]+`", README, re.M | re.S)
    shown = set(re.findall(r"\b(\w+):", " ".join(snippets)))
    wanted = {path.strip("`").rpartition(".")[2] for path, *_ in keys() if ".tags." in path}
    assert "prereleases" in wanted
    assert wanted - shown == set()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_rule_that_says_nothing_in_vain(example: str) -> None:
    warnings = [each.sentence for each in inspect_text(_rule_of(example), "README.md").warnings]
    assert [each for each in warnings if "AllowTagRemoval" not in each] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_an_example_says_of_unique_tags_is_so(example: str) -> None:
    tags = _scheme_of(example)
    for unique, stable in re.findall(r"^# (\S+) → (.+)$", example, re.M):
        found = tags.read_unique(unique)
        assert found is not None, unique
        lines = tags.lines(found.version)
        assert (", ".join(line.tag for line in lines) or "nothing") == stable, unique


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_an_example_says_of_other_tags_is_so(example: str) -> None:
    tags = _scheme_of(example)
    for tag, verdict in re.findall(r"^# (\S+) is (?:an? )?(\w+)$", example, re.M):
        assert tags.judge(tag).value == verdict, tag
    for one, other in re.findall(r"^# (\S+) and (\S+) are twins$", example, re.M):
        versions = [found.version for tag in (one, other) if (found := tags.read_unique(tag))]
        precedences = [each.precedence for each in versions if each is not None]
        assert len(precedences) == 2
        assert precedences[0] == precedences[1], (one, other)


def test_the_examples_show_every_verdict_and_twins() -> None:
    shown = set(re.findall(r"^# \S+ is (?:an? )?(\w+)$", "\n".join(EXAMPLES), re.M))
    assert shown == {each.value for each in Verdict}
    assert " are twins" in "\n".join(EXAMPLES)


def _scheme_of(example: str) -> Scheme:
    tags = inspect_text(_rule_of(example), "README.md").ruleset.rules[0].tags
    assert tags is not None
    return tags


def _rule_of(example: str) -> str:
    return 'version: 1\nrules:\n  - repositories: ["base/*"]\n' + textwrap.indent(example, "    ")


SETTINGS = re.findall(r"^```yaml\n(repository:\n.*?)^```$", README, re.M | re.S)
REGISTRY = re.findall(r"^```yaml\n(registry:\n.*?)^```$", README, re.M | re.S)
_APPS = """\
version: 1
rules:
  - repositories: ["apps/*"]
    tags: {unique: [sha], stable: [{tag: main}, {tag: prod}]}
"""


@pytest.mark.parametrize("example", SETTINGS)
def test_an_example_of_settings_says_nothing_in_vain(example: str) -> None:
    loaded = inspect_text(_APPS + textwrap.indent(example, "    "), "README.md")
    assert loaded.warnings == ()
    assert loaded.ruleset.rules[0].baseline.reads


def test_every_setting_of_a_repository_is_in_an_example() -> None:
    shown = set(re.findall(r"\b(\w+):", " ".join(SETTINGS)))
    assert {each.name for each in KINDS} <= shown


def test_the_example_of_the_registry_is_one() -> None:
    (example,) = REGISTRY
    baseline = inspect_text(_APPS + example, "README.md").ruleset.registry_baseline
    assert "scanning" in baseline.wishes
    assert [each.prefix for each in baseline.wishes["creation_templates"]] == ["apps/"]


def test_the_readme_lists_every_problem_that_a_setting_can_have() -> None:
    rows = table(README, "Setting", "Problem", "When", "What is done")
    assert {row[0] for row in rows} == {code(each.name) for each in KINDS}
    assert {row[1] for row in rows} == {code(each.value) for each in Problem}
    steps = {each.value for each in Step}
    assert all(steps & set(re.findall(r"\w+", row[3])) or "as `" in row[3] for row in rows)


def test_the_settings_that_the_readme_shows_differ_from_the_rules_that_are_shipped() -> None:
    (example,) = re.findall(r'^```json\n(\{\n  "repository".*?)^```$', README, re.M | re.S)
    document = json.loads(example)
    rule = load(ROOT / "layers/rules/rules.yaml").rule_for(document["repository"])
    assert rule is not None
    found = drift(rule.baseline, Settings.from_document(document), Around(rule.tags))
    assert {each.setting for each in found} == {"policy"}


def test_the_readme_shows_the_rules_file_that_is_shipped() -> None:
    shipped = (ROOT / "layers/rules/rules.yaml").read_text(encoding="utf-8")
    shown = _shipped()
    assert len(shown) == 1
    assert _bare(shown[0]) == _bare(shipped)


def _shipped() -> list[str]:
    return re.findall(r"^```yaml\n(version: 1\n.*?)^```$", README, re.M | re.S)


def _bare(yaml: str) -> list[str]:
    lines = (re.sub(r"(^|\s)#.*", "", line).rstrip() for line in yaml.splitlines())
    return [line for line in lines if line]


# ---------------------------------------------------------------------------- the template
def test_the_readme_lists_every_parameter_as_the_template_has_it() -> None:
    expected = [
        [code(name), code(each["Default"]), _allowed(each), " ".join(each["Description"].split())]
        for name, each in support.source()["Parameters"].items()
    ]
    assert table(README, "Parameter", "Default", "Values", "What it does") == expected


def _allowed(parameter: Mapping[str, Any]) -> str:
    return str(parameter["ConstraintDescription"]).removeprefix("must be ")


def test_the_readme_names_every_right_of_every_role_and_no_other() -> None:
    granted: dict[str, set[str]] = {}
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"
    full = support.stack(
        Mode="enforce",
        SettingsMode="enforce",
        AllowTagRemoval="true",
        CreationTemplateRole="arn:aws:iam::123456789012:role/templates",
        RegistryPolicy="true",
        Replication="true",
        PullTimeExclusions="true",
        ChannelKey=key,
        Tracing="Active",
    )
    for role, statement in full.statements():
        granted.setdefault(role, set()).update(support.listed(statement["Action"]))
    named = {
        role.strip("`"): set(re.findall(r"`([a-z]+:\w+)`", actions))
        for role, actions, _ in table(README, "Role", "May", "Why")
    }
    assert named == granted


def test_the_readme_lists_every_alarm_in_the_words_of_its_message() -> None:
    alarms = support.stack().of("AWS::CloudWatch::Alarm")
    expected = {code(name): each["AlarmDescription"] for name, each in alarms.items()}
    rows = table(README, "Alarm", "It says", "What to do")
    assert {name: said for name, said, _ in rows} == expected
    assert all(todo for _, _, todo in rows)


def test_the_readme_says_of_every_failure_queue_what_it_holds_and_the_way_back() -> None:
    queues = {name for name in support.stack().of("AWS::SQS::Queue") if "Failure" in name}
    rows = table(README, "Failure queue", "A message is", "The way back")
    assert {name.strip("`") for name, _, _ in rows} == queues


def test_the_readme_lists_every_event_of_the_stewards() -> None:
    expected = {
        code(name): event_schema(name)["description"].partition(": ")[2]
        for name in DETAIL_TYPES.values()
    }
    assert dict(table(README, "`detail-type`", "When")) == expected


# ---------------------------------------------------------------------------- the messages
def test_the_example_of_channels_is_a_file_that_says_nothing_in_vain() -> None:
    (example,) = re.findall(r"^```yaml\n(channels:\n.*?)^```$", README, re.M | re.S)
    assert inspect_text(f"version: 1\n{example}", "README.md").warnings == ()


def test_the_readme_has_a_golden_file_of_every_event_in_every_form() -> None:
    columns = dict(zip(("Slack", "Teams", "Webhook", "E-mail", "Amazon Q"), Form, strict=True))
    shown = table(README, "Event", *columns)
    assert [name.strip("`").replace(".", "_") for name, *_ in shown] == list(messages.EVENTS)
    for name, *cells in shown:
        for form, cell in zip(columns.values(), cells, strict=True):
            path = messages.file(form, name.strip("`").replace(".", "_")).relative_to(ROOT)
            assert cell == f"[{form}]({path})"


def test_every_picture_is_of_the_size_that_pages_bear() -> None:
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert sorted(shown) == sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "docs/pictures").glob("*.png")
    )
    assert all((ROOT / path).stat().st_size < 150_000 for path in shown)


# ---------------------------------------------------------------------------- the commands
def test_the_readme_lists_every_command_in_the_words_of_its_help() -> None:
    expected = {code(f"ecr-steward {name}"): said for name, (_, said) in COMMANDS.items()}
    assert dict(table(README, "Command", "What it does")) == expected


def test_the_readme_lists_every_make_target_in_the_words_of_its_help() -> None:
    helped = re.findall(r"^([a-z-]+):.*?## (.+)$", MAKEFILE, re.M)
    assert table(README, "Target", "What it does") == [
        [code(f"make {name}"), said] for name, said in helped
    ]


def test_every_command_and_target_that_the_pages_use_exists() -> None:
    used = " ".join(re.findall(r"^```.*?^```$|`[^`\n]+`", README + EVENTS, re.M | re.S))
    commands = set(re.findall(r"\becr-steward +([a-z]+(?:-[a-z]+)*)", used))
    targets = set(re.findall(r"\bmake ([a-z]+)\b", used))
    assert {"check", "wait"} <= commands <= COMMANDS.keys()
    assert {"demo", "build"} <= targets <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))


# ---------------------------------------------------------------------------- the sample events
def samples() -> list[list[str]]:
    tables = (("File", "Answer"), ("Call", "Answer"), ("File", "Function"))
    return [each for file, last in tables for each in table(EVENTS, file, "What it is", last)]


def test_every_sample_event_is_listed_once() -> None:
    listed = [file.strip("`") for file, _, _ in samples()]
    assert sorted(listed) == sorted(path.name for path in (ROOT / "events").glob("*.json"))


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "events").glob("ecr_*.json")))
def test_the_door_answers_a_sample_event_as_listed(file: str) -> None:
    answers = {name.strip("`"): answer for name, _, answer in samples()}
    event = json.loads((ROOT / "events" / file).read_text(encoding="utf-8"))
    assert answers[file] == code(_answer(event))


@pytest.mark.parametrize(
    "file", sorted(path.name for path in (ROOT / "events").glob("call_*.json"))
)
def test_the_door_of_the_settings_answers_a_sample_call_as_listed(file: str) -> None:
    answers = {name.strip("`"): answer for name, _, answer in samples()}
    event = json.loads((ROOT / "events" / file).read_text(encoding="utf-8"))
    assert answers[file] == code(_answer(event))


def _answer(event: Mapping[str, Any]) -> str:
    rules = load(ROOT / "layers/rules/rules.yaml")
    try:
        if "eventName" in event["detail"]:
            return check_settings(event, rules, SETTINGS_ROLE, lambda hint: None)[1].name
        return check(event, rules, lambda hint: None)[1].name
    except MalformedEvent:
        return MalformedEvent.__name__


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_sample_event_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"\bevents/(\w+\.json)", page.read_text("utf-8")))
    assert named
    assert {name for name in named if not (ROOT / "events" / name).is_file()} == set()


# ---------------------------------------------------------------------------- the pages
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_short_except_in_tables(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", prose(page.read_text("utf-8")))
    assert links
    assert [link for link in links if not _leads(page, link)] == []


def _leads(page: Path, link: str) -> bool:
    if urlsplit(link).scheme:
        return link.startswith("https://")
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or anchor in anchors(target.read_text("utf-8")))
