"""Which images of a repository stay, and why: `images:` of a rule. Pure."""

from ecr_steward.images.judge import Kept, judge
from ecr_steward.images.round import Round, round_of
from ecr_steward.images.rule import ImagesRule
from ecr_steward.images.state import Inventory, RetainedImage

__all__ = [
    "ImagesRule",
    "Inventory",
    "Kept",
    "RetainedImage",
    "Round",
    "judge",
    "round_of",
]
