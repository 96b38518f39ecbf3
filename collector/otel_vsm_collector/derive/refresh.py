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
    sequence,
    stages,
    tables,
    touched,
)
from otel_vsm_collector.derive.duplicates import drop_repeated_spans, load_near_spans
from otel_vsm_collector.derive.plan import Observer, Plan, Scope, Sighting

_TRACE = Scope("touched_trace", ("trace_id",))
_CHANGE = Scope("touched_change", ("change_id",))
_WORK = Scope("work_span", ("trace_id", "span_id"))
_ROLLOUT = Scope("touched_deployment", ("deployment_id",))
_REPORT = Scope("touched_report", ("incident_id",))
_DEPLOYMENT = Scope("pair_deployment", ("deployment_id",))
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
        _derive_neighbours(self._plan)
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

    def rebuild(self) -> None:
        """Computes every fact anew from the whole ledger."""
        for name in tables.FACTS:
            self._connection.execute(f"DELETE FROM {name}")
        row = self._connection.execute("SELECT min(seq), max(seq) FROM span").fetchone()
        if row and row[0] is not None:
            self.refresh(*row)


def _find_touched(plan: Plan) -> None:
    """Whom the new spans touch."""
    near, span, owners = (tables.table(name) for name in ("near_span", "span", "trace_owner"))
    plan.scratch("touched_trace", near.select("trace_id").distinct())
    plan.scratch("touched_change", touched.touched_changes(near, owners, span))
    plan.scratch("touched_report", touched.touched_incidents(near))
    plan.scratch("touched_deployment", touched.touched_deployments(near))
    plan.scratch("pair_before", _touched_pairs())


def _touched_pairs() -> ir.Table:
    names = ("rollout", "rollout_claim", "change_key", "incident_report", "incident")
    rollouts, claims, keys, reports, attributed = (tables.table(name) for name in names)
    return touched.touched_pairs(
        _touched("deployment", "deployment_id"),
        _touched("report", "incident_id"),
        _touched("change", "change_id"),
        rollouts=rollouts,
        claims=claims,
        keys=keys,
        reports=reports,
        attributed=attributed,
    )


def _touched(what: str, key: str) -> ir.Table:
    return ibis.table({key: "string"}, name=f"touched_{what}")


def _derive_changes(plan: Plan) -> None:
    near, span, owners = (tables.table(name) for name in ("near_span", "span", "trace_owner"))
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


def _derive_neighbours(plan: Plan) -> None:
    """What deployments and incidents of one service and environment mean for each other."""
    rollout, report, attributed = (tables.table(name) for name in ("rollout", "incident_report", "incident"))
    before = ibis.table({"service": "string", "environment": "string"}, name="pair_before")
    pair = plan.scratch("touched_pair", before.union(_touched_pairs(), distinct=True))
    near = plan.scratch(
        "pair_rollout", rollout.semi_join(pair, ["service", "environment"]), scope="touched_pair"
    )
    # A deployment that moved to another pair, or is none any more, goes too.
    ids = plan.scratch(
        "pair_deployment",
        near.select(deployment_id="id").union(_touched("deployment", "deployment_id"), distinct=True),
    )
    order = plan.scratch("pair_order", sequence.sequence(near), scope="pair_rollout")
    claims = tables.table("rollout_claim").semi_join(ids, "deployment_id")
    carried_before = plan.scratch(
        "carried_before",
        tables.table("deployment_change").semi_join(ids, "deployment_id"),
        scope="pair_deployment",
    )
    plan.replace(
        "deployment_change",
        carried.deployment_changes(claims, tables.table("change_key"), order),
        scope=_DEPLOYMENT,
    )
    now = tables.table("deployment_change").semi_join(ids, "deployment_id")
    plan.scratch(
        "delivered_change",
        ibis.union(
            carried_before.select("change_id"),
            now.select("change_id"),
            _touched("change", "change_id"),
            distinct=True,
        ),
    )
    spans = tables.table("rollout_span")
    links = tables.table("incident_link")
    linking = touched.linking_incidents(links, spans, ids)
    again = plan.scratch(
        "touched_incident",
        ibis.union(
            _touched("report", "incident_id"),
            linking,
            report.semi_join(pair, ["service", "environment"]).select(incident_id="id"),
            attributed.semi_join(ids, "deployment_id").select(incident_id="id"),
            distinct=True,
        ),
    )
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
    remedies = plan.scratch("pair_remedy", failures.remedies(near, order), scope="pair_rollout")
    caused = attributed.semi_join(ids, "deployment_id")
    plan.replace(
        "deployment",
        failures.deployments(near, order, remedies, now, caused),
        scope=_DEPLOYMENT,
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
