"""Every query of every panel, as Grafana would ask it, of a Prometheus that scraped the demo."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dashboards.generate import DASHBOARDS, GRAFANA, generate
from demo.history import generate as history
from demo.spans import spans_of
from harness.prometheus import Prometheus, prometheus
from otel_vsm.export import export_all
from otel_vsm.identity import SpanId, TraceId
from otel_vsm.record import Record
from otel_vsm.testing import collector

BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(GRAFANA.glob("*.json"))}
CHOSEN = {"environment": "(production)", "window": "90d"}
"""What a reader chooses: production, and all of the rest."""
RANGE = {"__range": "10m", "__interval": "10m", "__rate_interval": "1m"}


def panels() -> list[Any]:
    return [
        pytest.param(board, panel, target, id=f"{board}: {panel['title']} {target['refId']}")
        for board, model in BOARDS.items()
        for panel in model["panels"]
        for target in panel.get("targets", ())
    ]


def variables(board: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in BOARDS[board]["templating"]["list"]}


def strays() -> list[Record]:
    """What belongs to no change: a run of a stage, and a deployment that says nothing of what it brings."""
    now = time.time_ns()
    deployment = {
        "vsm.stage.name": "deploy",
        "vsm.stage.type": "deploy",
        "service.name": "shop",
        "deployment.environment.name": "production",
        "deployment.id": "stray",
    }
    return [
        Record(
            trace_id=TraceId(digit * 32),
            span_id=SpanId(digit * 16),
            parent_span_id=None,
            name="stray",
            start_ns=now - 10**9,
            end_ns=now,
            attributes=attributes,
        )
        for digit, attributes in (("a", {"vsm.stage.name": "lint"}), ("b", deployment))
    ]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that saw a collector with half of the demo's history, then with all of it: something
    grew."""
    folder = tmp_path_factory.mktemp("scraped")
    records = [*spans_of(history(datetime.now(UTC))).records, *strays()]
    declared = folder / "vsm.yaml"
    # Some incidents are older than a month, and say neither team nor value stream.
    declared.write_text(
        "window: 90d\n"
        "services: {shop: {team: checkout}, payments: {team: checkout}, search: {team: discovery}}\n"
        "value_streams: {buying: {systems: [shop, payments]}, finding: {systems: [search]}}\n"
    )
    with collector("--config", str(declared)) as running:
        target = urlsplit(running.web).netloc
        config = (
            "global: {scrape_interval: 1s}\n"
            f"scrape_configs: [{{job_name: otel-vsm, static_configs: [{{targets: ['{target}']}}]}}]\n"
        )
        with prometheus(config, folder) as asked, pytest.MonkeyPatch.context() as patch:
            for name, value in running.environment().items():
                patch.setenv(name, value)
            for part in (records[::2], records[1::2]):
                assert export_all(part) == len(part)
                running.get("/api/v1/stages", limit=1)  # which answers once all is derived
                asked.wait_for(f"timestamp(vsm_collector_lag_seconds) > {time.time()}")
            yield asked


def as_asked(board: str, expression: str) -> str:
    """With the variables replaced as Grafana does it."""
    every = {name: one["allValue"] for name, one in variables(board).items() if one.get("allValue")}
    for name, value in {**every, **CHOSEN, **RANGE}.items():
        expression = re.sub(rf"\${name}\b", value, expression)
    assert "$" not in expression
    return expression


@pytest.mark.monitoring
@pytest.mark.parametrize(("board", "panel", "target"), panels())
def test_every_query_answers_with_data(
    scraped: Prometheus, board: str, panel: dict[str, Any], target: dict[str, Any]
) -> None:
    expression = as_asked(board, target["expr"])
    found = scraped.query(expression)
    assert found
    assert all(float(one["value"][1]) >= 0 for one in found), "NaN is nothing to look at"
    legend = target.get("legendFormat", "")
    for label in re.findall(r"\{\{(.+?)\}\}", legend):
        assert any(label in one["metric"] for one in found)


@pytest.mark.monitoring
@pytest.mark.parametrize("board", BOARDS)
def test_every_variable_offers_values(scraped: Prometheus, board: str) -> None:
    for name, variable in variables(board).items():
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
            assert asked
            offered = scraped.labels(asked[1], asked[2])
            assert offered
            current = variable["current"]["value"]
            for one in current if isinstance(current, list) else [current]:
                assert one in (*offered, "$__all"), name


@pytest.mark.parametrize("board", BOARDS)
def test_a_dashboard_has_the_variables_that_it_asks_by_and_no_others(board: str) -> None:
    asked = {
        name
        for panel in BOARDS[board]["panels"]
        for target in panel.get("targets", ())
        for name in re.findall(r"\$(\w+)", target["expr"])
    }
    assert asked - RANGE.keys() == variables(board).keys() - {"datasource"}


@pytest.mark.parametrize("board", BOARDS)
def test_the_titles_of_a_table_are_those_of_its_queries(board: str) -> None:
    for panel in BOARDS[board]["panels"]:
        if panel["type"] != "table":
            continue
        (organized,) = (one for one in panel["transformations"] if one["id"] == "organize")
        titles = set(organized["options"]["renameByName"].values())
        assert {target["legendFormat"] for target in panel["targets"]} <= titles
        labels = set(re.findall(r"by \(([^)]+)\)", " ".join(one["expr"] for one in panel["targets"])))
        for label in {one for group in labels for one in group.split(", ")} - {"le"}:
            assert label in organized["options"]["renameByName"]


@pytest.mark.parametrize("board", BOARDS)
def test_no_two_panels_lie_on_each_other(board: str) -> None:
    taken = set()
    for panel in BOARDS[board]["panels"]:
        position = panel["gridPos"]
        for x in range(position["x"], position["x"] + position["w"]):
            for y in range(position["y"], position["y"] + position["h"]):
                assert x < 24 and (x, y) not in taken, panel["title"]
                taken.add((x, y))


def test_check_names_what_lags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dashboards.generate.GRAFANA", tmp_path)
    assert generate([]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.json" for name in DASHBOARDS}
    assert generate(["--check"]) == 0
    (tmp_path / "debug.json").write_text("{}\n")
    assert generate(["--check"]) == 1
    assert "dashboards/grafana/debug.json lags" in capsys.readouterr().err
