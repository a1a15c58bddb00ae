"""The writer of settings: one repository at a time."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.start import observe, wiring

logger = observe.logger()
handle = wiring.prepared(wiring.enforce_settings)


@logger.inject_lambda_context(clear_state=True)
@observe.metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
