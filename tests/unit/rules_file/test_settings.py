"""What rules say of settings: faults with their lines, warnings, and what `--explain` tells."""

from __future__ import annotations

import textwrap

import pytest

from ecr_steward_cli.rules_file.document import RulesFault
from ecr_steward_cli.rules_file.explain import explain
from ecr_steward_cli.rules_file.load import inspect_text

HEAD = 'version: 1\nrules:\n  - repositories: ["base/*"]\n    mode: enforce\n'
SHA = "    tags: {unique: [sha], stable: [{tag: main}]}\n"
SEMVER = '    tags: {unique: [semver], stable: [{tag: "{major}", follows: highest}]}\n'
ANY_EXPIRES = """\
lifecycle:
  rules:
    - rulePriority: 1
      selection: {tagStatus: any, countType: imageCountMoreThan, countNumber: 10}
      action: {type: expire}
"""


def file(settings: str, tags: str = SHA) -> str:
    """A rules file whose settings begin on line 7."""
    return f"{HEAD}{tags}    repository:\n{textwrap.indent(settings, ' ' * 6)}\n"


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(RulesFault) as caught:
        inspect_text(text, "rules.yaml")
    return [(each.line, each.sentence) for each in caught.value.faults]


def warnings(settings: str, tags: str = SHA) -> list[tuple[int, str]]:
    found = inspect_text(file(settings, tags), "rules.yaml").warnings
    return [(each.line, each.sentence) for each in found]


ANY = "rulePriority: 1, action: {type: expire}, selection: {tagStatus: any, countType: x"
STATEMENT = "{Sid: A, Effect: Allow, Principal: {AWS: '111122223333'}, Action: 'ecr:PutImage'"


@pytest.mark.parametrize(
    ("settings", "line", "said"),
    [
        ("policy:\n  statements:\n    - {Effect: Allow}", 9,
         "A statement needs either `Principal`"),
        (f"policy:\n  statements:\n    - {STATEMENT}}}\n    - {STATEMENT}}}", 10,
         "`A` is the Sid of an earlier statement too."),
        (f"policy:\n  statements:\n    - {STATEMENT}, Resource: x}}", 9,
         "`Resource` can only be `*` in a repository policy"),
        ("policy:\n  statements: [{Sid: A, Effect: Allow, Action: '*', Principal: {AWS: 1}}]", 8,
         "`AWS` must be a string or a list of strings; put account ids in quotes."),
        (f"policy:\n  statements:\n    - {STATEMENT}, Condition: {{StringEquls: {{a: b}}}}}}", 9,
         "`StringEquls` is no condition operator of IAM's; did you mean `StringEquals`?"),
        (f"policy:\n  statements:\n    - {STATEMENT}, Condition: {{x: {{a: b}}}}}}", 9,
         "`x` is no condition operator of IAM's, such as `StringEquals`."),
        ("policy:\n  accounts: [111122223333]", 8,
         'An entry of `accounts` must be a string; put it in quotes: "111122223333".'),
        ('policy:\n  accounts: ["1111"]', 8, "`1111` is no account of 12 digits"),
        ("policy:\n  others: drop", 8,
         "`others` must be one of keep, report, remove; it is `drop`."),
        ("policy:\n  owners: []", 8, "`owners` is not a key here; did you mean `others`?"),
        ("policy: []", 7, "`policy` must be a mapping of keys; it is a list."),
        ("lifecycle: {}", 7, "`lifecycle` needs `rules` or `file`."),
        ("lifecycle:\n  rules:\n    - rulePriority: 0\n      selection: {}\n      action: {}", 9,
         "`rulePriority` must be a whole number from 1 on."),
        (f"lifecycle:\n  rules:\n    - {{{ANY}, countNumber: 1.5}}}}", 9,
         "`countNumber` must be a whole number from 1 on; it is `1.5`."),
        (f"lifecycle:\n  rules:\n    - {{{ANY}, countNumber: 010}}}}", 9,
         "`countNumber` must be a whole number from 1 on; it is `010`."),
        ("immutability: immutable", 7, "`immutability` must be scheme, MUTABLE, IMMUTABLE,"),
        ("immutability: {immutable_except: ['*a*b*']}", 7, "`*a*b*` has more than 2 `*`"),
        ("immutability: {except: [a]}", 7, "`except` is not a key here; did you mean"),
        ("scan_on_push: yes", 7, "`scan_on_push` must be true or false; it is `yes`."),
        ("encryption: aes", 7, "`encryption` must be one of AES256, KMS, KMS_DSSE."),
        ("resource_tags: {owner: 7}", 7, '`owner` must be a string; put it in quotes: "7".'),
        ("resource_tags: {owner: a|b}", 7,
         "`owner`: a resource tag is made of letters, digits, spaces and + - = . _ : / @."),
        ("encryption: {}", 7, "`encryption` is empty; name `type`, `key` or both."),
        ("encryption: {key: alias/mine}", 7, "`alias/mine` is no ARN of a KMS key:"),
        ("encryption: {type: AES256, key: 'arn:aws:kms:eu-west-1:123456789012:key/0f6c2a'}", 7,
         "AES256 has no key of one's own; name KMS under `type`."),
        ("resource_tags: {'aws:x': a}", 7, "`aws:x`: tags that begin with `aws:` are AWS's own."),
    ],
)  # fmt: skip
def test_each_fault_of_settings_has_its_line(settings: str, line: int, said: str) -> None:
    [(at, sentence)] = faults(file(settings))
    assert at == line
    assert sentence.startswith(said)


