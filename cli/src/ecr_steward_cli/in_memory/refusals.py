"""What ECR answers to a call that it does not carry out."""

from __future__ import annotations


class RefusedError(Exception):
    """ECR refuses the call: `code` and `message` become a ClientError of the operation."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def invalid_parameter(member: str, constraint: str) -> RefusedError:
    """How ECR refuses a value of `member` that breaks `constraint`."""
    return RefusedError(
        "InvalidParameterException",
        f"Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'",
    )
