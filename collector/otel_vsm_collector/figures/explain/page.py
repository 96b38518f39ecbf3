"""The rows behind a figure, page by page, with what is to be said of each."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive.rules import evidence
from otel_vsm_collector.derive.rules.starts import with_start
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.approvals import named
from otel_vsm_collector.figures.explain.figures import EXPLAINED, Figure
from otel_vsm_collector.figures.explain.rows import Kind
from otel_vsm_collector.figures.explain.runs import BETWEEN

Row = dict[str, Any]
Which = Literal["all", "counted", "part", "left_out"]
_APART = "\x1f"
"""Between ids that are asked for together: a character that no sound id has."""


def page(
    reader: Reader,
    figure: Figure,
    selection: Selection,
    *,
    which: Which = "all",
    limit: int,
    after: tuple[int, str] | None,
) -> list[Row]:
    """The newest `limit` rows of a figure of those that come after a place (at, id), in the shape of `ROWS`,
    each with its `change`, `deployment`, `incident`, `run` or `approval`."""
    place: dict[str, int | str] = {} if after is None else {"at": after[0], "id": after[1]}
    rows = reader.answer(_page, selection, figure, which, limit, **place)

    def asked(what: Callable[..., ir.Table], names: Iterable[str | None]) -> dict[str, Row]:
        ids = sorted({name for name in names if name is not None})
        found = reader.answer(what, selection, ids=_APART.join(ids)) if ids else []
        return {row["id"]: row for row in found}

    names = {kind: [row["name"] for row in rows if row["kind"] == kind] for kind in Kind}
    bringing = [*names[Kind.DEPLOYMENT], *(row["deployment_id"] for row in rows)]
    changes = asked(_changes, names[Kind.CHANGE])
    deployments, carried = asked(_deployments, bringing), asked(_carried, bringing)
    said = asked(_evidence, names[Kind.DEPLOYMENT])
    incidents, causes = asked(_incidents, names[Kind.INCIDENT]), asked(_causes, names[Kind.INCIDENT])
    others = {kind: asked(what, names[kind]) for kind, what in _OTHERS.items()}

    def told(row: Row) -> Row:
        name, brought = row["name"], row["deployment_id"]
        if row["kind"] == Kind.CHANGE:
            brings = _pairs(carried.get(brought), "change_id", "method")
            mapping = next((pair["method"] for pair in brings if pair["change_id"] == name), None)
            return {"change": changes[name] | {"mapping": mapping}, "deployment": deployments.get(brought)}
        if row["kind"] == Kind.DEPLOYMENT:
            details = {
                "changes": _pairs(carried.get(name), "change_id", "method"),
                "evidence": _pairs(said.get(name), "method", "source", "at", "used"),
            }
            return {"deployment": deployments[name] | details}
        if row["kind"] == Kind.INCIDENT:
            details = {"causes": _pairs(causes.get(name), "deployment_id", "attribution")}
            return {"incident": incidents[name] | details}
        return {row["kind"]: others[row["kind"]][name]}

    return [row | told(row) for row in rows]


def _page(
    selection: Selection,
    figure: Figure,
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


def _asked(ids: ir.StringScalar) -> ir.Table:
    return ids.split(_APART).unnest().name("id").as_table()


def _changes(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    rows = selection.table("change").semi_join(_asked(ids), "id")
    return with_start(rows, selection.profile).select(
        "id", "repository", "trace_id", "started_at", "start_method", "first_commit_at", "merged_at"
    )


def _deployments(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    rows = selection.table("deployment").semi_join(_asked(ids), "id")
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
    rows = selection.table("deployment_change").rename(id="deployment_id").semi_join(_asked(ids), "id")
    return _listed(rows, ("change_id", "method"), by=("change_id",))


def _evidence(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    """(id, listed): by time, all that tells that a deployment failed its users: method, source, at and used.

    The source is an incident or another deployment; the profile may not use it."""
    rows = selection.table("evidence").rename(id="deployment_id", source="source_id")
    rows = rows.semi_join(_asked(ids), "id")
    # Compared only, ClickHouse would list a number.
    used = ibis.ifelse(evidence.used(rows, selection.profile), True, False)
    rows = rows.mutate(used=used)
    return _listed(rows, ("method", "source", "at", "used"), by=("at", "method", "source"))


def _incidents(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    rows = selection.table("incident").semi_join(_asked(ids), "id")
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
    rows = selection.table("evidence").filter(ibis._.source_kind == evidence.INCIDENT)
    rows = rows.rename(id="source_id", attribution="method").semi_join(_asked(ids), "id")
    return _listed(rows, ("deployment_id", "attribution"), by=("deployment_id",))


def _runs(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    asked = _asked(ids)
    parts = asked.id.split(BETWEEN)
    asked = asked.mutate(trace_id=parts[0], span_id=parts[1])
    rows = selection.table("stage_run").join(asked, ["trace_id", "span_id"])
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
        "result",
        "started_at",
        "ended_at",
        "wait_s",
        "rework",
        "trace_id",
        "span_id",
    )


def _approvals(selection: Selection, ids: ir.StringScalar) -> ir.Table:
    rows = selection.table("approval")
    rows = rows.mutate(id=named(rows)).semi_join(_asked(ids), "id")
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


_OTHERS = {Kind.RUN: _runs, Kind.APPROVAL: _approvals}


def _listed(rows: ir.Table, columns: tuple[str, ...], by: tuple[str, ...]) -> ir.Table:
    told = ibis.struct({column: rows[column] for column in dict.fromkeys((*by, *columns))})
    return rows.group_by("id").agg(listed=told.collect().sort())


def _pairs(row: Mapping[str, Any] | None, *columns: str) -> list[Row]:
    if row is None:
        return []
    return [{column: told[column] for column in columns} for told in row["listed"]]
