"""ministack, with a count of the functions at work, and a session of its role for each.

Run with the interpreter of .venv/cloud, by path. An event that ministack has handed to a function
is in no queue and no log until the function is done: only in this process can it be known whether
one is under way. The count goes to the file named on the command line, `started finished`.

ministack gives functions the account's own credentials unless it checks rights; then nobody could
tell a function's calls from a person's, as CloudTrail can.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

# The ways into a function: from EventBridge, SNS and Invoke; from queues and streams. One calls
# the other, so a call may count twice; nothing is under way when both numbers agree.
_DOORS: Final = ("_execute_function_with_config_scope", "_execute_function")


class Counter:
    """Counts calls begun and ended, in a file that always holds two numbers."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._lock = threading.Lock()
        self._started = self._finished = 0
        self._write()

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, counted."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self._started += 1
                self._write()
            try:
                return function(*args, **kwargs)
            finally:
                with self._lock:
                    self._finished += 1
                    self._write()

        return counted

    def _write(self) -> None:
        # One write of one length, so that a reader never sees half of it.
        os.pwrite(self._descriptor, b"%12d %12d\n" % (self._started, self._finished), 0)


def read(file: Path) -> tuple[int, int]:
    """How many calls have begun and ended."""
    started, finished = file.read_text().split()
    return int(started), int(finished)


def as_role(
    credentials_of: Callable[[Mapping[str, Any]], dict[str, str]],
    register: Callable[[str, dict[str, str]], object],
) -> Callable[[Mapping[str, Any]], dict[str, str]]:
    """The credentials of a function: a session of its role, which `register` makes known to STS.

    `credentials_of` gives what ministack would; a session that it made itself stays.
    """

    def credentials(config: Mapping[str, Any]) -> dict[str, str]:
        given = credentials_of(config)
        account = given["AWS_ACCESS_KEY_ID"]
        if not account.isdecimal():
            return given
        role, name = config["Role"].rpartition("/")[2], config["FunctionName"]
        digest = hashlib.sha256(f"{config['FunctionArn']}:{role}".encode()).hexdigest()
        key = f"ASIA{digest[:16].upper()}"
        register(
            key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name[:64]}",
                "UserId": f"{role}:{name[:64]}",
                "SecretAccessKey": given["AWS_SECRET_ACCESS_KEY"],
                "SessionToken": digest,
            },
        )
        return {**given, "AWS_ACCESS_KEY_ID": key, "AWS_SESSION_TOKEN": digest}

    return credentials


def on_repositories(extract: Callable[..., str]) -> Callable[..., str]:
    """What a call is checked against: for ECR the repository, however the call names it.

    ministack knows a repository by `repositoryName` alone, and takes `*` for a call that names one
    by `repositoryNames` or `resourceArn`, which AWS checks against that repository.
    """

    def resource(
        service: str,
        method: str,
        path: str,
        headers: Any,
        body: Any,
        parameters: Any,
        region: str,
        account: str,
    ) -> str:
        found = extract(service, method, path, headers, body, parameters, region, account)
        if service != "ecr" or found != "*":
            return found
        asked = _asked(body)
        names = asked.get("repositoryNames") or []
        if len(names) == 1:
            return f"arn:aws:ecr:{region}:{account}:repository/{names[0]}"
        return str(asked.get("resourceArn") or found)

    return resource


def _asked(body: Any) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def main() -> None:
    """Serve until stopped."""
    from ministack import app  # type: ignore[import-not-found]  # lives in .venv/cloud
    from ministack.core import iam_actions, lambda_runtime  # type: ignore[import-not-found]
    from ministack.services import lambda_svc, sts  # type: ignore[import-not-found]

    counter = Counter(Path(sys.argv.pop()))
    for door in _DOORS:
        # A ministack without these names must fail here, or `settle` would never wait.
        setattr(lambda_svc, door, counter.around(getattr(lambda_svc, door)))
    credentials = as_role(lambda_runtime.execution_credentials, sts.register_session)
    for module in (lambda_runtime, lambda_svc):
        module.execution_credentials = credentials
    iam_actions.extract_resource_arn = on_repositories(iam_actions.extract_resource_arn)
    app.main()


if __name__ == "__main__":
    main()
