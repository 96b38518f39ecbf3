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
    failures,
    incidents,
    remedies,
    sequence,
)
from otel_vsm_collector.derive.rules.sequence import PAIR

MENDING = Scope("mending_deployment", ("deployment_id",))
JUDGED = Scope("judged_deployment", ("deployment_id",))
INCIDENT = Scope("touched_incident", ("incident_id",))
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
    mended = plan.pick("remedy_before", "remedy", MENDING, ("id",))
    plan.scratch("mended_before", mended.select(deployment_id="mended_id"))
    now = plan.scratch("remedy_now", remedies.remedies(told, places, reverting), scope="mending_rollout")
    plan.replace("remedy", now, scope=MENDING, columns=("id",))


def derive_incidents(plan: Plan, definitions: Definitions) -> None:
    """Which deployments each incident came from: again for touched ones and for those after a touched one."""
    report, cause, services, names, links, spans, rollout = (
        tables.table(name)
        for name in (
            "incident_report",
            "incident_cause",
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
    known = cause.semi_join(again, "incident_id")
    plan.scratch("blamed_before", known.select("deployment_id"), scope="touched_incident")
    reports = report.semi_join(again, report.id == again.incident_id)
    plan.replace(
        "incident_cause",
        definitions.incident_causes(
            reports,
            services.semi_join(again, "incident_id"),
            names.semi_join(again, "incident_id"),
            links.semi_join(again, "incident_id"),
            rollout,
            spans,
        ),
        scope=INCIDENT,
    )
    plan.replace(
        "incident",
        incidents.incidents(reports, known, rollout),
        scope=INCIDENT,
        columns=("id",),
        sightings=(
            Sighting("incident_detected", ("id",), known="detected_at"),
            Sighting("incident_restored", ("id",), known="resolved_at"),
        ),
    )


def derive_deployments(plan: Plan, definitions: Definitions) -> None:
    cause, incident, deployment = (
        tables.table(name) for name in ("incident_cause", "incident", "deployment")
    )
    blamed = plan.scratch(
        "blamed_now",
        cause.semi_join(plan.table("touched_incident"), "incident_id").select("deployment_id"),
        scope="touched_incident",
    )
    touching = ibis.union(
        plan.table("mending_deployment"), plan.table("blamed_before"), blamed, distinct=True
    )
    plan.scratch("touching_deployment", touching)
    places = plan.pick(
        "touching_place", "deployment_order", Scope("touching_deployment", ("deployment_id",)), ("id",)
    )
    since = plan.scratch("judged_since", sequence.since(places, plan.table("remedy_before")))
    # A later remedy recovers what failed long ago, where nothing did before it.
    failed = deployment.filter(deployment.failed).join(since, PAIR)
    failed = failed.filter((failed.recovered_at >= failed.since).fill_null(True))
    plan.scratch(
        "judged_deployment",
        ibis.union(
            plan.table("touching_deployment"),
            plan.table("mended_before"),
            plan.table("remedy_now").select(deployment_id="mended_id"),
            failed.select(deployment_id="id"),
            distinct=True,
        ),
    )

    def judged(table: str, column: str = "id") -> ir.Table:
        return plan.pick(f"judged_{table}", table, JUDGED, (column,))

    causes = plan.scratch(
        "judged_cause",
        failures.with_incidents(judged("incident_cause", "deployment_id"), incident, definitions.profile),
        scope="judged_deployment",
    )
    place = judged("deployment_order")
    mending = plan.pick("mends_judged", "remedy", JUDGED, ("mended_id",))
    found = plan.scratch(
        "failure",
        failures.failures(place, mending, causes, definitions.profile),
        scope="judged_deployment",
    )
    later = plan.pick("later_remedy", "remedy", Scope("failure", PAIR))
    plan.replace(
        "deployment",
        deployments.deployments(
            judged("deployment_report"),
            place,
            carried.best_method(judged("deployment_change", "deployment_id"), "deployment_id"),
            judged("remedy"),
            found,
            failures.recoveries(found, later, causes),
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
