"""The acts of every role, in the order of the template."""

from __future__ import annotations

from tests.rights.roles import lambda_, messages, running, settings, tags

ACTS = (*tags.ACTS, *settings.ACTS, *messages.ACTS, *running.ACTS, *lambda_.ACTS)
