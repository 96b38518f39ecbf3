"""Scenario files: what happened, told in a few words, and what has to follow from it.

A file is YAML: `why` in a sentence, `events`, `expect`. Every event has `at`, an offset such as `2d6h` from
the beginning of the scenario; what lasts ends at it, after `for`. A change is named by its request number.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import yaml
from ibis.backends.duckdb import Backend

from otel_vsm.identity import (
    change_root,
    event_span_id,
    incident_root,
    work_item_root,
)
from otel_vsm_collector.derive.refresh import Refresher
from otel_vsm_collector.derive.tables import FACTS
from otel_vsm_collector.keep import columns

REPOSITORY = "github.com/acme/shop"
BEGIN_NS = 1_767_225_600 * 10**9  # 2026-01-01T00:00:00Z
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}

Row = dict[str, Any]
Span = tuple[Row, list[Row]]


def scenarios() -> list[Path]:
    return sorted((Path(__file__).parent / "scenarios").glob("*.yaml"))


def load(path: Path) -> dict[str, Any]:
    scenario = yaml.safe_load(path.read_text())
    assert set(scenario) <= {"why", "events", "expect", "window"}, path
    return scenario


def offset_ns(text: str | int) -> int:
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", str(text))
    assert parts and "".join(a + b for a, b in parts) == str(text).lstrip("-"), text
    size = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return int(size * 10**9) * (-1 if str(text).startswith("-") else 1)


def spans(events: Iterable[dict[str, Any]]) -> list[Span]:
    return [_span(number, dict(event)) for number, event in enumerate(events)]


def _span(number: int, event: dict[str, Any]) -> Span:
    at = BEGIN_NS + offset_ns(event.pop("at"))
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
    linked = [
        {
            "trace_id": row["trace_id"],
            "span_id": row["span_id"],
            "linked_trace_id": root.trace_id,
            "linked_span_id": root.span_id,
        }
        for root in (change_root(change_id(link)) for link in links)
    ]
    return row, linked


def change_id(name: str | int) -> str:
    name = str(name)
    return name if "/" in name else f"{REPOSITORY}#{name}"


class World:
    """A ledger in memory and its facts."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.refresher = Refresher(self.connection)
        self._seq = 0
        for table in columns.TABLES:
            self.connection.execute(columns.ddl(table))
        self.refresher.create_tables()

    def clear(self) -> None:
        self._seq = 0
        for table in ("span", "span_link", *FACTS):
            self.connection.execute(f"DELETE FROM {table}")

    def take(self, batch: Sequence[Span]) -> None:
        """Takes spans in as one batch and refreshes."""
        self._seq += 1
        links = [link for _, linked in batch for link in linked]
        for table, rows in (("span", [row for row, _ in batch]), ("span_link", links)):
            _arrow = pa.Table.from_pylist(
                [row | {"seq": self._seq} for row in rows], schema=columns.schema(table)
            )
            self.connection.execute(f"INSERT INTO {table} FROM _arrow")
        self.refresher.refresh(self._seq, self._seq)

    def derive_anew(self) -> None:
        """Computes every fact from the whole ledger at once."""
        for table in FACTS:
            self.connection.execute(f"DELETE FROM {table}")
        self.refresher.refresh(0, self._seq)

    @property
    def backend(self) -> Backend:
        return ibis.duckdb.from_connection(self.connection.cursor())

    def facts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table of facts, as a comparable value."""
        return {
            table: sorted(self.connection.execute(f"FROM {table}").fetchall(), key=repr) for table in FACTS
        }

    def rows(self, table: str, key: str = "id") -> dict[str, Row]:
        return {
            row[key]: row for row in self.connection.execute(f"FROM {table}").to_arrow_table().to_pylist()
        }
