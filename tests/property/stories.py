"""How many stories are played where order and repetition matter most."""

from __future__ import annotations

from hypothesis import settings

thousands = settings(max_examples=min(8 * settings().max_examples, 20_000))
"""Eight times as many as of everything else: 2,000 in the gate; no more than a release plays."""
