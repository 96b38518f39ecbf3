"""Keeping the facts true: after new spans, the facts that they touch are computed again.

First what spans say by themselves (runs, events, rollouts, incident reports), for the changes, deployments
and incidents that the new spans touch; then what follows from their neighbours (order, carried changes,
failures), for whole services and environments.
"""

import ibis
import ibis.expr.types as ir
from duckdb import DuckDBPyConnection

from otel_vsm_collector.derive import (
    approvals,
    carried,
    changes,
    deliveries,
    deployments,
    failures,
    incidents,
    remedies,
    sequence,
    stages,
    tables,
    touched,
)
from otel_vsm_collector.derive.duplicates import drop_repeated_spans, load_near_spans
from otel_vsm_collector.derive.plan import Observer, Plan, Scope, Sighting
from otel_vsm_collector.derive.sequence import PAIR

_TRACE = Scope("touched_trace", ("trace_id",))
_CHANGE = Scope("touched_change", ("change_id",))
_WORK = Scope("work_span", ("trace_id", "span_id"))
_ROLLOUT = Scope("touched_deployment", ("deployment_id",))
_REPORT = Scope("touched_report", ("incident_id",))
_MOVED = Scope("moved_deployment", ("deployment_id",))
_CLAIMING = Scope("claiming_deployment", ("deployment_id",))
_JUDGED = Scope("judged_deployment", ("deployment_id",))
_INCIDENT = Scope("touched_incident", ("incident_id",))
_DELIVERED = Scope("delivered_change", ("change_id",))


class Refresher:
    """Fills the tables of facts in a DuckDB connection; the caller begins and commits the transaction."""

    def __init__(self, connection: DuckDBPyConnection, observer: Observer | None = None) -> None:
        self._connection = connection
        self._observer = observer
        self._plan = Plan()
        _find_touched(self._plan)
        # Not before: a telling that is dropped touches its change too.
        self._plan.call("repeated", drop_repeated_spans)
        _derive_changes(self._plan)
        _derive_rollouts(self._plan)
        _derive_incident_reports(self._plan)
        _derive_order(self._plan)
        _derive_carried(self._plan)
        _derive_incidents(self._plan)
        _derive_deployments(self._plan)
        _derive_deliveries(self._plan)
        self._plan.create(connection)

    def create_tables(self) -> None:
        """Makes the tables of facts where they are missing."""
        for name, schema in tables.FACTS.items():
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({tables.ddl(schema)})")

    def refresh(self, first_seq: int, last_seq: int) -> int:
        """Takes the ledger's rows with first_seq ≤ seq ≤ last_seq into the facts.

        Returns how many repetitions of spans were taken out of the ledger.
        """
        load_near_spans(self._connection, first_seq, last_seq)
        return self._plan.run(self._connection, self._observer)["repeated"]


def _find_touched(plan: Plan) -> None:
    """Whom the new spans touch."""
    near, span, owners = (tables.table(name) for name in ("near_span", "span", "trace_owner"))
    plan.scratch("touched_trace", near.select("trace_id").distinct())
    plan.scratch("touched_change", touched.touched_changes(near, owners, span))
    plan.scratch("touched_report", touched.touched_incidents(near))
    plan.scratch("touched_deployment", touched.touched_deployments(near))
    # What stands before the facts change, and will have to be looked at again.
    rollout, claims, keys = (tables.table(name) for name in ("rollout", "rollout_claim", "change_key"))
    deployment = _touched("deployment", "deployment_id")
    own = rollout.semi_join(deployment, rollout.id == deployment.deployment_id)
    plan.scratch("rollout_before", own.select(*PAIR, "finished_at"))
    claiming = carried.claiming(claims, keys, _touched("change", "change_id"))
    again = plan.scratch("claiming_before", deployment.union(claiming, distinct=True))
    plan.scratch("claimed_before", carried.claimed(claims, keys, again).distinct())


def _touched(what: str, key: str) -> ir.Table:
    return ibis.table({key: "string"}, name=f"touched_{what}")


