"""`python -m local demo`: the real stack on a local cloud, and a story with its end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.running import RunningImages
from ecr_steward.history.tags import History
from ecr_steward.messages.say.wording import short
from ecr_steward.queues.hints import HintQueue
from ecr_steward.sweep.send import ROUND
from ecr_steward.words.calls import API_CALL, DELETE_IMAGES
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import IMAGE_ACTION, Action, Hint
from ecr_steward.words.reading import iso
from ecr_steward_cli.terminal.text import wrapped
from local import channels, images
from local.channels import LocalChannels
from local.cloud import ACCOUNT, HOME, REGION, ROOT, Inbox, LocalCloud
from local.console import command, console, step
from local.ecr.events import DEFAULT_SOURCE
from local.images import Media
from local.receiver import Receiver

STACK: Final = "demo"
PARAMETERS: Final = {
    "Mode": "enforce",
    "SettingsMode": "enforce",
    "SettleSeconds": "0",
    "NotifyWindowSeconds": "1",
    "RunningSources": "ecs",
    "AllowExpiry": "true",
}
BASE: Final = "base/redis"
APP: Final = "apps/shop"


@dataclass(frozen=True, slots=True)
class Scene:
    """One push, and the tags that must have moved to its image or to another when all is quiet.

    `moves` are those the steward puts, by tag the image (named after its first unique tag). With
    `slack_fails` the message to Slack is refused at first. `point` is what it is for, said where
    the tags are as they must be then.
    """

    title: str
    repository: str
    tag: str
    image: str
    point: str
    moves: dict[str, str] = field(default_factory=dict)
    arch: Sequence[str] = ("amd64",)
    media: Media = Media.OCI
    again: bool = False
    slack_fails: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """Something done beside pushes, in words and as calls; `came` says whether it ended well, and
    `gone` are tags that are no more then."""

    title: str
    repository: str
    words: str
    point: str
    do: Callable[[Demo], object]
    came: Callable[[Demo], bool]
    gone: tuple[str, ...] = ()


def _make_public(demo: Demo) -> None:
    statement = {
        "Sid": "Everybody",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    demo.cloud.client("ecr").set_repository_policy(repositoryName=BASE, policyText=policy)


def _start(demo: Demo) -> None:
    """A service with one task, whose image ECS looks up once."""
    registry, ecs = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com", demo.cloud.client("ecs")
    container: Any = {"name": "app", "image": f"{registry}/{BASE}:1.4"}
    ecs.register_task_definition(family="payments", containerDefinitions=[container])
    ecs.create_service(
        cluster="prod", serviceName="payments", taskDefinition="payments", desiredCount=1
    )


def _delete(demo: Demo) -> None:
    """ECR tells at once that an image was deleted, and CloudTrail by whom."""
    asked: Any = {"repositoryName": BASE, "imageIds": [{"imageDigest": demo.images["1.4.1"]}]}
    answer = demo.cloud.client("ecr").batch_delete_image(**asked)
    detail = {
        "eventSource": "ecr.amazonaws.com",
        "eventName": DELETE_IMAGES,
        "eventTime": iso(datetime.now(UTC)),
        "userIdentity": {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Developer/mallory"},
        "requestParameters": asked,
        "responseElements": {"imageIds": answer["imageIds"]},
    }
    demo.send(API_CALL, detail)


def _let_go(demo: Demo) -> None:
    """What is due once a day: a look at what runs, a round over the images, and the next look."""
    demo.look()
    now = datetime.now(UTC)
    cause = Cause(f"retention-{iso(now)}/{APP}", ROUND)
    hint = Hint(APP, Action.RETAIN, None, None, cause, now)
    sqs = demo.cloud.client("sqs")
    HintQueue(lambda: sqs, demo.cloud.resource(STACK, "RetentionQueue")).send(hint)
    demo.cloud.settle()
    demo.look()


NEW: Final = Act(
    "A new repository starts as its rule says",
    BASE,
    f"create-repository [cyan]{BASE}[/]",
    "A new repository gets its settings at once: nobody has to remember them.",
    lambda demo: demo.cloud.create_repository(BASE),
    lambda demo: demo.has_private_policy(),
)
PUBLIC: Final = Act(
    "Somebody lets the whole world pull",
    BASE,
    f"set-repository-policy [cyan]{BASE}[/]: Principal *",
    "The statement is gone again: the rule has `public: remove`.",
    _make_public,
    lambda demo: demo.has_private_policy(),
)
STARTED: Final = Act(
    "A service starts from 1.4",
    BASE,
    f"task     [cyan]ecs:prod/payments[/] from [cyan]{BASE}:1.4[/]",
    "ECS keeps the digest of 1.4.1 for every later task; the steward knows it now.",
    _start,
    lambda demo: demo.runs("1.4.1"),
)
DELETED: Final = Act(
    "Somebody deletes the image that the service runs",
    BASE,
    f"delete   [cyan]{BASE}:1.4.1[/]",
    "It is told at once, and who did it: the next task could not start.",
    _delete,
    lambda demo: demo.has_told(BASE, FactKind.LOST, by="mallory"),
    gone=("1.4.1",),
)
GOING: Final = Act(
    "What nobody needs is let go",
    APP,
    f"round    [cyan]{APP}[/], and a look at what runs",
    "pr-7 has an expiry tag: ECR expires it soon, unless somebody needs it.",
    _let_go,
    lambda demo: demo.has_told(APP, FactKind.EXPIRY_SET),
)
STORY: Final[tuple[Scene | Act, ...]] = (
    NEW,
    Scene("The first version", BASE, "1.4.1", "1.4.1",
          "1.4, 1 and latest are on 1.4.1: nobody had to push them.",
          dict.fromkeys(["1.4", "1", "latest"], "1.4.1")),
    STARTED,
    Scene(
        "A newer one, as a multi-arch index", BASE, "1.4.2", "1.4.2",
        "1.4, 1 and latest follow to 1.4.2: it is the highest.",
        dict.fromkeys(["1.4", "1", "latest"], "1.4.2"), arch=("amd64", "arm64"),
    ),
    Scene(
        "A new major version, in Docker's own format", BASE, "2.0.0", "2.0.0",
        "1.4 and 1 stay on 1.4.2, latest goes to 2.0.0: it follows the highest of all.",
        dict.fromkeys(["2.0", "2", "latest"], "2.0.0"), media=Media.DOCKER,
    ),
    Scene("A backport: latest must not go back", BASE, "1.4.3", "1.4.3",
          "latest stays on 2.0.0: 1.4.3 is lower.",
          dict.fromkeys(["1.4", "1"], "1.4.3")),
    Scene("An older version, out of order", BASE, "1.3.9", "1.3.9",
          "1 stays on 1.4.3: 1.3.9 is lower, and leads 1.3 alone.", {"1.3": "1.3.9"}),
    Scene("A pre-release", BASE, "2.1.0-rc.1", "2.1.0-rc.1",
          "latest stays on 2.0.0: a pre-release is no release."),
    Scene("The event of 2.0.0 once more", BASE, "2.0.0", "2.0.0",
          "Nothing moves: an event is only a hint to look.", again=True),
    Scene("A tag outside the scheme, while Slack is down", BASE, "final-fix", "final-fix",
          "It is told, also to Slack: what a channel did not take, it gets later.",
          slack_fails=True),
    Scene("Somebody pushes a bare latest", BASE, "latest", "stray",
          "latest is back on 2.0.0, and the image without a name keeps a pin.",
          {"latest": "2.0.0"}),
    DELETED,
    PUBLIC,
    Scene("An application, by commit", APP, "9f3c2ab", "9f3c2ab",
          "A commit names one image forever, and moves nothing. The new repository has the "
          "lifecycle rule by which ECR expires what gets an expiry tag."),
    Scene("Its pipeline moves main", APP, "main", "9f3c2ab",
          "main is where the pipeline put it: it follows nothing in the rules."),
    Scene("A build of a pull request", APP, "pr-7", "pr-7",
          "The rule ignores pr-7, which by itself keeps no image."),
    Scene("Another commit", APP, "b81d0e4", "b81d0e4", "The two newest images stay."),
    Scene("And one more", APP, "c07e5a1", "c07e5a1", "So pr-7 is kept by nothing."),
    GOING,
)  # fmt: skip
LAST_ACT: Final = Scene(
    "In audit the writers have no right to write", BASE, "2.0.1", "2.0.1",
    "2.0, 2 and latest stay on 2.0.0: audit says what it would do, and does nothing.",
)  # fmt: skip


class Demo:
    """The story on one deployed stack; `expected` grows with it, `images` are the digests."""

    def __init__(self, cloud: LocalCloud, channels: LocalChannels) -> None:
        self.cloud: LocalCloud = cloud
        self._channels = channels
        self._inbox = Inbox(cloud, cloud.resource(STACK, "NotificationTopic"))
        table = DynamoTable(cloud.client("dynamodb"), cloud.resource(STACK, "HistoryTable"))
        self._history = History(table)
        self._running = RunningImages(table, timedelta(days=7))
        self._told: set[str] = set()
        self.expected: dict[str, dict[str, str]] = {BASE: {}, APP: {}}
        self.images: dict[str, str] = {}
        self.messages = 0
        self._missed = False
        self.record = cloud.home / "demo.txt"
        self.record.unlink(missing_ok=True)

    def play(self, number: int, scene: Scene | Act) -> None:
        """Do it, wait until all is quiet, and show what followed, why, and what people are sent."""
        console.rule(f"[bold]{number}. {scene.title}[/]", align="left")
        console.print(f"  {_verb(scene)}")
        begun = time.monotonic()
        if isinstance(scene, Scene) and scene.slack_fails:
            self._channels.fail_once()
        with console.status("  waiting until nothing moves any more"):
            if isinstance(scene, Act):
                scene.do(self)
            else:
                self._push(scene)
            self.cloud.settle()
        facts = [fact for fact in self._history.facts(scene.repository) if self._is_new(fact)]
        facts.sort(key=lambda fact: (fact.kind != FactKind.PIN, fact.tag or ""))
        self._write(f"\n{number}. {scene.title}")
        for fact in facts:
            console.print(_line(fact, self._name))
            self._write(f"  {fact.kind.value} {fact.tag or ''}: {fact.reason}")
        for message in self._inbox:
            self.messages += 1
            self._show("message", message.subject, message.body.splitlines())
        for arrived in self._channels.new():
            kind = "slack" if arrived.path == f"/{channels.SLACK}" else "webhook"
            whole = channels.lines(arrived) if kind == "slack" else []
            self._show(kind, channels.headline(arrived), whole)
        if isinstance(scene, Scene):
            self._expect(scene, facts)
        else:
            self._expect_after(scene, facts)
        self._write(f"  {time.monotonic() - begun:.1f} s")
        self._say_point(scene)

    def _show(self, kind: str, headline: str, whole: Iterable[str]) -> None:
        """One line of a message; all of it goes to the file."""
        shown = Text.assemble("  ", (f"{kind:<8}", "magenta"), f" {headline}")
        console.print(shown, no_wrap=True, overflow="ellipsis", crop=True)
        self._write(f"  {kind} {headline}", *(f"    {line}" for line in whole))

    def _write(self, *lines: str) -> None:
        with self.record.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def _say_point(self, scene: Scene | Act) -> None:
        """What the scene is for, if it came so."""
        if isinstance(scene, Scene):
            repository = scene.repository
            came = self.cloud.tags(repository) == self.expected[repository]
        else:
            came = scene.came(self)
        mark, style = ("✓", "green") if came else ("✗", "red")
        self._missed = self._missed or not came
        said = scene.point if came else f"This did not come: {scene.point}"
        console.print(_beside(f"  {mark} ", style, said))

    def _expect(self, scene: Scene, facts: Sequence[Fact]) -> None:
        pinned = {f.tag: f.digest for f in facts if f.kind == "pin" and f.mode == "enforce"}
        tags = {scene.tag: self.images[scene.image]} if not scene.again else {}
        tags |= {tag: self.images[name] for tag, name in scene.moves.items()}
        self.expected[scene.repository] |= tags
        self._expect_pin(scene, {tag or "": digest or "" for tag, digest in pinned.items()})

    def _expect_after(self, act: Act, facts: Sequence[Fact]) -> None:
        tags = self.expected[act.repository]
        for tag in act.gone:
            tags.pop(tag, None)
        going = (fact for fact in facts if fact.kind is FactKind.EXPIRY_SET)
        tags |= {fact.tag or "": fact.digest or "" for fact in going}

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
        self.cloud.create_repository(scene.repository)
        image = images.build(f"{scene.repository}:{scene.image}", scene.arch, scene.media)
        self.images[scene.image] = image.digest
        self.cloud.push(f"{scene.repository}:{scene.tag}", image)

    def _repeat(self, scene: Scene) -> None:
        detail = {
            "result": "SUCCESS",
            "repository-name": scene.repository,
            "image-digest": self.images[scene.image],
            "action-type": "PUSH",
            "image-tag": scene.tag,
        }
        self.send(IMAGE_ACTION, detail)

    def send(self, kind: str, detail: object) -> None:
        """Put an event of this `detail-type` on the default bus, as AWS would."""
        entry: Any = {"Source": DEFAULT_SOURCE, "DetailType": kind, "Detail": json.dumps(detail)}
        self.cloud.client("events").put_events(Entries=[entry])

    def look(self) -> None:
        """Have the steward look at what runs, as it does once a day."""
        function = self.cloud.resource(STACK, "LookRunningFunction")
        self.cloud.client("lambda").invoke(FunctionName=function, Payload=b"{}")

    def runs(self, image: str) -> bool:
        """Whether the steward knows of something that runs the image."""
        return any(each.runs for each in self._running.all(BASE, self.images[image]))

    def has_told(self, repository: str, kind: FactKind, by: str = "") -> bool:
        """Whether a fact of this kind is on record, with who was behind it."""
        facts = self._history.facts(repository)
        return any(fact.kind is kind and by in (fact.cause.by or "") for fact in facts)

    def _is_new(self, fact: Fact) -> bool:
        seen = fact.id in self._told
        self._told.add(fact.id)
        return not seen

    def _name(self, digest: str | None) -> str:
        known = (name for name, each in self.images.items() if each == digest)
        return next(known, short(digest))

    def verdict(self) -> bool:
        """Show every tag and its image, and what it should be where it is another; True if all
        agree."""
        table = Table("repository", "tag", "image", "", title="Tags at the end")
        table.title_justify = "left"
        table.columns[1].no_wrap = True
        agree = True
        for repository, tag, actual, expected in self._rows():
            same = actual == expected
            agree = agree and same
            shown = self._shown(actual)
            if not same:
                shown += f", should be {self._shown(expected)}"
            table.add_row(repository, tag, shown, "[green]✓[/]" if same else "[red]✗[/]")
        console.print(table)
        return self._is_private() and agree and not self._missed

    def _is_private(self) -> bool:
        """Show whether the repository that was made public is so no more."""
        private = self.has_private_policy()
        words = "lets nobody else in" if private else "still lets everybody in"
        mark = "[green]✓[/]" if private else "[red]✗[/]"
        console.print(f"{mark} {BASE} {words}.")
        return private

    def has_private_policy(self) -> bool:
        """Whether the repository lets nobody else in."""
        ecr = self.cloud.client("ecr")
        try:
            ecr.get_repository_policy(repositoryName=BASE)
        except ecr.exceptions.RepositoryPolicyNotFoundException:
            return True
        return False

    def _rows(self) -> Iterator[tuple[str, str, str | None, str | None]]:
        for repository, expected in self.expected.items():
            actual = self.cloud.tags(repository)
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
        iam = self.cloud.client("iam")
        role = self.cloud.resource(STACK, role)
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        policies = [
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
        ]
        actions = [each["Action"] for policy in policies for each in policy["Statement"]]
        flat = [one for each in actions for one in ([each] if isinstance(each, str) else each)]
        return sorted(action for action in flat if action.startswith("ecr:"))

    def write_rights(self, when: str) -> None:
        """What the writers may do, and what the steward's own writes cost, for the file."""
        calls = self.cloud.calls().get("functions", {})
        listed = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
        self._write(f"\n{when} the functions made these calls of ECR so far: {listed}.")
        for role in ("RetagRole", "EnforceSettingsRole"):
            self._write(f"{role} may: {', '.join(self.rights(role))}")


