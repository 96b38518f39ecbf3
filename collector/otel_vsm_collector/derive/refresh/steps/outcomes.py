"""What deployments and their neighbours say together: what failed, what mended it, what was delivered."""

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh import touched
from otel_vsm_collector.derive.refresh.plan import FirstSeen
from otel_vsm_collector.derive.refresh.planning import Planning, Scope
from otel_vsm_collector.derive.rules import (
    carried,
    deliveries,
    deployments,
    evidence,
    failures,
    incidents,
    remedies,
    sequence,
)
from otel_vsm_collector.derive.rules.sequence import PAIR

COMPARED = Scope("compared_deployment", ("deployment_id",))
"""The deployments that are compared again with what came before them."""
INCIDENT = Scope("touched_incident", ("incident_id",))
SOURCE = Scope("evidence_source", ("source_id", "source_kind"))
OUTCOME = Scope("outcome_deployment", ("deployment_id",))
_DEPLOYMENT = ("reported_id", *PAIR)
"""What a deployment stays the same by, also where another one gets its id."""
DELIVERED = Scope("delivered_change", ("change_id",))


def derive_remedies(plan: Planning) -> None:
    """Which deployments mend an earlier one: again for moved ones, for those that carry other changes than
    before, and for the ones after them."""
    moved, claiming = plan.table("moved_deployment"), plan.table("claiming_deployment")
    after = plan.pick(
        "after_claiming",
        "deployment_order",
        Scope("claiming_deployment", ("deployment_id",)),
        ("previous_id",),
    )
    reverting = _carrying_reverts_of_touched(plan)
    ids = plan.scratch(
        "compared_deployment",
        ibis.union(moved, claiming, after.select(deployment_id="id"), reverting, distinct=True),
    )
    plan.pick("compared_order", "deployment_order", COMPARED, ("id",))
    order = plan.pick("compared_pair_order", "deployment_order", Scope("compared_order", PAIR))
    reports = plan.pick("compared_report", "deployment_report", COMPARED, ("id",))
    before = order.semi_join(ids, order.id == ids.deployment_id).select(deployment_id="previous_id")
    plan.scratch("neighbour", ids.union(before.filter(before.deployment_id.notnull()), distinct=True))
    carried_changes = plan.pick(
        "neighbour_carried", "deployment_change", Scope("neighbour", ("deployment_id",))
    )
    reverting = remedies.reverting(reports, order, carried_changes, _taken_back(plan))
    plan.pick("remedy_before", "remedy", COMPARED, ("id",))
    now = plan.scratch("remedy_now", remedies.remedies(reports, order, reverting), scope="compared_report")
    plan.replace("remedy", now, scope=COMPARED, columns=("id",))
    plan.scratch(
        "deployment_evidence",
        evidence.of_deployments(evidence.DeploymentFacts(reports, order, now)),
        scope="compared_report",
    )


def _carrying_reverts_of_touched(plan: Planning) -> ir.Table:
    """The deployments (deployment_id) that carry what takes touched changes back, or takes that back."""
    rows, scope = [], Scope("touched_node", ("node",))
    for again in range(1, remedies.REVERTS):
        rows.append(plan.pick(f"reverting_{again}", "change_revert", scope))
        plan.pick(f"reverting_identity_{again}", "identity", Scope(f"reverting_{again}", ("change_id",)))
        scope = Scope(f"reverting_identity_{again}", ("node",))
    changes = (reverts.select("change_id") for reverts in rows)
    plan.scratch("reverting_change", ibis.union(*changes, distinct=True))
    scope = Scope("reverting_change", ("change_id",))
    return plan.pick("reverting_carried", "deployment_change", scope).select("deployment_id")


def _taken_back(plan: Planning) -> ir.Table:
    """What the changes take back that are carried by compared deployments."""
    reverts, names, scope = [], [], Scope("neighbour_carried", ("change_id",))
    for again in range(remedies.REVERTS):
        reverts.append(plan.pick(f"revert_{again}", "change_revert", scope))
        names.append(plan.pick(f"reverted_identity_{again}", "identity", Scope(f"revert_{again}", ("node",))))
        scope = Scope(f"reverted_identity_{again}", ("change_id",))
    every = (ibis.union(*rows, distinct=True) for rows in (reverts, names))
    return plan.scratch("taken_back", remedies.taken_back(*every), scope="revert_0")


