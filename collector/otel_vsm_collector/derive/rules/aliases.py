"""Aliases: the names that spans give a change, and which names mean the same change.

A span that carries several names of a change (request, head revision, merge commit) joins them; the changes
are the connected components, whatever traces the spans are in. `node` is what two names have to share to be
one: a full commit hash, where a name ends in one, since a fork or mirror has the same commits.
"""

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis import ifelse
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from otel_vsm.identity import change_root
from otel_vsm.semconv import StageType
from otel_vsm_collector.stores.engine import Engine

NAMES = ibis.schema(dict.fromkeys(("identity", "node", "component", "trace_id"), "string"))
"""The scratch table that `join_names` fills: the names in question, numbered by component."""


def aliases(spans: ir.Table) -> ir.Table:
    """The table `alias` from the spans of whole traces: the name that a span goes by, and each other that it
    carries beside it; the first once more where it carries no other.
    """
    named = spans.filter(spans.change_id.notnull())
    work = named.filter(~is_foreign(named))
    by_request = work.filter(work.repository.notnull(), work.request.notnull())
    by_revision = work.filter(work.repository.notnull(), work.revision.notnull())
    pairs = ibis.union(
        named.select("trace_id", identity="change_id", other="change_id"),
        by_request.select(
            "trace_id", identity="change_id", other=by_request.repository.concat("#", by_request.request)
        ),
        by_revision.select("trace_id", identity="change_id", other=revision_name(by_revision)),
        distinct=True,
    )
    return pairs.mutate(node=node(pairs.identity), other_node=node(pairs.other))


def is_foreign(spans: ir.Table) -> ir.BooleanValue:
    """Whether the revision that a span tells may be another change's than the one that it is told of: what
    is deployed, what runs, and from where a work item's event was sent."""
    deploys = (spans.stage_type == StageType.DEPLOY).fill_null(False)
    event = ibis.coalesce(spans.event_name, "")
    return (
        deploys
        | event.startswith("deployment.")
        | event.startswith("service.")
        | event.startswith("work_item.")
    )


def revision_name(spans: ir.Table) -> ir.StringValue:
    """A revision together with its repository: a short hash of another project is not the same."""
    return ibis.coalesce(spans.repository, "").concat("@", spans.revision.lower())


def node(name: ir.StringValue) -> ir.StringValue:
    """The name, or what is the same of it in every repository."""
    commit = name.re_extract("@([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$", 1)
    return ibis.coalesce(commit.lower().nullif(""), name)


def nodes(*aliases: ir.Table) -> ir.Table:
    """The nodes (node) of the names in rows of `alias`."""
    return ibis.union(
        *(rows.select(node=rows[column]) for rows in aliases for column in ("node", "other_node")),
        distinct=True,
    )


def join_names(engine: Engine) -> int:
    """Fills `named` (NAMES) from the rows of `touched_alias`; a component goes by its smallest node."""
    rows = engine.arrow("SELECT identity, node, other, other_node FROM touched_alias")
    names, nodes = (
        pa.chunked_array([*rows[first].chunks, *rows[second].chunks], pa.string()).combine_chunks()
        for first, second in (("identity", "other"), ("node", "other_node"))
    )
    encoded = nodes.dictionary_encode()
    size, node_of = len(encoded.dictionary), encoded.indices.to_numpy()
    ends = node_of[: len(rows)], node_of[len(rows) :]
    graph = coo_array((np.ones(len(rows), dtype=np.int8), ends), shape=(size, size))
    count, component = connected_components(graph, directed=False)
    in_order = pc.sort_indices(encoded.dictionary).to_numpy()
    first = np.zeros(count, dtype=np.int64)
    first[component[in_order[::-1]]] = in_order[::-1]
    named = pa.table(
        [names, nodes, encoded.dictionary.take(pa.array(first[component[node_of]]))],
        names=["identity", "node", "component"],
    )
    named = named.group_by(named.column_names).aggregate([])
    roots = [change_root(name).trace_id for name in named["identity"].to_pylist()]
    return engine.load("named", named.append_column("trace_id", pa.array(roots, pa.string())))


def identities(names: ir.Table, largest: int) -> ir.Table:
    """The table `identity` from the rows of `named`.

    A change goes by its smallest name: one with a request's number before others, a bare commit last. A
    component that holds more than `largest` revisions and more than one request is a mistake of whoever sent
    the names; there each name stays a change of its own.
    """
    number = names.identity.re_search("#[0-9]+$")
    commit = names.identity.re_search("@[^@#/]+$")
    names = names.mutate(kind=ibis.cases((number, "0"), (commit, "2"), else_="1").concat(names.identity))
    whole = names.group_by("component").agg(
        name=names.kind.min().substr(1),
        requests=names.identity.nunique(where=number),
        revisions=names.node.nunique(where=commit),
    )
    whole = whole.mutate(suspicious=(whole.revisions > largest) & (whole.requests > 1))
    joined = names.join(whole, "component")
    return joined.select(
        "identity",
        "node",
        "component",
        "trace_id",
        change_id=ifelse(joined.suspicious, joined.identity, joined.name),
        suspicious=joined.suspicious,
    )
