"""Names that are joined, directly or through others: which are of one change."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_vsm.identity import change_root
from otel_vsm_collector.derive.rules.requests import parts, with_rivals
from otel_vsm_collector.stores.engine import Engine


def join_names(engine: Engine) -> int:
    """Fills `named` (`aliases.NAMES`) from the rows of `touched_alias`.

    A component, and a part of it, goes by its smallest node.
    """
    rows = engine.arrow("SELECT * FROM touched_alias")
    names, nodes = (
        pa.chunked_array([*rows[first].chunks, *rows[second].chunks], pa.string()).combine_chunks()
        for first, second in (("identity", "other"), ("node", "other_node"))
    )
    encoded = nodes.dictionary_encode()
    node_of = encoded.indices.to_numpy()
    component = encoded.dictionary.take(
        pa.array(_components(encoded.dictionary, node_of[: len(rows)], node_of[len(rows) :])[node_of])
    )
    rivals = with_rivals(nodes, component)
    rows = rows.filter(pc.is_in(component[: len(rows)], value_set=rivals))
    part_of = parts(rows.to_pylist())
    part = component
    if part_of:
        apart = pa.array(part_of.keys(), pa.string()), pa.array(part_of.values(), pa.string())
        part = pc.coalesce(apart[1].take(pc.index_in(nodes, value_set=apart[0])), component)
    named = pa.table([names, nodes, component, part], names=["identity", "node", "component", "part"])
    named = named.group_by(named.column_names).aggregate([])
    roots = [change_root(name).trace_id for name in named["identity"].to_pylist()]
    return engine.load("named", named.append_column("trace_id", pa.array(roots, pa.string())))


def _components(
    nodes: pa.Array, ones: npt.NDArray[np.int32], others: npt.NDArray[np.int32]
) -> npt.NDArray[np.int64]:
    """Of each node the index of the smallest one that edges, from `ones` to `others`, connect it with."""
    # It takes long to import, and there may be nothing to join.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(ones), dtype=np.int8), (ones, others)), shape=(len(nodes), len(nodes)))
    count, component = connected_components(graph, directed=False)
    in_order = pc.sort_indices(nodes).to_numpy()
    first = np.zeros(count, dtype=np.int64)
    first[component[in_order[::-1]]] = in_order[::-1]
    return first[component]
