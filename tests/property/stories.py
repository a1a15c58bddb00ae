"""How many stories are played where order and repetition matter most."""

from __future__ import annotations

from hypothesis import settings

thousands = settings(max_examples=min(6 * settings().max_examples, 20_000))
"""Six times as many as of everything else: 1,500 in the gate; no more than a release plays."""
