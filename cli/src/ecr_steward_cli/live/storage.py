"""What images cost to keep, as far as it is known."""

from __future__ import annotations

from ecr_steward.images.state import INDEXES

PRICE = 0.10
"""US dollars for a GB that is kept a month: private repositories, US East (N. Virginia), either
storage class up to 150 TB (Amazon ECR pricing). An assumption: Regions and contracts differ."""

PRICED = "March 2026"
"""When PRICE was what the pricing page says."""

_GB = 10**9


def layers(media_type: str | None, size: int) -> int:
    """The bytes of layers that an image of `size` has; an index, whose size is that of its largest
    child (ECR API: ImageDetail, imageSizeInBytes), has none beside its children's."""
    return 0 if media_type in INDEXES else size


def gigabytes(size: int) -> str:
    """Bytes as people read them, in GB of 10^9 bytes."""
    amount = size / _GB
    return f"{amount:,.0f} GB" if amount >= 100 else f"{amount:,.1f} GB"


def dollars(size: int) -> str:
    """What so many bytes cost a month, at PRICE."""
    cost = size / _GB * PRICE
    return f"${cost:,.0f}" if cost >= 100 else f"${cost:,.2f}"
