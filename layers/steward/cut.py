"""Cut the SDK of a built layer to what the functions call: `cut.py SITE`.

botocore has the models of some four hundred services. It looks for all of them at the first client,
and a client reads its service's model whole. A function starts sooner with what it calls.
"""

from __future__ import annotations

import gzip
import json
import runpy
import shutil
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

MODEL = "service-2.json"
_KEPT = ("endpoint-rule-set-1", "paginators-1")
"""What a client reads beside the model; the other files are samples and waiters."""


def main(site: Path) -> None:
    """Cut the SDK under `site`. Ends with a sentence where it does not have what is called."""
    data = site / "botocore" / "data"
    called = runpy.run_path(str(site / "ecr_steward" / "start" / "operations.py"))["OPERATIONS"]
    for folder in _folders(data):
        if folder.name not in called:
            shutil.rmtree(folder)
    prefixes = {_cut_service(data / name, operations) for name, operations in called.items()}
    _cut_endpoints(data / "endpoints.json", prefixes)


def _folders(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if each.is_dir())


def _cut_service(folder: Path, operations: Collection[str]) -> str:
    """Keep the newest version of an API, which is the one that a client takes, and of its model
    these operations. Gives the service's name in `endpoints.json`."""
    if not folder.is_dir():
        sys.exit(f"The SDK that was installed has no data of {folder.name}.")
    *older, newest = _folders(folder)
    for version in older:
        shutil.rmtree(version)
    model = _read(newest / MODEL)
    missing = sorted(set(operations) - model["operations"].keys())
    if missing:
        sys.exit(f"The SDK that was installed knows no {', '.join(missing)} of {folder.name}.")
    for file in list(newest.iterdir()):
        if not file.name.startswith(_KEPT):
            file.unlink()
    _write(newest / MODEL, _without_words(_of_operations(model, operations)))
    return str(model["metadata"]["endpointPrefix"])


def _of_operations(model: dict[str, Any], operations: Collection[str]) -> dict[str, Any]:
    kept = {name: model["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    wanted = list(_shapes_named(kept))
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _shapes_named(shapes[name])
    return {**model, "operations": kept, "shapes": shapes}


def _shapes_named(part: Any) -> Iterator[str]:
    """The shapes that a part of a model refers to."""
    if isinstance(part, dict):
        if isinstance(part.get("shape"), str):
            yield part["shape"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _shapes_named(each)


def _without_words(part: Any) -> Any:
    """The same without its documentation, which is most of a model."""
    if isinstance(part, list):
        return [_without_words(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: _without_words(each)
        for name, each in part.items()
        if name != "documentation" or not isinstance(each, str)
    }


def _cut_endpoints(file: Path, prefixes: Collection[str]) -> None:
    endpoints = _read(file)
    for partition in endpoints["partitions"]:
        partition["services"] = {
            name: each for name, each in partition["services"].items() if name in prefixes
        }
    _write(file, endpoints)


def _read(file: Path) -> Any:
    if file.exists():
        return json.loads(file.read_bytes())
    return json.loads(gzip.decompress(file.with_name(f"{file.name}.gz").read_bytes()))


def _write(file: Path, document: Any) -> None:
    file.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