def _derive_changes(plan: Plan) -> None:
    near, owners = tables.table("near_span"), tables.table("trace_owner")
    span = tables.table("span").select(*tables.WORK_COLUMNS)
    plan.replace("trace_owner", changes.trace_owners(near), scope=_TRACE)
    nobodys = plan.scratch("nobodys_trace", changes.traces_of_nobody(near, owners))
    change = _touched("change", "change_id")
    lost = span.semi_join(nobodys, "trace_id")
    work = plan.scratch("work_span", changes.spans_of_changes(span, owners, change).union(lost))
    own = work.filter(work.change_id.notnull())
    plan.replace(
        "stage_run",
        stages.stage_runs(work),
        scope=_WORK,
        sightings=(Sighting("stage_run", ("trace_id", "span_id")),),
    )
    items = changes.work_item_events(span, own)
    plan.replace("change_event", changes.change_events(own, items), scope=_CHANGE)
    plan.replace("change_key", changes.change_keys(own), scope=_CHANGE)
    plan.replace(
        "approval",
        approvals.approvals(own),
        sightings=(Sighting("approval", ("change_id", "gate"), known="wait_s"),),
        scope=_CHANGE,
    )
    events = tables.table("change_event").semi_join(change, "change_id")
    keys = tables.table("change_key").semi_join(change, "change_id")
    plan.replace("change", changes.changes(own, events, keys), scope=_CHANGE, columns=("id",))


def _derive_rollouts(plan: Plan) -> None:
    """What deployments' own spans say."""
    span, link = tables.table("span"), tables.table("span_link")
    told = deployments.spans_of_deployments(span)
    own = plan.scratch(
        "deployment_span",
        told.semi_join(_touched("deployment", "deployment_id"), "deployment_id"),
        scope="touched_deployment",
    )
    links = link.semi_join(own, ["trace_id", "span_id"])
    plan.replace("rollout", deployments.rollouts(own), scope=_ROLLOUT, columns=("id",))
    plan.replace("rollout_claim", deployments.rollout_claims(own, links), scope=_ROLLOUT)
    plan.replace("rollout_span", deployments.rollout_spans(own), scope=_ROLLOUT)


def _derive_incident_reports(plan: Plan) -> None:
    """What incidents' own spans say."""
    span, link = tables.table("span"), tables.table("span_link")
    report = _touched("report", "incident_id")
    own = plan.scratch("incident_span", span.semi_join(report, "incident_id"), scope="touched_report")
    links = link.semi_join(own, ["trace_id", "span_id"])
    plan.replace(
        "incident_report",
        incidents.incident_reports(own),
        scope=_REPORT,
        columns=("id",),
    )
    plan.replace(
        "incident_link",
        incidents.incident_links(own, links),
        scope=_REPORT,
    )


def _derive_order(plan: Plan) -> None:
    """Where deployments stand, and which of them mend an earlier one."""
    rollout, place = tables.table("rollout"), tables.table("place")
    deployment = _touched("deployment", "deployment_id")
    before = ibis.table({**dict.fromkeys(PAIR, "string"), "finished_at": "int64"}, name="rollout_before")
    now = rollout.semi_join(deployment, rollout.id == deployment.deployment_id)
    since = plan.scratch("since", sequence.since(before, now), scope="touched_deployment")
    moved = plan.scratch("moved", sequence.moved(rollout, since), scope="since")
    # What is no deployment any more goes too.
    ids = plan.scratch("moved_deployment", deployment.union(moved.select(deployment_id="id"), distinct=True))
    first_before = place.filter(place.before == 0).semi_join(ids, place.id == ids.deployment_id)
    plan.scratch("first_before", first_before.select(deployment_id="id"))
    plan.replace("place", sequence.sequence(moved, since, place), scope=_MOVED, columns=("id",))
    remedy = tables.table("remedy")
    mended = remedy.semi_join(ids, remedy.id == ids.deployment_id).select(deployment_id="mended_id")
    plan.scratch("mended_before", mended, scope="moved_deployment")
    plan.replace("remedy", remedies.remedies(moved, place), scope=_MOVED, columns=("id",))


def _derive_carried(plan: Plan) -> None:
    """Which deployments carry which changes, for touched ones and all that claim the same."""
    claims, keys, place = (tables.table(name) for name in ("rollout_claim", "change_key", "place"))
    moved, first_before, claiming_before = (
        ibis.table({"deployment_id": "string"}, name=name)
        for name in ("moved_deployment", "first_before", "claiming_before")
    )
    first = place.filter(place.before == 0).semi_join(moved, place.id == moved.deployment_id)
    again = ibis.union(
        claiming_before,
        carried.claiming(claims, keys, _touched("change", "change_id")),
        first_before,
        first.select(deployment_id="id"),
        distinct=True,
    )
    claimed_before = ibis.table({"change_id": "string"}, name="claimed_before")
    changes = plan.scratch(
        "claimed_change", claimed_before.union(carried.claimed(claims, keys, again), distinct=True)
    )
    scope = plan.scratch(
        "claiming_deployment",
        ibis.union(claiming_before, again, carried.claiming(claims, keys, changes), distinct=True),
    )
    known = tables.table("deployment_change")
    before = plan.scratch("carried_before", known.semi_join(scope, "deployment_id").select("change_id"))
    beside = carried.claiming(claims, keys, carried.claimed(claims, keys, scope))
    all_claims = claims.semi_join(beside, "deployment_id")
    found = carried.deployment_changes(all_claims, keys, place)
    plan.replace("deployment_change", found.semi_join(scope, "deployment_id"), scope=_CLAIMING)
    now = known.semi_join(scope, "deployment_id").select("change_id")
    plan.scratch("delivered_change", ibis.union(before, now, _touched("change", "change_id"), distinct=True))