def test_a_fault_of_each_rule_is_told_and_the_registry_only_of_good_rules() -> None:
    text = file("encryption: KMS\nresource_tags: {'aws:x': a}") + textwrap.dedent("""\
          - repositories: ["*"]
            repository: {immutability: scheme}
        registry:
          creation_templates: [{prefix: ROOT, applied_for: [REPLICATION]}]
        """)
    assert [line for line, _ in faults(text.replace("          -", "  -"))] == [8, 10]


def test_the_registrys_faults_have_their_lines() -> None:
    text = file("encryption: KMS") + textwrap.dedent("""\
        registry:
          scanning:
            rules:
              - {frequency: HOURLY, filters: ["*"]}
          creation_templates:
            - {prefix: base, applied_for: [CREATE]}
        """)
    assert faults(text) == [
        (11, "`frequency` must be one of SCAN_ON_PUSH, CONTINUOUS_SCAN, MANUAL; it is `HOURLY`."),
        (13, ("An entry of `applied_for` must be one of CREATE_ON_PUSH, PULL_THROUGH_CACHE, "
         "REPLICATION; it is `CREATE`. Did you mean `CREATE_ON_PUSH`?")),
    ]  # fmt: skip
    text = text.replace("HOURLY", "CONTINUOUS_SCAN").replace("[CREATE]", "[REPLICATION]")
    ((line, said),) = faults(text)
    assert (line, said[:34]) == (11, "With scanning of type BASIC a freq")
    text = text.replace("CONTINUOUS_SCAN", "MANUAL")
    ((line, said),) = faults(text)
    assert line == 13
    assert "ECR then needs a role to make repositories with" in said


def test_a_word_like_no_other_is_told_without_a_guess() -> None:
    template = "registry: {creation_templates: [{prefix: base, applied_for: [xyz]}]}\n"
    ((_, said),) = faults(file("encryption: KMS") + template)
    assert said == (
        "An entry of `applied_for` must be one of CREATE_ON_PUSH, PULL_THROUGH_CACHE, "
        "REPLICATION; it is `xyz`."
    )


def test_good_settings_are_no_reason_for_a_warning() -> None:
    settings = """\
        policy:
          statements:
            - Sid: Pull
              Effect: Allow
              Principal: "*"
              Action: [ecr:BatchGetImage, ecr:GetDownloadUrlForLayer]
              Condition: {StringEquals: {aws:PrincipalOrgID: o-abc123}}
          public: remove
        lifecycle:
          rules:
            - rulePriority: 1
              selection: {tagStatus: untagged, countType: imageCountMoreThan, countNumber: 1}
              action: {type: expire}
        immutability: scheme
        scan_on_push: true
        """
    assert warnings(textwrap.dedent(settings)) == []


@pytest.mark.parametrize(
    ("settings", "line", "said"),
    [
        ("policy:\n  statements: [{Sid: A, Effect: Allow, Principal: '*', Action: 'ecr:*'}]", 8,
         "`A` lets anyone in (its principal `*` is anyone, with no condition), which will be"),
        ("policy:\n  statements: [{Sid: A, Effect: Deny, Principal: '*', Action: 'ecr:*'}]", 8,
         "`A` may deny the steward to set the policy"),
        ("policy:\n  statements: [{Sid: A, Effect: Deny, Principal: '*', Action: 'ecr:Put*'}]", 8,
         "`A` may deny the steward to move tags: it is put in only where it surely spares"),
        (f"policy:\n  statements:\n    - {STATEMENT.replace('ecr:PutImage', 's3:Put')}}}", 9,
         "`s3:Put` is no action of ECR's"),
        (f"policy:\n  statements:\n    - {STATEMENT.replace('PutImage', 'BatchGetImages')}}}", 9,
         "`ecr:BatchGetImages` is no action of ECR's; did you mean `ecr:BatchGetImage`?"),
        ((f"policy:\n  statements:\n    - {STATEMENT}, "
          "Condition: {DateGreaterThan: {aws:CurrentTime: bad}}}"), 9,
         "`DateGreaterThan` cannot read `bad`, so this condition never holds."),
        (ANY_EXPIRES, 9, "The lifecycle rule 1 can expire images under the stable tags `main`"),
        (("lifecycle:\n  rules:\n    - rulePriority: 1\n      selection: {tagStatus: tagged, "
         "tagPatternList: [a, b], countType: imageCountMoreThan, countNumber: 9}\n"
         "      action: {type: expire}"), 10,
         "The entries of `tagPatternList` must all match"),
    ],
)  # fmt: skip
def test_each_danger_of_settings_is_a_warning(settings: str, line: int, said: str) -> None:
    [(at, sentence)] = warnings(settings)
    assert at == line
    assert sentence.startswith(said)


