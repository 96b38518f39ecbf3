"""What deployments and their neighbours say together: what failed, what mended it, what was delivered."""

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh import touched
from otel_vsm_collector.derive.refresh.plan import Plan, Scope, Sighting
from otel_vsm_collector.derive.refresh.steps.scope import ROLLOUT
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

MENDING = Scope("mending_deployment", ("deployment_id",))
JUDGED = Scope("judged_deployment", ("deployment_id",))
INCIDENT = Scope("touched_incident", ("incident_id",))
SOURCE = Scope("evidence_source", ("source_id", "source_kind"))
DELIVERED = Scope("delivered_change", ("change_id",))


def derive_remedies(plan: Plan) -> None:
    """Which deployments mend an earlier one: again for moved ones, for those that carry other changes than
    before, and for the ones after them."""
    moved, claiming = plan.table("moved_deployment"), plan.table("claiming_deployment")
    after = plan.pick(
        "after_claiming",
        "deployment_order",
        Scope("claiming_deployment", ("deployment_id",)),
        ("previous_id",),
    )
    ids = plan.scratch(
        "mending_deployment", ibis.union(moved, claiming, after.select(deployment_id="id"), distinct=True)
    )
    plan.pick("mending_place", "deployment_order", MENDING, ("id",))
    places = plan.pick("mending_pair_place", "deployment_order", Scope("mending_place", PAIR))
    told = plan.pick("mending_rollout", "deployment_report", MENDING, ("id",))
    before = places.semi_join(ids, places.id == ids.deployment_id).select(deployment_id="previous_id")
    plan.scratch("neighbour", ids.union(before.filter(before.deployment_id.notnull()), distinct=True))
    known = plan.pick("neighbour_carried", "deployment_change", Scope("neighbour", ("deployment_id",)))
    changes = plan.pick("neighbour_change", "change", Scope("neighbour_carried", ("change_id",)), ("id",))
    reverts = plan.scratch("revert", remedies.reverts(changes), scope="neighbour_change")
    names = plan.pick("reverted", "identity", Scope("revert", ("node",)))
    reverting = remedies.reverting(told, places, known, reverts, names)
    plan.pick("remedy_before", "remedy", MENDING, ("id",))
    now = plan.scratch("remedy_now", remedies.remedies(told, places, reverting), scope="mending_rollout")
    plan.replace("remedy", now, scope=MENDING, columns=("id",))
    plan.scratch(
        "deployment_evidence",
        evidence.of_deployments(evidence.Deployments(told, places, now)),
        scope="mending_rollout",
    )


def derive_incidents(plan: Plan, definitions: Definitions) -> None:
    """Which deployments each incident came from: again for touched ones and for those after a touched one."""
    report, services, names, links, spans, rollout = (
        tables.table(name)
        for name in (
            "incident_report",
            "incident_service",
            "incident_name",
            "incident_link",
            "deployment_span",
            "deployment_report",
        )
    )
    deployment = plan.table("touched_deployment")
    told = plan.pick("touched_rollout_span", "deployment_span", ROLLOUT)
    again = plan.scratch(
        "touched_incident",
        ibis.union(
            plan.table("touched_report"),
            touched.linking_incidents(links, told),
            names.semi_join(deployment, "deployment_id").select("incident_id"),
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
            rollout,
            spans,
        ),
        scope="touched_incident",
    )
    plan.replace(
        "incident",
        incidents.incidents(reports, causes, rollout),
        scope=INCIDENT,
        columns=("id",),
        sightings=(
            Sighting("incident_detected", ("id",), known="detected_at"),
            Sighting("incident_restored", ("id",), known="resolved_at"),
        ),
    )


def derive_evidence(plan: Plan) -> None:
    """What touched incidents and deployments say of the failure of deployments."""
    sources = [
        plan.table(name).select(source_id=column, source_kind=ibis.literal(kind))
        for name, column, kind in (
            ("touched_incident", "incident_id", evidence.INCIDENT),
            ("mending_deployment", "deployment_id", evidence.DEPLOYMENT),
        )
    ]
    plan.scratch("evidence_source", ibis.union(*sources))
    plan.pick("evidence_before", "evidence", SOURCE)
    columns = tables.FACTS["evidence"].names
    found = [plan.table(name).select(*columns) for name in ("incident_evidence", "deployment_evidence")]
    now = plan.scratch("evidence_now", ibis.union(*found), scope="evidence_source")
    plan.replace("evidence", now, scope=SOURCE)


def derive_deployments(plan: Plan, definitions: Definitions) -> None:
    """What became of deployments: again for those that something touched says something of, and for those
    that another remedy may have recovered."""
    deployment, profile = tables.table("deployment"), definitions.profile
    since = plan.scratch(
        "remedies_since", sequence.since(plan.table("mending_place"), plan.table("remedy_before"))
    )
    # A later remedy recovers what failed long ago, where nothing did before it.
    failed = deployment.filter(deployment.failed).join(since, PAIR)
    failed = failed.filter((failed.recovered_at >= failed.since).fill_null(True))
    plan.scratch(
        "judged_deployment",
        ibis.union(
            plan.table("mending_deployment"),
            *(plan.table(name).select("deployment_id") for name in ("evidence_before", "evidence_now")),
            failed.select(deployment_id="id"),
            distinct=True,
        ),
    )

    def judged(table: str, column: str = "id") -> ir.Table:
        return plan.pick(f"judged_{table}", table, JUDGED, (column,))

    place, about = judged("deployment_order"), judged("evidence", "deployment_id")
    found = plan.scratch("failure", failures.failures(place, about, profile), scope="judged_deployment")
    later = plan.pick("later_remedy", "remedy", Scope("failure", PAIR))
    plan.replace(
        "deployment",
        deployments.deployments(
            judged("deployment_report"),
            place,
            carried.best_method(judged("deployment_change", "deployment_id"), "deployment_id"),
            judged("remedy"),
            found,
            failures.recoveries(found, later, about, profile),
        ),
        scope=JUDGED,
        columns=("id",),
        sightings=(
            Sighting("deployment", ("id",)),
            Sighting("deployment_failure", ("id",), known="failed"),
        ),
    )


def derive_deliveries(plan: Plan, definitions: Definitions) -> None:
    """Which changes arrived where: again for those touched and those whose deployments were."""
    known = plan.pick("delivering", "deployment_change", DELIVERED)
    rollouts = plan.pick(
        "delivering_rollout", "deployment_report", Scope("delivering", ("deployment_id",)), ("id",)
    )
    changes = plan.pick("delivered", "change", DELIVERED, ("id",))
    plan.replace(
        "delivery",
        deliveries.deliveries(known, rollouts, changes, definitions.profile),
        scope=DELIVERED,
        sightings=(Sighting("delivery", ("change_id", "service", "environment"), known="lead_time_s"),),
    )
