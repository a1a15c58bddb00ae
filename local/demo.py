"""`python -m local.demo`: the real stack on a local cloud, and a story with its end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.markup import escape
from rich.table import Table

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.tags import History
from ecr_steward.messages.say.wording import short
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import IMAGE_ACTION
from local import channels, images
from local.channels import LocalChannels
from local.cloud import HOME, ROOT, Inbox, LocalCloud, QueuedMessage
from local.console import command, console, step
from local.ecr_events import DEFAULT_SOURCE
from local.images import Media
from local.receiver import ReceivedRequest, Receiver

STACK: Final = "demo"
PARAMETERS: Final = {
    "Mode": "enforce",
    "SettingsMode": "enforce",
    "SettleSeconds": "0",
    "NotifyWindowSeconds": "1",
}
BASE: Final = "base/redis"
APP: Final = "apps/shop"


@dataclass(frozen=True, slots=True)
class Scene:
    """One push, and the tags that must have moved to its image or to another when all is quiet.

    `moves` are those the steward puts, by tag the image (named after its first unique tag). With
    `slack_fails` the message to Slack is refused at first.
    """

    title: str
    repository: str
    tag: str
    image: str
    moves: dict[str, str] = field(default_factory=dict)
    arch: Sequence[str] = ("amd64",)
    media: Media = Media.OCI
    again: bool = False
    slack_fails: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """Something done to the settings of a repository, in words and as a call of the ECR API."""

    title: str
    repository: str
    words: str
    do: Callable[[LocalCloud], object]


def _make_public(cloud: LocalCloud) -> None:
    statement = {
        "Sid": "Everybody",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.client("ecr").set_repository_policy(repositoryName=BASE, policyText=policy)


NEW: Final = Act(
    "A new repository starts as its rule says",
    BASE,
    f"create-repository [cyan]{BASE}[/]",
    lambda cloud: cloud.create_repository(BASE),
)
PUBLIC: Final = Act(
    "Somebody lets the whole world pull",
    BASE,
    f"set-repository-policy [cyan]{BASE}[/]: Principal *",
    _make_public,
)
STORY: Final[tuple[Scene | Act, ...]] = (
    NEW,
    Scene("The first version", BASE, "1.4.1", "1.4.1",
          dict.fromkeys(["1.4", "1", "latest"], "1.4.1")),
    Scene(
        "A newer one, as a multi-arch index", BASE, "1.4.2", "1.4.2",
        dict.fromkeys(["1.4", "1", "latest"], "1.4.2"), arch=("amd64", "arm64"),
    ),
    Scene(
        "A new major version, in Docker's own format", BASE, "2.0.0", "2.0.0",
        dict.fromkeys(["2.0", "2", "latest"], "2.0.0"), media=Media.DOCKER,
    ),
    Scene("A backport: latest must not go back", BASE, "1.4.3", "1.4.3",
          dict.fromkeys(["1.4", "1"], "1.4.3")),
    Scene("An older version, out of order", BASE, "1.3.9", "1.3.9", {"1.3": "1.3.9"}),
    Scene("A pre-release", BASE, "2.1.0-rc.1", "2.1.0-rc.1"),
    Scene("The event of 2.0.0 once more", BASE, "2.0.0", "2.0.0", again=True),
    Scene("A tag outside the scheme, while Slack is down", BASE, "final-fix", "final-fix",
          slack_fails=True),
    Scene("Somebody pushes a bare latest", BASE, "latest", "stray", {"latest": "2.0.0"}),
    PUBLIC,
    Scene("An application, by commit", APP, "9f3c2ab", "9f3c2ab"),
    Scene("Its pipeline moves main", APP, "main", "9f3c2ab"),
)  # fmt: skip
LAST_ACT: Final = Scene("In audit the writers have no right to write", BASE, "2.0.1", "2.0.1")


class Demo:
    """The story on one deployed stack; `expected` grows with it, `images` are the digests."""

    def __init__(self, cloud: LocalCloud, channels: LocalChannels) -> None:
        self._cloud = cloud
        self._channels = channels
        self._inbox = Inbox(cloud, cloud.resource(STACK, "NotificationTopic"))
        table = DynamoTable(cloud.client("dynamodb"), cloud.resource(STACK, "HistoryTable"))
        self._history = History(table)
        self._told: set[str] = set()
        self.expected: dict[str, dict[str, str]] = {BASE: {}, APP: {}}
        self.images: dict[str, str] = {}
        self.messages = 0

    def play(self, number: int, scene: Scene | Act) -> None:
        """Do it, wait until all is quiet, and show what followed, why, and what people are sent."""
        console.rule(f"[bold]{number}. {scene.title}[/]", align="left")
        console.print(f"  {_verb(scene)}")
        begun = time.monotonic()
        if isinstance(scene, Scene) and scene.slack_fails:
            self._channels.fail_once()
        with console.status("  waiting until nothing moves any more"):
            if isinstance(scene, Act):
                scene.do(self._cloud)
            else:
                self._push(scene)
            self._cloud.settle()
        facts = [fact for fact in self._history.facts(scene.repository) if self._is_new(fact)]
        facts.sort(key=lambda fact: (fact.kind != FactKind.PIN, fact.tag or ""))
        for fact in facts:
            console.print(f"  {_line(fact, self._name)}", soft_wrap=True)
        if not facts:
            console.print("  [dim]nothing to do[/]")
        for message in self._inbox:
            self.messages += 1
            _show(message, whole=self.messages == 1 or scene in (PUBLIC, LAST_ACT))
        for arrived in self._channels.new():
            _show_arrived(arrived, whole=self.messages == 1 or scene is PUBLIC)
        console.print(f"  [dim]{time.monotonic() - begun:.1f} s[/]")
        if isinstance(scene, Scene):
            self._expect(scene, facts)

    def _expect(self, scene: Scene, facts: Sequence[Fact]) -> None:
        pinned = {f.tag: f.digest for f in facts if f.kind == "pin" and f.mode == "enforce"}
        tags = {scene.tag: self.images[scene.image]} if not scene.again else {}
        tags |= {tag: self.images[name] for tag, name in scene.moves.items()}
        self.expected[scene.repository] |= tags
        self._expect_pin(scene, {tag or "": digest or "" for tag, digest in pinned.items()})

    def _expect_pin(self, scene: Scene, pinned: dict[str, str]) -> None:
        """A bare `latest` is pinned: under a tag of its own, known only by its form."""
        if scene.image == "stray":
            stray = self.images["stray"]
            name = next((tag for tag in pinned if tag.endswith(stray[7:19])), "latest-TIME-DIGEST")
            self.expected[scene.repository][name] = stray

    def _push(self, scene: Scene) -> None:
        if scene.again:
            self._repeat(scene)
            return
        image = images.build(f"{scene.repository}:{scene.image}", scene.arch, scene.media)
        self.images[scene.image] = image.digest
        self._cloud.push(f"{scene.repository}:{scene.tag}", image)

    def _repeat(self, scene: Scene) -> None:
        detail = {
            "result": "SUCCESS",
            "repository-name": scene.repository,
            "image-digest": self.images[scene.image],
            "action-type": "PUSH",
            "image-tag": scene.tag,
        }
        self._cloud.client("events").put_events(
            Entries=[
                {"Source": DEFAULT_SOURCE, "DetailType": IMAGE_ACTION, "Detail": json.dumps(detail)}
            ]
        )

    def _is_new(self, fact: Fact) -> bool:
        seen = fact.id in self._told
        self._told.add(fact.id)
        return not seen

    def _name(self, digest: str | None) -> str:
        known = (name for name, each in self.images.items() if each == digest)
        return next(known, short(digest))

    def verdict(self) -> bool:
        """Show every tag beside what it should be; True if all agree."""
        table = Table("repository", "tag", "image", "should be", "", title="Tags at the end")
        table.title_justify = "left"
        table.columns[1].overflow = "fold"
        agree = True
        for repository, tag, actual, expected in self._rows():
            same = actual == expected
            agree = agree and same
            mark = "[green]✓[/]" if same else "[red]✗[/]"
            table.add_row(repository, tag, self._shown(actual), self._shown(expected), mark)
        console.print(table)
        return self._is_private() and agree

    def _is_private(self) -> bool:
        """Show whether the repository that was made public is so no more."""
        ecr = self._cloud.client("ecr")
        try:
            found = ecr.get_repository_policy(repositoryName=BASE)["policyText"]
        except ecr.exceptions.RepositoryPolicyNotFoundException:
            console.print(f"[green]✓[/] {BASE} lets nobody else in.")
            return True
        console.print(f"[red]✗[/] {BASE} still has the policy {escape(found)}")
        return False

    def _rows(self) -> Iterator[tuple[str, str, str | None, str | None]]:
        for repository, expected in self.expected.items():
            actual = self._cloud.tags(repository)
            for tag in sorted(actual.keys() | expected.keys()):
                yield repository, tag, actual.get(tag), expected.get(tag)

    def _shown(self, digest: str | None) -> str:
        return "[red]none[/]" if digest is None else f"{self._name(digest)} [dim]{digest[7:14]}[/]"

    def told(self) -> bool:
        """Say how often the webhook got each fact; True if each came once."""
        taken = self._channels.taken()
        facts = {fact.id for name in (BASE, APP) for fact in self._history.facts(name)}
        twice = sum(times > 1 for times in taken.values())
        console.print(
            f"The webhook got {len(facts & taken.keys())} of {len(facts)} facts, {twice} twice."
        )
        return facts <= taken.keys() and not twice

    def rights(self, role: str) -> list[str]:
        """The ECR actions that a deployed role allows, as IAM has them."""
        iam = self._cloud.client("iam")
        role = self._cloud.resource(STACK, role)
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        policies = [
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
        ]
        actions = [each["Action"] for policy in policies for each in policy["Statement"]]
        flat = [one for each in actions for one in ([each] if isinstance(each, str) else each)]
        return sorted(action for action in flat if action.startswith("ecr:"))

    def echoes(self) -> str:
        """What the steward's own writes cost, from the calls that ECR counted."""
        calls = self._cloud.calls().get("functions", {})
        listed = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
        return f"ECR calls by the functions, echoes of their own writes included: {listed}."


