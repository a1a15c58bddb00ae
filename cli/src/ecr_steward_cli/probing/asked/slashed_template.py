"""A repository creation template's prefix takes no slash at its end."""

from __future__ import annotations

from ecr_steward_cli.probing.assumption import Assumption, Ground, refusal_of


def _ask(ground: Ground) -> str:
    prefix = f"{ground.name}/"

    def make() -> None:
        undo = lambda: ground.ecr.delete_repository_creation_template(prefix=prefix)  # noqa: E731
        with ground.made.making(f"Creation template {prefix}", undo):
            ground.ecr.create_repository_creation_template(
                prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"]
            )

    return refusal_of(make)


ASSUMPTION = Assumption(
    "A creation template with a trailing slash", "InvalidParameterException", _ask, "template"
)