def test_a_flag_that_counts_for_nothing_is_warned_of() -> None:
    text = file("scan_on_push: true") + "registry: {scanning: {type: ENHANCED}}\n"
    (warning,) = inspect_text(text, "rules.yaml").warnings
    assert warning.sentence == (
        "`scan_on_push` counts for nothing: `registry.scanning` decides which images are scanned; "
        "take it out here."
    )
    assert inspect_text(file("scan_on_push: true"), "rules.yaml").warnings == ()


def test_what_is_meant_is_no_danger() -> None:
    assert warnings(ANY_EXPIRES + "  allow_expiring_stable: true") == []
    statement = "{Sid: A, Effect: Allow, Principal: '*', Action: 'ecr:x'}"
    public = f"policy:\n  public: allow\n  statements: [{statement}]"
    assert [said for _, said in warnings(public) if "anyone" in said] == []


def test_immutability_that_cannot_be_said_is_told_and_guarded_by_the_steward() -> None:
    [(line, said)] = warnings("immutability: scheme", SEMVER)
    assert line == 7
    assert said == (
        "`immutability: scheme` leaves these repositories mutable, because wildcards cannot say "
        "the scheme: the filter `*` for tags that move would free unique tags too; the steward "
        "puts overwritten unique tags back itself (`overwritten: restore`)."
    )
    rule = inspect_text(file("immutability: scheme", SEMVER), "x").ruleset.rules[0]
    assert rule.tags is not None
    assert rule.tags.overwritten == "restore"


def test_immutability_takes_nothing_from_what_the_rule_says_of_overwritten_tags() -> None:
    reporting = SEMVER.replace("unique:", "overwritten: report, unique:")
    [(_, said)] = warnings("immutability: scheme", reporting)
    assert "`overwritten: report` does not put unique tags back either." in said
    for tags, settings in ((reporting, "immutability: scheme"), (SHA, "immutability: scheme"),
                           (SEMVER, "immutability: MUTABLE")):  # fmt: skip
        rule = inspect_text(file(settings, tags), "x").ruleset.rules[0]
        assert rule.tags is not None
        assert rule.tags.overwritten == "report"


def explained(settings: str, tags: str = SHA, mode: str = "enforce") -> list[str]:
    text = file(settings, tags).replace("mode: enforce", f"mode: {mode}")
    lines = [each.strip() for each in explain(inspect_text(text, "x"), "base/a").splitlines()]
    first, last = (
        next(i for i, each in enumerate(lines) if each.startswith(title))
        for title in ("overwritten", "messages")
    )
    return lines[first + 1 : last]


def test_settings_are_told_in_full() -> None:
    settings = """\
        policy:
          statements:
            - {Sid: Pull, Effect: Allow, Principal: {AWS: "111122223333"}, Action: "ecr:*"}
          others: remove
          public: remove
          foreign: remove
          accounts: [o-abc123, "999999999999"]
        lifecycle:
          rules:
            - rulePriority: 1
              selection: {tagStatus: untagged, countType: imageCountMoreThan, countNumber: 1}
              action: {type: expire}
        immutability: scheme
        scan_on_push: true
        encryption: KMS
        resource_tags: {owner: platform, tier: "1"}
        """
    assert explained(textwrap.dedent(settings)) == [
        "policy       statements Pull",
        "other statements are taken out, but for Lambda's own",
        "statements that let anyone in are taken out, whosever they are",
        "those whom nobody named are taken out of statements, whosever they are",
        ("may be named: the registry's own account, whom the statements name, 999999999999, "
        "o-abc123"),
        "lifecycle    1 rule",
        "it is not set if it could expire or archive images that run, or under stable tags",
        "immutable    IMMUTABLE except main*, sha256-*",
        "scanning     on push: yes",
        "encryption   KMS; another one is reported, as ECR cannot change it",
        "resource     tags owner=platform, tier=1; others stay",
    ]  # fmt: skip


def test_settings_in_audit_are_only_reported() -> None:
    found = explained("policy: {accounts: ['*']}\nlifecycle: {rules: []}", mode="audit")
    assert found == [
        "settings     In mode audit what differs below is reported, and nothing is set.",
        "policy       no statements of its own",
        "other statements are reported",
        "statements that let anyone in are reported",
        "statements that let in whom nobody named are reported",
        "anybody may be named",
        "lifecycle    none: a lifecycle policy is taken away",
    ]


def test_the_reason_why_immutability_cannot_be_said_is_told() -> None:
    assert explained("immutability: scheme", SEMVER) == [
        "immutable    MUTABLE",
        ("wildcards cannot say the scheme: the filter `*` for tags that move would free unique "
        "tags too"),
        "the steward puts overwritten unique tags back itself",
    ]  # fmt: skip
    assert explained("immutability: IMMUTABLE", SEMVER) == ["immutable    IMMUTABLE"]