_WOULD = {"moved": "would move", "pinned": "would pin"}


def _verb(scene: Scene | Act) -> str:
    if isinstance(scene, Act):
        return scene.words
    verb = "event again " if scene.again else "docker push "
    return f"{verb} [cyan]{scene.repository}:{scene.tag}[/]"


def _line(fact: Fact, name: object) -> str:
    if fact.difference is not None:
        did = "corrected" if fact.kind is FactKind.CORRECT else "differs"
        setting = fact.difference.setting.replace("_", " ")
        return f"[green]{did}[/] [bold]{setting}[/]  [dim]{escape(fact.reason)}[/]"
    shown = name if callable(name) else str
    colour = {"move": "green", "pin": "green", "reject": "yellow"}.get(fact.kind.value, "red")
    what = {"move": "moved", "pin": "pinned", "reject": "rejected"}.get(fact.kind.value, fact.kind)
    if fact.mode != "enforce":
        what, colour = _WOULD.get(what, what), "blue"
    where = "" if fact.kind == "reject" else f" {shown(fact.before)} → {shown(fact.digest)}"
    return f"[{colour}]{what}[/] [bold]{fact.tag}[/]{where}  [dim]{fact.reason}[/]"


def _show(message: QueuedMessage, *, whole: bool) -> None:
    console.print(f"  [magenta]message[/] {escape(message.subject)}", soft_wrap=True)
    if whole:
        for line in message.body.splitlines():
            console.print(f"    [dim]│ {escape(line)}[/]", soft_wrap=True)


