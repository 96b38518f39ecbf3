"""Which change the names in the touched traces mean."""

import ibis

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh import joined, touched
from otel_vsm_collector.derive.refresh.duplicates import DROPPED, drop_repeated_spans
from otel_vsm_collector.derive.refresh.planning import Planning, Scope
from otel_vsm_collector.derive.rules import aliases, changes, counting

TRACE = Scope("touched_trace", ("trace_id",))
NODE = Scope("touched_node", ("node",))
NAMED_TRACE = Scope("named_trace", ("trace_id",))


def find_names(plan: Planning, definitions: Definitions) -> None:
    spans = definitions.with_defaults(tables.table("touched_span"))
    trace = plan.scratch("touched_trace", spans.select("trace_id").distinct())
    # All tellings: one that is dropped, or does not count, touches its change too.
    plan.scratch("touched_report", touched.touched_incidents(spans))
    plan.scratch("touched_reported", touched.touched_deployments(spans))
    plan.scratch("touched_item", touched.touched_items(spans))
    plan.call("repeated", drop_repeated_spans)
    spans = counting.counting(spans)
    dropped = definitions.with_defaults(ibis.table(tables.TOUCHED_SPAN, name=DROPPED))
    dropped_alias = plan.scratch("dropped_alias", aliases.aliases(dropped), scope="repeated")
    now = plan.scratch("alias_now", aliases.aliases(spans))

    before = plan.pick("alias_before", "alias", TRACE)
    named = plan.scratch("named_node", aliases.nodes(now, dropped_alias, before))
    component = plan.pick(
        "named_component", "identity", Scope("named_node", ("node",)), component="component"
    )
    plan.scratch("touched_component", component.distinct())
    identity_before = plan.pick("identity_before", "identity", Scope("touched_component", ("component",)))
    plan.scratch("touched_node", named.union(identity_before.select("node"), distinct=True))
    plan.replace("alias", now, scope=TRACE)
    touched_alias = plan.pick("touched_alias", "alias", NODE)
    names = plan.call("named", joined.join_names, aliases.NAMES)
    identity_now = plan.scratch("identity_now", aliases.identities(names))
    plan.replace("identity", identity_now, scope=NODE)

    plan.scratch("named_trace", trace.union(touched_alias.select("trace_id"), distinct=True))
    owner_before = plan.pick("owner_before", "trace_owner", NAMED_TRACE)
    named_alias = plan.pick("named_alias", "alias", NAMED_TRACE)
    named_identity = plan.pick("named_identity", "identity", Scope("named_alias", ("node",)))
    owners = plan.scratch("owner_now", changes.trace_owners(named_alias, named_identity))
    plan.replace("trace_owner", owners, scope=NAMED_TRACE)
    plan.scratch(
        "identified_change",
        touched.touched_changes(
            touched.whose(identity_before, identity_now, named, "identity"),
            touched.whose(owner_before, owners, trace, "trace_id"),
        ),
    )
