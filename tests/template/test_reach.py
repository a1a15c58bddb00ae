"""All that the layer ships is there for a function."""

from __future__ import annotations

import grimp

from ecr_steward.messages.channels.table import TYPES

LIBRARY = "ecr_steward"


def test_each_module_in_the_layer_is_reached_by_a_function() -> None:
    graph = grimp.build_graph(LIBRARY, "functions", cache_dir=None)
    reached = set().union(
        *(graph.find_upstream_modules(each) for each in graph.modules if each.endswith(".app"))
    )
    # Types of channel are loaded by their names, and with them what they import.
    named = {f"{LIBRARY}.messages.channels.{name}" for name in TYPES}
    reached |= named.union(*map(graph.find_upstream_modules, named))
    packages = {each for each in graph.modules if graph.find_children(each)}
    shipped = {each for each in graph.modules if each.startswith(f"{LIBRARY}.")}
    assert shipped - reached - packages == set()
