"""Which change the names in the touched traces mean."""

import ibis

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh import touched
from otel_vsm_collector.derive.refresh.duplicates import DROPPED, drop_repeated_spans
from otel_vsm_collector.derive.refresh.plan import Plan, Scope
from otel_vsm_collector.derive.rules import aliases, changes

TRACE = Scope("touched_trace", ("trace_id",))
NODE = Scope("touched_node", ("node",))
NAMED_TRACE = Scope("named_trace", ("trace_id",))


def find_names(plan: Plan, definitions: Definitions) -> None:
    near = definitions.settled(tables.table("near_span"))
    trace = plan.scratch("touched_trace", near.select("trace_id").distinct())
    # All tellings: one that is dropped touches its change too.
    plan.scratch("touched_report", touched.touched_incidents(near))
    plan.scratch("touched_deployment", touched.touched_deployments(near))
    plan.scratch("near_item", touched.touched_items(near))
    plan.call("repeated", drop_repeated_spans)
    dropped = definitions.settled(ibis.table(tables.NEAR_SPAN, name=DROPPED))
    dropped = plan.scratch("dropped_alias", aliases.told(dropped), scope="repeated")
    told = plan.scratch("told_alias", aliases.told(near))

    before = plan.pick("alias_before", "alias", TRACE)
    named = plan.scratch("named_node", aliases.nodes(told, dropped, before))
    hit = plan.pick("identity_hit", "identity", Scope("named_node", ("node",)), component="component")
    plan.scratch("touched_component", hit.distinct())
    known = plan.pick("identity_before", "identity", Scope("touched_component", ("component",)))
    plan.scratch("touched_node", named.union(known.select("node"), distinct=True))
    plan.replace("alias", told, scope=TRACE)
    around = plan.pick("touched_alias", "alias", NODE)
    names = plan.call("named", aliases.join_names, aliases.NAMES)
    largest = definitions.declared.limits.suspicious_revisions
    plan.replace("identity", plan.scratch("identity_now", aliases.identities(names, largest)), scope=NODE)

    plan.scratch("named_trace", trace.union(around.select("trace_id"), distinct=True))
    plan.pick("owner_before", "trace_owner", NAMED_TRACE)
    told_there = plan.pick("named_alias", "alias", NAMED_TRACE)
    meant = plan.pick("named_identity", "identity", Scope("named_alias", ("node",)))
    owners = plan.scratch("owner_now", changes.trace_owners(told_there, meant))
    plan.replace("trace_owner", owners, scope=NAMED_TRACE)
