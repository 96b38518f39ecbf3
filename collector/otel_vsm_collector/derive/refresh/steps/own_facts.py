"""What the spans of changes, deployments and incidents say by themselves."""

from otel_vsm_collector.derive.refresh.plan import FirstSeen, Plan, Scope
from otel_vsm_collector.derive.refresh.steps.scope import CHANGE, DEPLOYMENT, RELATED, REPORT
from otel_vsm_collector.derive.rules import approvals, blocked, changes, deployments, incidents, stages


def derive_changes(plan: Plan) -> None:
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
    plan.replace(
        "stage_run",
        stages.stage_runs(work),
        scope=Scope("run_span", ("trace_id", "span_id")),
        first_seen=(FirstSeen("stage_run", ("trace_id", "span_id")),),
    )
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
    plan.replace("change", changes.changes(own, events, names), scope=CHANGE, columns=("id",))


def derive_deployment_reports(plan: Plan) -> None:
    spans = deployments.spans_of_deployments(plan.table("related_span"))
    own = plan.scratch(
        "own_deployment_span",
        spans.semi_join(plan.table("touched_deployment"), "deployment_id"),
        scope="touched_deployment",
    )
    links = plan.table("related_link").semi_join(own, ["trace_id", "span_id"])
    claims = plan.scratch("own_claim", deployments.deployment_claims(own, links), scope="touched_deployment")
    plan.replace("deployment_claim", claims, scope=DEPLOYMENT)
    reports = plan.scratch(
        "report_now", deployments.deployment_reports(own, claims), scope="touched_deployment"
    )
    plan.replace("deployment_report", reports, scope=DEPLOYMENT, columns=("id",))
    plan.replace("deployment_span", deployments.deployment_spans(own), scope=DEPLOYMENT)


def derive_incident_reports(plan: Plan) -> None:
    related, link, report = (plan.table(name) for name in ("related_span", "related_link", "touched_report"))
    own = plan.scratch("incident_span", related.semi_join(report, "incident_id"), scope="touched_report")
    links = link.semi_join(own, ["trace_id", "span_id"])
    plan.replace("incident_report", incidents.incident_reports(own), scope=REPORT, columns=("id",))
    plan.replace("incident_trace", incidents.incident_traces(own), scope=REPORT)
    plan.replace("incident_service", incidents.incident_services(own), scope=REPORT)
    plan.replace("incident_name", incidents.incident_names(own), scope=REPORT)
    plan.replace("incident_link", incidents.incident_links(own, links), scope=REPORT)
