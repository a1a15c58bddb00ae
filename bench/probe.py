"""Run in a fresh process: import one thing, and print what that took as JSON.

`probe.py app` imports the handler found on the path; `probe.py boto3` makes a bare ECR client.
It imports nothing before the clock runs that would be loaded anyway.
"""

import sys
from importlib.machinery import SourceFileLoader
from time import perf_counter
from types import CodeType
from typing import Any

compiled: list[str] = []
compile_source = SourceFileLoader.source_to_code


def source_to_code(self: SourceFileLoader, data: Any, path: Any, **more: Any) -> CodeType:
    """Called only where there is no valid bytecode, so it costs nothing where there is."""
    compiled.append(str(path))
    return compile_source(self, data, path, **more)


def peak_memory() -> int:
    """The most memory this process had, in bytes."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123
            fields = dict(line.split(":", 1) for line in status)
        return int(fields["VmHWM"].split()[0]) * 1024
    except OSError:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    SourceFileLoader.source_to_code = source_to_code  # type: ignore[method-assign,assignment]
    begin = perf_counter()
    if sys.argv[1] == "app":
        __import__("app")
    else:
        __import__("boto3").client("ecr")
    seconds = perf_counter() - begin
    modules = {
        name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())
    }
    import gc
    import json

    found = {
        "seconds": seconds,
        "memory": peak_memory(),
        "modules": modules,
        "compiled": compiled,
        "collects": gc.isenabled(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
