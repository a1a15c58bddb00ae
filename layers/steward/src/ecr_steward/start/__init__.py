"""What each function starts from: its environment, its clients, its log and metrics."""

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # What a function imports lives as long as its sandbox; `sandbox.prepared` collects again.
    gc.disable()