def _show_arrived(arrived: ReceivedRequest, *, whole: bool) -> None:
    kind = "slack  " if arrived.path == f"/{channels.SLACK}" else "webhook"
    console.print(f"  [magenta]{kind}[/] {escape(channels.headline(arrived))}", soft_wrap=True)
    if whole and kind.startswith("slack"):
        for line in channels.lines(arrived):
            console.print(f"    [dim]│ {escape(line)}[/]", soft_wrap=True)


def _say_rights(demo: Demo) -> None:
    for role in ("RetagRole", "EnforceSettingsRole"):
        may = ", ".join(demo.rights(role))
        console.print(f"{role} may: {may}", style="dim", soft_wrap=True)


def main() -> None:
    """The command: exit code 0 only if every tag and setting is as it should be."""
    begun = time.monotonic()
    folder = HOME.with_name(".local-cloud-demo")
    with command(), Receiver() as receiver, LocalCloud(folder) as cloud:
        console.print(
            f"[green]✓[/] Started the local cloud  [dim]{time.monotonic() - begun:.1f} s[/]"
        )
        with step("Build the stack (sam build)"):
            shipped = ROOT / "layers" / "rules" / "rules.yaml"
            template = cloud.sam_build(rules=channels.rules(shipped, cloud.home / "rules.yaml"))
        with step("Deploy the stack (sam deploy, Mode=enforce)"):
            cloud.sam_deploy(STACK, PARAMETERS, template)
        cloud.create_repository(APP)
        demo = Demo(cloud, LocalChannels(cloud, receiver))
        cloud.reset_calls()
        for number, scene in enumerate(STORY, start=1):
            demo.play(number, scene)
        console.print(demo.echoes(), style="dim", soft_wrap=True)
        _say_rights(demo)
        with step("Deploy again with Mode=audit"):
            cloud.sam_deploy(STACK, {**PARAMETERS, "Mode": "audit"}, template)
        _say_rights(demo)
        demo.play(len(STORY) + 1, LAST_ACT)
        agree = demo.verdict() and demo.told()
    seconds = time.monotonic() - begun
    if not agree:
        console.print("[red]Not every tag and setting is as it should be.[/]")
        sys.exit(1)
    console.print(
        f"[green]Every tag and setting is as it should be[/], {demo.messages} messages were sent, "
        f"{seconds:.0f} s in all; what was started is stopped."
    )


if __name__ == "__main__":
    main()
