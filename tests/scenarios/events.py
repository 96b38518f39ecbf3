"""Events → spans, as the ledger has them: rows of `span`, each with its rows of `span_link`."""

from collections.abc import Iterable, Sequence
from typing import Any

from otel_vsm.identity import change_root, event_span_id, incident_root, work_item_root
from scenarios.offsets import moment_ns, offset_ns

REPOSITORY = "github.com/acme/shop"
"""Of whatever names no other."""

Event = dict[str, Any]
Row = dict[str, Any]
Span = tuple[Row, list[Row]]


def spans(events: Iterable[Event]) -> list[Span]:
    """The spans of these events, in their order."""
    told: list[Span] = []
    for number, event in enumerate(events):
        told.append(_span(number, dict(event), told))
    return told


def change_id(name: str | int) -> str:
    """The id of a change from how a scenario names it: `7`, `@c1`, or its id."""
    name = str(name)
    if name.startswith("@"):
        return REPOSITORY + name
    return name if "/" in name else f"{REPOSITORY}#{name}"


def _span(number: int, event: Event, told: Sequence[Span]) -> Span:
    at = moment_ns(event.pop("at"))
    lasted = offset_ns(event.pop("for", "0s"))
    change = event.pop("change", None)
    links = event.pop("links", [])
    row: Row = {"started_at": at - lasted, "ended_at": at, "failed": False}
    if "incident" in event:
        incident, name = event.pop("incident"), f"incident.{event.pop('event')}"
        row |= {"incident_id": incident, "event_name": name, "trace_id": incident_root(incident).trace_id}
        row["span_id"] = event_span_id(incident, name)
    elif "work_item" in event and "stage" not in event and change is None:
        item, name = event.pop("work_item"), f"work_item.{event.pop('event')}"
        row |= {"work_item_id": item, "event_name": name, "trace_id": work_item_root(item).trace_id}
        row["span_id"] = event_span_id(item, name)
    else:
        if change is not None:
            row["change_id"] = change_id(change)
        row["trace_id"] = event.pop("trace", None) or (
            change_root(row["change_id"]).trace_id if change is not None else f"{number:032x}"
        )
        row["repository"] = event.pop("repository", REPOSITORY)
        row["span_id"] = event.pop("span", f"{number + 1:016x}")
        if "event" in event:
            row["event_name"] = event.pop("event")
            row["span_id"] = event_span_id(str(change), row["event_name"], event.get("gate", ""))
        elif "deploy" in event:
            row |= {"deployment_id": event.pop("deploy"), "stage_name": "deploy", "stage_type": "deploy"}
            row |= {"service": "shop", "environment": "production", "result": "success"}
        else:
            row |= {"stage_name": event.pop("stage"), "result": "success"}
            row["stage_type"] = row["stage_name"]
    renamed = {"kind": "deployment_kind", "deployment": "deployment_id"}
    row |= {renamed.get(key, key): value for key, value in event.items()}
    row["name"] = row.get("event_name") or row.get("stage_name")
    deployments = {
        earlier["deployment_id"]: (earlier["trace_id"], earlier["span_id"])
        for earlier, _ in told
        if earlier.get("stage_type") == "deploy" and "deployment_id" in earlier
    }
    linked = [
        {
            "trace_id": row["trace_id"],
            "span_id": row["span_id"],
            "linked_trace_id": trace_id,
            "linked_span_id": span_id,
        }
        for trace_id, span_id in (deployments.get(link) or change_root(change_id(link)) for link in links)
    ]
    return row, linked