def derive_incidents(plan: Planning, definitions: Definitions) -> None:
    """Which deployments each incident came from: again for touched ones and for those after a touched one."""
    report, services, names, links, spans, tellings, deployment_report = (
        tables.table(name)
        for name in (
            "incident_report",
            "incident_service",
            "incident_name",
            "incident_link",
            "deployment_span",
            "deployment_telling",
            "deployment_report",
        )
    )
    touched_ids = [
        plan.table("touched_deployment"),
        plan.table("touched_reported").select(deployment_id="reported_id"),
        plan.table("reassigned").select(deployment_id="reported_id"),
        # Also what was backfilled is named by incidents, and is of a deployment that may have moved.
        *(
            plan.table("touched_deployment_telling").select(deployment_id=name)
            for name in ("telling_id", "reported_id")
        ),
    ]
    deployment_spans = plan.pick(
        "deployment_span_now", "deployment_span", Scope("touched_deployment", ("deployment_id",))
    )
    again = plan.scratch(
        "touched_incident",
        ibis.union(
            plan.table("touched_report"),
            touched.linking_incidents(links, deployment_spans),
            touched.linking_incidents(links, plan.table("deployment_span_before")),
            names.semi_join(ibis.union(*touched_ids), "deployment_id").select("incident_id"),
            definitions.later_incidents(report, services, plan.table("since")),
            distinct=True,
        ),
    )
    reports = report.semi_join(again, report.id == again.incident_id)
    causes = plan.scratch(
        "incident_evidence",
        definitions.incident_evidence(
            reports,
            services.semi_join(again, "incident_id"),
            names.semi_join(again, "incident_id"),
            links.semi_join(again, "incident_id"),
            deployment_report,
            tellings,
            spans,
        ),
        scope="touched_incident",
    )
    plan.replace(
        "incident",
        incidents.incidents(reports, causes, deployment_report),
        scope=INCIDENT,
        columns=("id",),
        first_seen=(
            FirstSeen("incident_detected", ("id",), known="detected_at"),
            FirstSeen("incident_restored", ("id",), known="resolved_at"),
        ),
    )


def derive_evidence(plan: Planning) -> None:
    """What touched incidents and compared deployments say of the failure of deployments."""
    sources = [
        plan.table(scope.table).select(source_id=scope.columns[0], source_kind=ibis.literal(kind))
        for scope, kind in ((INCIDENT, evidence.INCIDENT), (COMPARED, evidence.DEPLOYMENT))
    ]
    plan.scratch("evidence_source", ibis.union(*sources))
    plan.pick("evidence_before", "evidence", SOURCE)
    columns = tables.FACTS["evidence"].names
    parts = [plan.table(name).select(*columns) for name in ("incident_evidence", "deployment_evidence")]
    now = plan.scratch("evidence_now", ibis.union(*parts), scope="evidence_source")
    plan.replace("evidence", now, scope=SOURCE)


def derive_deployments(plan: Planning, definitions: Definitions) -> None:
    """What became of deployments: again for compared ones, for those that evidence is about, and for those
    that another remedy may have recovered."""
    deployment, profile = tables.table("deployment"), definitions.profile
    since = plan.scratch(
        "remedies_since", sequence.since(plan.table("compared_order"), plan.table("remedy_before"))
    )
    # A later remedy recovers what failed long ago, where nothing did before it.
    failed = deployment.filter(deployment.failed).join(since, PAIR)
    failed = failed.filter((failed.recovered_at >= failed.since).fill_null(True))
    plan.scratch(
        "outcome_deployment",
        ibis.union(
            plan.table("compared_deployment"),
            *(plan.table(name).select("deployment_id") for name in ("evidence_before", "evidence_now")),
            failed.select(deployment_id="id"),
            distinct=True,
        ),
    )

    def theirs(table: str, column: str = "id") -> ir.Table:
        return plan.pick(f"outcome_{table}", table, OUTCOME, (column,))

    order, about = theirs("deployment_order"), theirs("evidence", "deployment_id")
    failure = plan.scratch("failure", failures.failures(order, about, profile), scope="outcome_deployment")
    later = plan.pick("later_remedy", "remedy", Scope("failure", PAIR))
    plan.replace(
        "deployment",
        deployments.deployments(
            theirs("deployment_report"),
            order,
            carried.best_method(theirs("deployment_change", "deployment_id"), "deployment_id"),
            theirs("remedy"),
            failure,
            failures.recoveries(failure, later, about, profile),
        ),
        scope=OUTCOME,
        columns=("id",),
        first_seen=(
            FirstSeen("deployment", _DEPLOYMENT),
            FirstSeen("deployment_failure", _DEPLOYMENT, known="failed"),
        ),
    )


def derive_deliveries(plan: Planning, definitions: Definitions) -> None:
    """Which changes arrived where: again for those touched and those whose deployments were."""
    # Those of an artifact follow from all of its deployments: they are computed when they are asked for.
    profile = definitions.profile.of_changes
    carried_changes = plan.pick("delivered_carried", "deployment_change", DELIVERED)
    reports = plan.pick(
        "delivering_report", "deployment_report", Scope("delivered_carried", ("deployment_id",)), ("id",)
    )
    changes = plan.pick("delivered", "change", DELIVERED, ("id",))
    plan.replace(
        "delivery",
        deliveries.deliveries(carried_changes, reports, changes, profile),
        scope=DELIVERED,
        first_seen=(FirstSeen("delivery", ("change_id", "service", "environment"), known="lead_time_s"),),
    )
