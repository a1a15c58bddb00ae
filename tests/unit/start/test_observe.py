"""What a line of the log looks like."""

from __future__ import annotations

import json
from typing import Any

from ecr_steward.start.observe import logger


def test_a_line_of_the_log_is_json_that_writes_nothing_else_to_a_terminal() -> None:
    formatter: Any = logger().registered_formatter
    record = {"tag": "1.4\u202e2\x9b31m\x1b[2J\n", "by": "Zoë"}
    line = formatter.serialize(record)
    assert line.isprintable()
    assert "Zoë" in line
    assert json.loads(line) == record
