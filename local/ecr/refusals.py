"""Refusals of ECR in moto's form, which is what its server answers with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moto.core.exceptions import ServiceException

from ecr_steward_cli.in_memory.refusals import RefusedError


class EcrRefusal(ServiceException):
    """A refusal with its code and message, both given."""


@contextmanager
def refusing() -> Iterator[None]:
    """What ECR refuses in this block leaves it as a EcrRefusal."""
    try:
        yield
    except RefusedError as refused:
        raise EcrRefusal(refused.code, refused.message) from refused
