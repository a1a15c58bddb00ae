"""Which images of a repository stay, and why: `images:` of a rule. Pure."""

from ecr_steward_cli.images.judge import Kept, judge
from ecr_steward_cli.images.rule import ImagesRule
from ecr_steward_cli.images.state import Inventory, RetainedImage

__all__ = ["ImagesRule", "Inventory", "Kept", "RetainedImage", "judge"]
