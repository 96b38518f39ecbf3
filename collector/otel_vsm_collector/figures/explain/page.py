"""The rows behind a figure, page by page, with what is to be said of each."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive.rules.evidence import INCIDENT
from otel_vsm_collector.derive.rules.starts import with_start
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.evidence import evidence
from otel_vsm_collector.figures.explain.rows import Kind
from otel_vsm_collector.figures.flow.approvals import named
from otel_vsm_collector.figures.flow.runs import BETWEEN
from otel_vsm_collector.figures.registry import EXPLAINED

Row = dict[str, Any]
Which = Literal["all", "counted", "part", "left_out"]
_OF_LEGS = ("leg", "job_run", "result", "started_at", "ended_at", "decides", "trace_id", "span_id")
_APART = "\x1f"
"""Between ids that are details_of for together: a character that no sound id has."""


def page(
    reader: Reader,
    figure: str,
    selection: Selection,
    *,
    which: Which = "all",
    limit: int,
    after: tuple[int, str] | None,
) -> list[Row]:
    """The newest `limit` rows of a figure of those that come after one (at, id), in the shape of `ROWS`, each
    with its `change`, `deployment`, `incident`, `run`, `execution` or `approval`."""
    last: dict[str, int | str] = {} if after is None else {"at": after[0], "id": after[1]}
    rows = reader.answer(_page, selection, figure, which, limit, **last)

    def details_of(what: Callable[..., ir.Table], names: Iterable[str | None]) -> dict[str, Row]:
        ids = sorted({name for name in names if name is not None})
        details = reader.answer(what, selection, ids=_APART.join(ids)) if ids else []
        return {row["id"]: row for row in details}

    names = {kind: [row["name"] for row in rows if row["kind"] == kind] for kind in Kind}
    bringing = [*names[Kind.DEPLOYMENT], *(row["deployment_id"] for row in rows)]
    changes = details_of(_changes, names[Kind.CHANGE])
    deployments, carried = details_of(_deployments, bringing), details_of(_carried, bringing)
    pieces = details_of(_evidence, names[Kind.DEPLOYMENT])
    incidents, causes = (
        details_of(_incidents, names[Kind.INCIDENT]),
        details_of(_causes, names[Kind.INCIDENT]),
    )
    its_runs = details_of(_runs_of_executions, names[Kind.EXECUTION])
    others = {kind: details_of(what, names[kind]) for kind, what in _OTHERS.items()}

    def detailed(row: Row) -> Row:
        name, brought = row["name"], row["deployment_id"]
        if row["kind"] == Kind.CHANGE:
            brings = _listed_in(carried.get(brought), "change_id", "method")
            mapping = next((pair["method"] for pair in brings if pair["change_id"] == name), None)
            return {"change": changes[name] | {"mapping": mapping}, "deployment": deployments.get(brought)}
        if row["kind"] == Kind.DEPLOYMENT:
            details = {
                "changes": _listed_in(carried.get(name), "change_id", "method"),
                "evidence": _listed_in(pieces.get(name), "method", "source", "at", "used"),
            }
            return {"deployment": deployments[name] | details}
        if row["kind"] == Kind.INCIDENT:
            details = {"causes": _listed_in(causes.get(name), "deployment_id", "attribution")}
            return {"incident": incidents[name] | details}
        if row["kind"] == Kind.EXECUTION:
            listed = _listed_in(its_runs.get(name), *_OF_LEGS)
            return {"execution": others[Kind.EXECUTION][name] | {"runs": listed}}
        return {row["kind"]: others[row["kind"]][name]}

    return [row | detailed(row) for row in rows]


def _page(
    selection: Selection,
    figure: str,
    which: Which,
    limit: int,
    at: ir.IntegerScalar | None = None,
    id: ir.StringScalar | None = None,
) -> ir.Table:
    rows = EXPLAINED[figure].rows(selection)
    if which == "part":
        rows = rows.filter(rows.part)
    elif which != "all":
        rows = rows.filter(rows.counted == (which == "counted"))
    if at is not None and id is not None:
        rows = rows.filter((rows["at"] < at) | ((rows["at"] == at) & (rows.id > id)))
    return rows.order_by([ibis.desc("at"), "id"]).limit(limit)


def _table_of(ids: ir.StringScalar) -> ir.Table:
    return ids.split(_APART).unnest().name("id").as_table()


def _changes(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    rows = selection.table("change").semi_join(_table_of(ids), "id")
    return with_start(rows, selection.profile).select(
        "id", "repository", "trace_id", "started_at", "start_method", "first_commit_at", "merged_at"
    )


def _deployments(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    rows = selection.table("deployment").semi_join(_table_of(ids), "id")
    return rows.select(
        "id",
        "service",
        "environment",
        "repository",
        "revision",
        "version",
        "kind",
        "result",
        "started_at",
        "finished_at",
        "attempt",
        "replaced_runs",
        "backfilled",
        "backfilled_ids",
        "trace_id",
        "span_id",
        "failed",
        "failure_method",
        "failure_at",
        "recovered_at",
        "recovery_method",
        "recovery_deployment_id",
    )


def _carried(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    """(id, listed): what each deployment carries, as change_id and method."""
    rows = selection.table("deployment_change").rename(id="deployment_id").semi_join(_table_of(ids), "id")
    return _listed(rows, ("change_id", "method"), by=("change_id",))


def _evidence(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    """(id, listed): by time, all that tells that a deployment failed its users: method, source, at and
    used."""
    rows = evidence(selection).semi_join(_table_of(ids), "id")
    return _listed(rows, ("method", "source", "at", "used"), by=("at", "method", "source"))


def _incidents(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    rows = selection.table("incident").semi_join(_table_of(ids), "id")
    return rows.select(
        "id",
        "service",
        "environment",
        "severity",
        "trace_id",
        "started_at",
        "start_told",
        "detected_at",
        "resolved_at",
    )


def _causes(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    """(id, listed): what each incident came from, as deployment_id and attribution."""
    rows = selection.table("evidence").filter(ibis._.source_kind == INCIDENT)
    rows = rows.rename(id="source_id", attribution="method").semi_join(_table_of(ids), "id")
    return _listed(rows, ("deployment_id", "attribution"), by=("deployment_id",))


def _runs(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    details_of = _table_of(ids)
    parts = details_of.id.split(BETWEEN)
    details_of = details_of.mutate(trace_id=parts[0], span_id=parts[1])
    rows = selection.table("stage_run").join(details_of, ["trace_id", "span_id"])
    return rows.select(
        "id",
        "change_id",
        "repository",
        "stage_name",
        "stage_type",
        "service",
        "environment",
        "team",
        "from_team",
        "revision",
        "pipeline_run",
        "attempt",
        "job_run",
        "leg",
        "result",
        "started_at",
        "ended_at",
        "wait_s",
        "trace_id",
        "span_id",
    )


def _executions(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    rows = selection.table("stage_execution").semi_join(_table_of(ids), "id")
    return rows.select(
        "id",
        "change_id",
        "repository",
        "stage_name",
        "stage_type",
        "service",
        "environment",
        "teams",
        "revision",
        "pipeline_run",
        "attempt",
        "result",
        "started_at",
        "ended_at",
        "process_s",
        "queue_s",
        "wait_s",
        "legs",
        "rework",
        "flaky",
        "trace_id",
        "span_id",
    )


def _runs_of_executions(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    """(id, listed): the runs of each execution, by their start."""
    rows = selection.table("stage_run").rename(id="execution_id").semi_join(_table_of(ids), "id")
    return _listed(rows, _OF_LEGS, by=("started_at", "span_id"))


def _approvals(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    rows = selection.table("approval")
    rows = rows.mutate(id=named(rows)).semi_join(_table_of(ids), "id")
    return rows.select(
        "id",
        "change_id",
        "requested_at",
        "answered_at",
        "granted",
        "trace_id",
        gate=rows.gate.nullif(""),
        actor_type=rows.actor_type.nullif(""),
    )


_OTHERS = {Kind.RUN: _runs, Kind.EXECUTION: _executions, Kind.APPROVAL: _approvals}


def _listed(rows: ir.Table, columns: tuple[str, ...], by: tuple[str, ...]) -> ir.Table:
    whole = ibis.struct({column: rows[column] for column in dict.fromkeys((*by, *columns))})
    return rows.group_by("id").agg(listed=whole.collect().sort())


def _listed_in(row: Mapping[str, Any] | None, *columns: str) -> list[Row]:
    return [] if row is None else [{column: one[column] for column in columns} for one in row["listed"]]
