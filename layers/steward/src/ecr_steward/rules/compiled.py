"""The rules as the functions carry them: made by `ecr-steward compile`, read without YAML."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecr_steward.rules.model import RulesError, Ruleset, fingerprint

FILE = "rules.json"
_AGAIN = "make it with `ecr-steward compile RULES --output FILE`"


def dumps(document: Mapping[str, Any]) -> str:
    """The text of the compiled file for a valid document; the same for the same document."""
    content = {"document": document, "fingerprint": fingerprint(document)}
    return json.dumps(content, sort_keys=True, indent=1) + "\n"


def read(path: str | Path) -> Ruleset:
    """The rules in the compiled file `path`.

    Raises RulesError where the file is missing, is not what `dumps` makes, or was changed since.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise RulesError(f"{path} cannot be read: {error.strerror}; {_AGAIN}.") from error
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{path} is not JSON; {_AGAIN}.") from error
    document = content.get("document") if isinstance(content, dict) else None
    if not isinstance(document, dict):
        raise RulesError(f"{path} holds no rules; {_AGAIN}.")
    if content.get("fingerprint") != fingerprint(document):
        raise RulesError(f"{path} was changed after it was made; {_AGAIN} again.")
    try:
        return Ruleset.from_document(document)
    except RulesError as error:
        raise RulesError(f"{path}: {error.sentence}", error.path) from error
    except (AttributeError, TypeError) as error:
        raise RulesError(f"{path} holds no rules; {_AGAIN}.") from error


def find(env: Mapping[str, str] | None = None) -> Path:
    """Where the compiled rules are: `STEWARD_RULES` of `env`, else in the rules layer.

    The layer is the importable package `steward_rules`. Raises RulesError where there is neither;
    whether the file exists is for `read` to say.
    """
    if env is not None and env.get("STEWARD_RULES"):
        return Path(env["STEWARD_RULES"])
    spec = importlib.util.find_spec("steward_rules")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        return Path(folder) / FILE
    raise RulesError(
        f"There are no rules: attach the layer with the package steward_rules, or {_AGAIN} "
        "and name that file in STEWARD_RULES."
    )
