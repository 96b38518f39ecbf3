"""Aliases: the names that spans give a change, and which names mean the same change.

A span that carries several names of a change (request, head revision, merge commit) joins them; the changes
are the connected components, whatever traces the spans are in, but that two requests of one repository never
are one change. `node` is what two names have to share to be one: a full commit hash, where a name ends in
one, since a fork or mirror has the same commits.
"""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import EventName, StageType

NAMES = ibis.schema(dict.fromkeys(("identity", "node", "component", "part", "trace_id"), "string"))
"""What `derive.refresh.joined` gives: the names in question, by component, and by the part of it that is one
change."""


def aliases(spans: ir.Table) -> ir.Table:
    """The table `alias` from the spans of whole traces: the name that a span goes by, and each other that it
    carries beside it, with what tells whether one is what the other became; the first once more where it
    carries no other, with the branch that its request is to be merged into.
    """
    named = spans.filter(spans.change_id.notnull())
    work = named.filter(~is_foreign(named))
    by_request = work.filter(work.repository.notnull(), work.request.notnull())
    by_revision = work.filter(work.repository.notnull(), work.revision.notnull())

    def pairs(
        rows: ir.Table,
        other: ir.StringValue,
        *,
        merged: ir.BooleanValue | None = None,
        branch: ir.StringValue | None = None,
        base: ir.StringValue | None = None,
    ) -> ir.Table:
        nothing = ibis.null("string")
        return rows.select(
            "trace_id",
            identity="change_id",
            other=other,
            merged=ibis.literal(False) if merged is None else merged,
            branch=nothing if branch is None else branch,
            base=nothing if base is None else base,
        )

    every = ibis.union(
        pairs(named, named.change_id, base=named.base_name),
        pairs(by_request, by_request.repository.concat("#", by_request.request)),
        pairs(
            by_revision,
            revision_name(by_revision),
            merged=(by_revision.event_name == EventName.CHANGE_MERGED).fill_null(False),
            branch=by_revision.ref_name,
        ),
        distinct=True,
    )
    return every.mutate(node=node(every.identity), other_node=node(every.other))


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


def identities(names: ir.Table) -> ir.Table:
    """The table `identity` from the rows of `named`.

    A change goes by its smallest name: one with a request's number before others, a bare commit last.
    """
    number = names.identity.re_search("#[0-9]+$")
    commit = names.identity.re_search("@[^@#/]+$")
    names = names.mutate(kind=ibis.cases((number, "0"), (commit, "2"), else_="1").concat(names.identity))
    smallest = names.kind.min().over(ibis.window(group_by=names.part))
    return names.mutate(change_id=smallest.substr(1)).drop("kind", "part")
