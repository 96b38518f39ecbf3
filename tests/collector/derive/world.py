"""Scenario files: what happened, told in a few words, and what has to follow from it.

A file is YAML: `why` in a sentence, `events`, `expect`, and where they matter `settings` (as in vsm.yaml) and
`window`. `topic` says where docs/definitions.md shows it, if that is not the first word of its name. Every
event has `at`, an offset such as `2d6h` from the beginning of the scenario, the midnight before a Thursday;
what lasts ends at it, after `for`. A change is named by its request number, or by `@` and a commit. `links`
are to changes or deployments. Where `expect` is a list, each entry says with `asked` what window, time zone,
filters and profile it is about.
"""

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import ibis
import pyarrow as pa
import yaml

from otel_vsm.identity import change_root, event_span_id, incident_root, work_item_root
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.refresher import Refresher
from otel_vsm_collector.derive.tables import FACTS, LEDGER
from otel_vsm_collector.facts.by_profile import Facts
from otel_vsm_collector.spans import columns
from otel_vsm_collector.stores.engine import Engine

REPOSITORY = "github.com/acme/shop"
BEGIN_NS = 1_767_225_600 * 10**9  # 2026-01-01T00:00:00Z
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}

Row = dict[str, Any]
Span = tuple[Row, list[Row]]


def scenarios() -> list[Path]:
    return sorted((Path(__file__).parent / "scenarios").glob("*.yaml"))


def load(path: Path) -> dict[str, Any]:
    scenario = yaml.safe_load(path.read_text())
    assert set(scenario) <= {"topic", "why", "events", "expect", "settings", "window"}, path
    return scenario


def definitions(scenario: dict[str, Any], profile: str | None = None) -> Definitions:
    """What a scenario is derived by, or asks a figure to be computed by."""
    return _definitions(json.dumps(scenario.get("settings", {})), profile)


def facts(scenario: dict[str, Any], profile: str | None = None) -> Facts:
    """The facts as a profile has them, the same object each time: compiled questions are known by it."""
    return _facts(json.dumps(scenario.get("settings", {})), profile)


@cache
def _facts(settings: str, profile: str | None) -> Facts:
    return Facts(_definitions(settings, profile), _definitions(settings, None))


@cache
def _definitions(settings: str, profile: str | None) -> Definitions:
    declared = Declared.model_validate(json.loads(settings))
    return Definitions(declared, declared.profile_named(profile))


def offset_ns(text: str | int) -> int:
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", str(text))
    assert parts and "".join(a + b for a, b in parts) == str(text).lstrip("-"), text
    size = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return int(size * 10**9) * (-1 if str(text).startswith("-") else 1)


def spans(events: Iterable[dict[str, Any]]) -> list[Span]:
    told: list[Span] = []
    for number, event in enumerate(events):
        told.append(_span(number, dict(event), told))
    return told


def _span(number: int, event: dict[str, Any], told: Sequence[Span]) -> Span:
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


def change_id(name: str | int) -> str:
    name = str(name)
    if name.startswith("@"):
        return REPOSITORY + name
    return name if "/" in name else f"{REPOSITORY}#{name}"


class EngineWithFigures(Engine, Protocol):
    @property
    def backend(self) -> ibis.BaseBackend:
        """What computes figures from the facts."""


class World:
    """A ledger in memory and its facts."""

    def __init__(self, engine: EngineWithFigures) -> None:
        self.engine = engine
        self._refreshers: dict[Definitions, Refresher] = {}
        self.follow(definitions({}))
        self._seq = 0
        for table, schema in LEDGER.items():
            engine.keep(table, schema)
        self.refresher.create_tables()

    def follow(self, followed: Definitions) -> None:
        """Derives by these definitions from now on."""
        if followed not in self._refreshers:
            self._refreshers[followed] = Refresher(self.engine, definitions=followed)
        self.refresher = self._refreshers[followed]

    def clear(self) -> None:
        self._seq = 0
        self.follow(definitions({}))
        for table in (*LEDGER, *FACTS):
            self.engine.delete(table, "true")

    def take(self, batch: Sequence[Span]) -> None:
        """Takes spans in as one batch and refreshes."""
        self._seq += 1
        links = [link for _, linked in batch for link in linked]
        for table, rows in (("span", [row for row, _ in batch]), ("span_link", links)):
            told = pa.Table.from_pylist(
                [row | {"seq": self._seq} for row in rows], schema=columns.schema(table)
            )
            self.engine.load("told", told)
            self.engine.insert(table, "SELECT * FROM told")
        self.refresher.refresh(self._seq, self._seq)

    def derive_anew(self) -> None:
        """Computes every fact from the whole ledger at once."""
        for table in FACTS:
            self.engine.delete(table, "true")
        self.refresher.refresh(0, self._seq)

    def facts(self) -> dict[str, list[Row]]:
        """Every table of facts, as a comparable value."""
        return {table: sorted(self.all(table), key=repr) for table in FACTS}

    def all(self, table: str) -> list[Row]:
        return self.engine.arrow(f"SELECT * FROM {table}").to_pylist()

    def rows(self, table: str, key: str = "id") -> dict[str, Row]:
        return {row[key]: row for row in self.all(table)}
