"""What the spans of changes, deployments and incidents say by themselves."""

from otel_vsm_collector.derive.refresh.plan import Plan, Scope, Sighting
from otel_vsm_collector.derive.refresh.steps.scope import CHANGE, REPORT, ROLLOUT, WIDE
from otel_vsm_collector.derive.rules import approvals, blocked, changes, deployments, incidents, stages
from otel_vsm_collector.derive.rules import unfinished as begun


def derive_changes(plan: Plan) -> None:
    wide, names, change = (plan.table(name) for name in ("wide_span", "touched_identity", "touched_change"))
    owners = plan.pick("wide_owner", "trace_owner", WIDE)
    nobodys = changes.traces_of_nobody(wide, owners)
    lost = wide.filter(wide.change_id.isnull()).semi_join(nobodys, "trace_id")
    work = plan.scratch("work_span", changes.spans_of_changes(wide, owners, names).union(lost))
    own = work.filter(work.change_id.notnull())
    plan.replace(
        "stage_run",
        stages.stage_runs(work),
        scope=Scope("work_span", ("trace_id", "span_id")),
        sightings=(Sighting("stage_run", ("trace_id", "span_id")),),
    )
    plan.replace("stage_event", begun.stage_events(own), scope=CHANGE)
    plan.replace("unfinished_stage", begun.begun_stages(own), scope=CHANGE)
    plan.replace("item_event", changes.item_events(wide), scope=WIDE)
    items = plan.scratch("touched_item", changes.change_items(own))
    plan.replace("change_item", items, scope=CHANGE)
    told = plan.pick("touched_item_event", "item_event", Scope("touched_item", ("work_item_id",)))
    plan.replace("blocked", blocked.blocked(items, told), scope=CHANGE)
    events = plan.scratch("touched_event", changes.change_events(own, items, told))
    plan.replace("change_event", events, scope=CHANGE)
    owned = owners.semi_join(change, "change_id")
    keys = plan.scratch("key_now", changes.change_keys(own, names, owned))
    plan.replace("change_key", keys, scope=CHANGE)
    plan.replace(
        "approval",
        approvals.approvals(own),
        sightings=(Sighting("approval", ("change_id", "gate", "actor_type"), known="wait_s"),),
        scope=CHANGE,
    )
    plan.replace("change", changes.changes(own, events, names), scope=CHANGE, columns=("id",))


def derive_rollouts(plan: Plan) -> None:
    told = deployments.spans_of_deployments(plan.table("wide_span"))
    own = plan.scratch(
        "own_deployment_span",
        told.semi_join(plan.table("touched_deployment"), "deployment_id"),
        scope="touched_deployment",
    )
    links = plan.table("wide_link").semi_join(own, ["trace_id", "span_id"])
    claims = plan.scratch("own_claim", deployments.rollout_claims(own, links), scope="touched_deployment")
    plan.replace("deployment_claim", claims, scope=ROLLOUT)
    rollouts = plan.scratch("touched_rollout", deployments.rollouts(own, claims), scope="touched_deployment")
    plan.replace("deployment_report", rollouts, scope=ROLLOUT, columns=("id",))
    plan.replace("deployment_span", deployments.rollout_spans(own), scope=ROLLOUT)


def derive_incident_reports(plan: Plan) -> None:
    wide, link, report = (plan.table(name) for name in ("wide_span", "wide_link", "touched_report"))
    own = plan.scratch("incident_span", wide.semi_join(report, "incident_id"), scope="touched_report")
    links = link.semi_join(own, ["trace_id", "span_id"])
    plan.replace("incident_report", incidents.incident_reports(own), scope=REPORT, columns=("id",))
    plan.replace("incident_trace", incidents.incident_traces(own), scope=REPORT)
    plan.replace("incident_service", incidents.incident_services(own), scope=REPORT)
    plan.replace("incident_name", incidents.incident_names(own), scope=REPORT)
    plan.replace("incident_link", incidents.incident_links(own, links), scope=REPORT)