_DID = {"move": "moved", "pin": "pinned", "reject": "refused", "expiry_set": "expiring"}
_WOULD = {"moved": "would move", "pinned": "would pin"}


def _verb(scene: Scene | Act) -> str:
    if isinstance(scene, Act):
        return scene.words
    verb = "event   " if scene.again else "push    "
    return f"{verb} [cyan]{scene.repository}:{scene.tag}[/]"


def _beside(mark: str, style: str, said: str) -> Text:
    """A mark, and beside it what is said, in as many lines as it takes."""
    hanging = wrapped(said, console.width - len(mark)).replace("\n", f"\n{' ' * len(mark)}")
    return Text.assemble((mark, style), hanging)


def _line(fact: Fact, name: Callable[[str | None], str]) -> Text:
    """What happened; the reason is in the file where it is not all that there is to say."""
    if fact.kind in (FactKind.EXPIRING, FactKind.LOST):
        what = "announced" if fact.kind is FactKind.EXPIRING else "lost"
        return _beside(f"  {what:<8} ", "yellow", fact.reason)
    if fact.difference is not None:
        did = "corrected" if fact.kind is FactKind.CORRECT else "differs"
        setting = fact.difference.setting.replace("_", " ")
        problem = fact.difference.problem.replace("_", " ")
        return Text.assemble("  ", (f"{did:<8}", "green"), " ", (setting, "bold"), f": {problem}")
    colour = {"move": "green", "pin": "green", "reject": "yellow"}.get(fact.kind.value, "red")
    what = _DID.get(fact.kind.value, fact.kind.value)
    if fact.mode != "enforce":
        what, colour = _WOULD.get(what, what), "blue"
    where = "" if fact.kind is FactKind.REJECT else f"  {name(fact.before)} → {name(fact.digest)}"
    return Text.assemble("  ", (f"{what:<8}", colour), " ", (fact.tag or "", "bold"), where)


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
        demo = Demo(cloud, LocalChannels(cloud, receiver))
        cloud.reset_calls()
        for number, scene in enumerate(STORY, start=1):
            demo.play(number, scene)
        demo.write_rights("In enforce")
        with step("Deploy again with Mode=audit"):
            cloud.sam_deploy(STACK, {**PARAMETERS, "Mode": "audit"}, template)
        demo.write_rights("In audit")
        demo.play(len(STORY) + 1, LAST_ACT)
        agree = demo.verdict() and demo.told()
        record = demo.record
    seconds = time.monotonic() - begun
    if not agree:
        console.print("[red]Not every tag and setting is as it should be.[/]")
        sys.exit(1)
    console.print(
        f"[green]Every tag and setting is as it should be[/], {demo.messages} messages were sent, "
        f"{seconds:.0f} s in all; what was started is stopped. Whole messages, reasons and roles: "
        f"{escape(str(record.relative_to(ROOT)))}"
    )
