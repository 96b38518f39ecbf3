"""What is told, before anything follows from it: repeated spans taken out, gaps filled from the settings."""

from collections.abc import Iterable
from typing import Any

from otel_vsm.semconv import StageType
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.patterns import matches
from otel_vsm_collector.spans import columns

Row = dict[str, Any]
Key = tuple[str, str]
Link = tuple[Key, Key, str | None]

STAGE_TYPES = {str(kind) for kind in StageType}
WRAPPER = "otel-vsm"
_COMPARED = [
    column.name
    for column in columns.SPAN
    if column.name not in ("seq", "trace_id", "span_id", "started_at", "ended_at")
]


def key_of(row: Row) -> Key:
    return row["trace_id"], row["span_id"]


def settled(rows: Iterable[Row], declared: Declared) -> list[Row]:
    """Every span once that counts: all columns are there, and what the settings know is filled in."""
    every = _once(rows)
    retracted = _retracted(every)
    return [
        _filled(row, declared)
        for row in every
        if _happened(row) and not _is_retraction(row) and key_of(row) not in retracted
    ]


def left_out(rows: Iterable[Row], declared: Declared) -> list[Row]:
    """Every span once that was taken back."""
    every = _once(rows)
    retracted = _retracted(every)
    return [
        _filled(row, declared)
        for row in every
        if _happened(row) and not _is_retraction(row) and key_of(row) in retracted
    ]


def _once(rows: Iterable[Row]) -> list[Row]:
    told: dict[Key, Row] = {}
    for short in rows:
        row = {column.name: short.get(column.name) for column in columns.SPAN}
        key = key_of(row)
        if key not in told or _preference(row) < _preference(told[key]):
            told[key] = row
    return list(told.values())


def _happened(row: Row) -> bool:
    """Whether its times can be believed."""
    return not row["future"] and not row["impossible"]


def _is_retraction(row: Row) -> bool:
    return bool(row["event_name"] == "event.retracted")


def _retracted(rows: list[Row]) -> set[Key]:
    """What is taken back, which only something of its own trace can do."""
    return {(row["trace_id"], row["retracts"]) for row in rows if _is_retraction(row) and _happened(row)}


def _preference(row: Row) -> tuple[Any, ...]:
    """Of several tellings of one span a possible one stays, then the earliest start, then the latest end,
    then what lay in the future, then any fixed order."""
    others = tuple((row[name] is None, row[name] if row[name] is not None else "") for name in _COMPARED)
    return (bool(row["impossible"]), row["started_at"], -row["ended_at"], not row["future"], others)


def _filled(row: Row, declared: Declared) -> Row:
    row = dict(row)
    stage = row["stage_name"]
    if row["service"] == WRAPPER:
        row["service"] = None
    if is_run(row):
        known = declared.stage(stage)
        row["stage_type"] = known.type or row["stage_type"] or (stage if stage in STAGE_TYPES else None)
        row["quarantined"] = known.quarantined
        row["service"] = row["service"] or known.service or _owner(row, declared) or _only(row, declared)
    row["team"] = row["team"] or declared.team_of(service=row["service"], stage=stage)
    if row["repository"] is None and row["service"] in declared.services:
        row["repository"] = declared.services[row["service"]].repository
    return row


def _owner(row: Row, declared: Declared) -> str | None:
    """The service that a stage of a shared repository works for."""
    for name, service in declared.services.items():
        of_here = service.repository is None or service.repository == row["repository"]
        if of_here and matches(row["stage_name"], service.stages):
            return name
    return None


def _only(row: Row, declared: Declared) -> str | None:
    """The only service of the repository that is not told by its stages."""
    here = [
        name
        for name, service in declared.services.items()
        if service.repository is not None and service.repository == row["repository"] and not service.stages
    ]
    return here[0] if len(here) == 1 else None


def is_run(row: Row) -> bool:
    """A run of a stage: it lasted, and is no event."""
    return row["stage_name"] is not None and row["event_name"] is None


def is_deployment(row: Row) -> bool:
    """Whether the span tells of a deployment: a run that deploys somewhere, or the event that one began."""
    if row["event_name"] == "deployment.started":
        return row["deployment_id"] is not None
    return (
        is_run(row)
        and row["stage_type"] == "deploy"
        and (row["environment"] is not None or row["deployment_id"] is not None)
    )


def is_work_item_event(row: Row) -> bool:
    return (row["event_name"] or "").startswith("work_item.")


def is_incident(row: Row) -> bool:
    """Whether the span tells of an incident: one of its events, or the incident itself."""
    if row["incident_id"] is None:
        return False
    if row["event_name"] is None:
        return row["stage_name"] is None
    return str(row["event_name"]).startswith("incident.")


def distinct(rows: Iterable[Row], column: str) -> list[str]:
    """The values that a column has, in order."""
    return sorted({row[column] for row in rows if row[column] is not None})


def smallest(rows: Iterable[Row], column: str) -> str | None:
    values = distinct(rows, column)
    return values[0] if values else None