def _derive_incidents(plan: Plan) -> None:
    """Which deployment each incident came from, for touched ones and those after a touched deployment."""
    report, incident, links = (
        tables.table(name) for name in ("incident_report", "incident", "incident_link")
    )
    spans, rollout = tables.table("rollout_span"), tables.table("rollout")
    since = ibis.table({**dict.fromkeys(PAIR, "string"), "since": "int64"}, name="since")
    deployment = _touched("deployment", "deployment_id")
    named = report.semi_join(deployment, report.named_deployment_id == deployment.deployment_id)
    later = report.join(since, PAIR)
    later = later.filter(later.started_at >= later.since)
    again = plan.scratch(
        "touched_incident",
        ibis.union(
            _touched("report", "incident_id"),
            touched.linking_incidents(links, spans, deployment),
            named.select(incident_id="id"),
            later.select(incident_id="id"),
            distinct=True,
        ),
    )
    known = incident.semi_join(again, incident.id == again.incident_id)
    plan.scratch("blamed_before", known.select("deployment_id"), scope="touched_incident")
    reports = report.semi_join(again, report.id == again.incident_id)
    plan.replace(
        "incident",
        incidents.incidents(reports, links.semi_join(again, "incident_id"), rollout, spans),
        scope=_INCIDENT,
        columns=("id",),
        sightings=(
            Sighting("incident_detected", ("id",), known="detected_at"),
            Sighting("incident_restored", ("id",), known="resolved_at"),
        ),
    )


def _derive_deployments(plan: Plan) -> None:
    """What deployments and their neighbours say together."""
    rollout, place, remedy, incident, deployment = (
        tables.table(name) for name in ("rollout", "place", "remedy", "incident", "deployment")
    )
    moved, claiming, mended_before, blamed_before = (
        ibis.table({"deployment_id": "string"}, name=name)
        for name in ("moved_deployment", "claiming_deployment", "mended_before", "blamed_before")
    )
    pairs = plan.scratch(
        "judged_pair",
        ibis.union(
            *(
                place.semi_join(ids, place.id == ids.deployment_id).select(*PAIR)
                for ids in (moved, blamed_before)
            ),
            distinct=True,
        ),
    )
    again = ibis.table({"incident_id": "string"}, name="touched_incident")
    failed = deployment.filter(deployment.failed).semi_join(pairs, PAIR)
    ids = plan.scratch(
        "judged_deployment",
        ibis.union(
            moved,
            claiming,
            mended_before,
            remedy.semi_join(moved, remedy.id == moved.deployment_id).select(deployment_id="mended_id"),
            blamed_before,
            incident.semi_join(again, incident.id == again.incident_id).select("deployment_id"),
            # A later remedy recovers what failed long ago.
            failed.select(deployment_id="id"),
            distinct=True,
        ),
    )

    def judged(rows: ir.Table, column: str = "id") -> ir.Table:
        return rows.semi_join(ids, rows[column] == ids.deployment_id)

    causes = judged(incident, "deployment_id")
    found = plan.scratch(
        "failure",
        failures.failures(judged(place), judged(remedy, "mended_id"), causes),
        scope="judged_deployment",
    )
    later = remedy.semi_join(found, PAIR)
    mapping = carried.best_method(judged(tables.table("deployment_change"), "deployment_id"), "deployment_id")
    plan.replace(
        "deployment",
        deployments.deployments(
            judged(rollout),
            judged(place),
            mapping,
            judged(remedy),
            found,
            failures.recoveries(found, later, causes),
        ),
        scope=_JUDGED,
        columns=("id",),
        sightings=(
            Sighting("deployment", ("id",)),
            Sighting("deployment_failure", ("id",), known="failed"),
        ),
    )


def _derive_deliveries(plan: Plan) -> None:
    """Which changes arrived where, for those touched and those whose deployments were."""
    touched_delivery = ibis.table({"change_id": "string"}, name="delivered_change")
    change = tables.table("change")
    plan.replace(
        "delivery",
        deliveries.deliveries(
            tables.table("deployment_change").semi_join(touched_delivery, "change_id"),
            tables.table("rollout"),
            change.semi_join(touched_delivery, change.id == touched_delivery.change_id),
        ),
        scope=_DELIVERED,
        sightings=(Sighting("delivery", ("change_id", "service", "environment"), known="lead_time_s"),),
    )
