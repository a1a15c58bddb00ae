"""`python -m local up`: start the local cloud, deploy the stack to it, say how to push."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from ecr_steward_cli.rules_file.load import RulesFault, inspect
from local.cloud import ACCOUNT, REGION, ROOT, LocalCloud
from local.console import command, console, step, tell
from local.processes import WrongInput
from local.started import check_started

STACK: Final = "ecr-steward"
SHIPPED: Final = ROOT / "layers/rules/rules.yaml"
REPOSITORIES: Final = ("base/redis", "apps/shop")
PARAMETERS: Final = {
    "Mode": "enforce",
    "SettingsMode": "enforce",
    "SettleSeconds": "0",
    "NotifyWindowSeconds": "1",
}


def up(cloud: LocalCloud, rules: Path | None = None) -> bool:
    """Bring the cloud up; False if it is.

    What was started is stopped again if a later step fails, or by the next `up` if that was killed.
    """
    if cloud.attach() and cloud.is_whole:
        return False
    if cloud.stop():
        tell("What an interrupted `make up` had started is stopped.")
    try:
        with step("Start the local cloud"):
            cloud.start()
        with step("Build the stack (sam build)"):
            template = cloud.sam_build(rules=rules)
        with step("Deploy the stack (sam deploy)"):
            cloud.sam_deploy(STACK, PARAMETERS, template)
        with step("See every function start"):
            check_started(cloud.client("lambda"), lambda name: cloud.resource(STACK, name))
        with step(f"Create the repositories {' and '.join(REPOSITORIES)}"):
            for repository in REPOSITORIES:
                cloud.create_repository(repository)
            cloud.inbox(cloud.resource(STACK, "NotificationTopic"))
        cloud.is_whole = True
    except BaseException:
        cloud.stop()
        raise
    return True


def help_text(cloud: LocalCloud) -> str:
    """How to log in and push with each client, and how to stop."""
    registry, folder = cloud.registry, cloud.home
    with_source = f"source {folder}/env"
    image = f"{registry}/{REPOSITORIES[0]}:1.4.2"
    login = f"aws ecr get-login-password | {{}} --username AWS --password-stdin {registry}"
    return f"""
[bold]The local cloud is running[/]: ECR at {registry}, account {ACCOUNT}, region {REGION}.

[bold]Push without a container client[/]
  make push IMAGE={REPOSITORIES[0]}:1.4.2

[bold]Push an image of your own[/], in a shell that has the cloud's credentials ({with_source})
  docker   {login.format("docker login")}
           docker tag IMAGE {image}
           docker push {image}
  podman   {login.format("podman login --tls-verify=false")}
           podman push --tls-verify=false IMAGE {image}
  skopeo   {login.format("skopeo login --tls-verify=false")}
           skopeo copy --all --dest-tls-verify=false SOURCE docker://{image}

[bold]Look[/]
  aws ecr list-images --repository-name {REPOSITORIES[0]}
  tail -f {folder}/ministack.log

[bold]Stop[/]
  make down
"""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m local up", description=__doc__)
    parser.add_argument("--rules", type=Path, metavar="FILE", help="rules file to deploy")
    given = parser.parse_args()
    with command():
        _check_rules(given.rules)
        cloud = LocalCloud()
        if not up(cloud, given.rules):
            console.print("The local cloud is already running; `make down` stops it.")
            if given.rules:
                tell(f"It keeps its rules: for {given.rules} stop it first.")
        console.print(help_text(cloud), soft_wrap=True)


def _check_rules(rules: Path | None) -> None:
    """Say what `check` says of the rules, before anything is started. Raises WrongInput."""
    try:
        loaded = inspect(rules or SHIPPED)
    except RulesFault as fault:
        raise WrongInput(f"The rules cannot be deployed:\n{fault}") from fault
    for each in loaded.warnings:
        tell(f"{each.file or rules or SHIPPED}:{each.line}: warning: {each.sentence}")
