"""What the spans of changes, deployments and incidents say by themselves."""

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive.refresh.plan import FirstSeen
from otel_vsm_collector.derive.refresh.planning import Planning, Scope
from otel_vsm_collector.derive.refresh.steps.scope import CHANGE, RELATED, REPORT, REPORTED
from otel_vsm_collector.derive.rules import (
    approvals,
    blocked,
    changes,
    deployments,
    executions,
    incidents,
    remedies,
    stages,
)
from otel_vsm_collector.derive.rules.sequence import PAIR

DEPLOYMENT = Scope("touched_deployment", ("deployment_id",))
TELLING = Scope("touched_telling", ("telling_id",))


def derive_changes(plan: Planning) -> None:
    related, names, change = (
        plan.table(name) for name in ("related_span", "touched_identity", "touched_change")
    )
    owners = plan.pick("related_owner", "trace_owner", RELATED)
    nobodys = changes.traces_of_nobody(related, owners)
    lost = related.filter(related.change_id.isnull()).semi_join(nobodys, "trace_id")
    work = plan.scratch("work_span", changes.spans_of_changes(related, owners, names).union(lost))
    # Also what was a run before, and does not count any more.
    left_out = plan.table("left_out_span")
    plan.scratch("run_span", work.select(*left_out.columns).union(left_out))
    own = work.filter(work.change_id.notnull())
    runs = plan.scratch("run_now", stages.stage_runs(work))
    of_work = Scope("run_span", ("trace_id", "span_id"))
    plan.replace("stage_run", runs, scope=of_work, first_seen=(FirstSeen("stage_run", ("run_id",)),))
    plan.replace("stage_execution", executions.stage_executions(runs), scope=of_work)
    plan.replace("stage_event", stages.stage_events(own), scope=CHANGE)
    plan.replace("unfinished_stage", stages.unfinished_stages(own), scope=CHANGE)
    plan.replace("item_event", changes.item_events(related), scope=RELATED)
    items = plan.scratch("item_now", changes.change_items(own))
    plan.replace("change_item", items, scope=CHANGE)
    item_events = plan.pick("event_of_item", "item_event", Scope("item_now", ("work_item_id",)))
    plan.replace("blocked", blocked.blocked(items, item_events), scope=CHANGE)
    events = plan.scratch("event_now", changes.change_events(own, items, item_events))
    plan.replace("change_event", events, scope=CHANGE)
    owned = owners.semi_join(change, "change_id")
    keys = plan.scratch("key_now", changes.change_keys(own, names, owned))
    plan.replace("change_key", keys, scope=CHANGE)
    plan.replace(
        "approval",
        approvals.approvals(own),
        first_seen=(FirstSeen("approval", ("change_id", "gate", "actor_type"), known="wait_s"),),
        scope=CHANGE,
    )
    now = plan.scratch("change_now", changes.changes(own, events, names))
    plan.replace("change", now, scope=CHANGE, columns=("id",))
    plan.replace("change_revert", remedies.reverts(now), scope=CHANGE)


def derive_deployment_reports(plan: Planning) -> None:
    """What deployments say: again for what touched spans tell of, and for what was backfilled and is of
    another deployment than before."""
    reported, spans_before = (plan.table(name) for name in ("touched_reported", "deployment_span_before"))
    spans = deployments.spans_of_deployments(plan.table("related_span")).semi_join(reported, "reported_id")
    spans = plan.scratch("distinguished_span", deployments.distinguished(spans), scope="touched_reported")
    own = plan.scratch("own_deployment_span", deployments.with_replaced(spans), scope="touched_reported")
    counted = own.filter(~own.replaced).rename(deployment_id="telling_id")
    links = plan.table("related_link").semi_join(counted, ["trace_id", "span_id"])
    now = plan.scratch(
        "telling_now",
        deployments.tellings(own, deployments.ancestors(counted, links)),
        scope="touched_reported",
    )

    before = plan.pick(
        "telling_before", "deployment_telling", REPORTED, service="service", environment="environment"
    )
    plan.scratch("telling_pair", ibis.union(before, now.select(*PAIR), distinct=True))
    columns = ("telling_id", "reported_id", *deployments.COMPARED)
    beside = plan.pick(
        "pair_telling",
        "deployment_telling",
        Scope("telling_pair", PAIR),
        None,
        **{name: name for name in (*columns, "deployment_id")},
    )
    others = beside.anti_join(reported, "reported_id")
    every = others.select(*columns).union(now.select(*columns))
    assigned = plan.scratch("assigned", deployments.assigned(every), scope="telling_pair")
    both = others.rename(before_id="deployment_id").join(assigned, "telling_id")
    both = both.select("telling_id", "reported_id", "before_id", "deployment_id")
    reassigned = plan.scratch(
        "reassigned", both.filter(both.before_id != both.deployment_id), scope="assigned"
    )
    telling_ids = [rows.select("telling_id") for rows in (spans_before, own, reassigned)]
    plan.scratch("touched_telling", ibis.union(*telling_ids, distinct=True))
    ids = [
        *(rows.select(deployment_id="telling_id") for rows in (spans_before, own, reassigned)),
        *(rows.select("deployment_id") for rows in (spans_before, reassigned)),
        reassigned.select(deployment_id="before_id"),
        assigned.semi_join(now, "telling_id").select("deployment_id"),
    ]
    plan.scratch("touched_deployment", ibis.union(*ids, distinct=True))

    claims = deployments.deployment_claims(counted, links)
    _replace_tellings(plan, "deployment_telling", now)
    _replace_tellings(plan, "deployment_claim", claims.rename(telling_id="deployment_id"))
    _replace_tellings(plan, "deployment_span", deployments.deployment_spans(own))

    plan.pick(
        "report_before",
        "deployment_report",
        DEPLOYMENT,
        ("id",),
        **{name: name for name in (*PAIR, "finished_at")},
    )
    tellings, all_claims = (
        plan.pick(f"touched_{table}", table, DEPLOYMENT)
        for table in ("deployment_telling", "deployment_claim")
    )
    reports = deployments.deployment_reports(tellings, all_claims)
    reports = plan.scratch("report_now", reports, scope="touched_deployment")
    plan.replace("deployment_report", reports, scope=DEPLOYMENT, columns=("id",))


def _replace_tellings(plan: Planning, table: str, now: ir.Table) -> None:
    """Replaces what touched tellings say by what they say now; those that are of another deployment than
    before, and are not touched otherwise, say the same."""
    reassigned = plan.pick(f"reassigned_{table}", table, Scope("reassigned", ("telling_id",)))
    whole = now.union(reassigned.select(*now.columns)).left_join(plan.table("assigned"), "telling_id")
    whole = whole.mutate(deployment_id=ibis.coalesce(whole.deployment_id, whole.telling_id))
    plan.replace(table, whole, scope=TELLING)


def derive_incident_reports(plan: Planning) -> None:
    related, link, report = (plan.table(name) for name in ("related_span", "related_link", "touched_report"))
    own = plan.scratch("incident_span", related.semi_join(report, "incident_id"), scope="touched_report")
    links = link.semi_join(own, ["trace_id", "span_id"])
    plan.replace("incident_report", incidents.incident_reports(own), scope=REPORT, columns=("id",))
    plan.replace("incident_trace", incidents.incident_traces(own), scope=REPORT)
    plan.replace("incident_service", incidents.incident_services(own), scope=REPORT)
    plan.replace("incident_name", incidents.incident_names(own), scope=REPORT)
    plan.replace("incident_link", incidents.incident_links(own, links), scope=REPORT)
