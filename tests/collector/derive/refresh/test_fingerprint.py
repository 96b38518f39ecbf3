"""What changes the fingerprint of a plan, by which a ledger is made again, and what does not."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh import joined
from otel_vsm_collector.derive.refresh.refresher import Refresher
from otel_vsm_collector.derive.refresh.steps import refresh_plan
from otel_vsm_collector.derive.rules import deliveries
from otel_vsm_collector.keep.store import Store
from otel_vsm_collector.spans import mappings
from otel_vsm_collector.spans.mappings import otel_vsm
from otel_vsm_collector.stores.duckdb.engine import DuckDB

STREAM = {"systems": ["shop"], "known_delays": ["the board meets on Tuesdays"], "primary_measure": "wip"}


def fingerprint(**declared: Any) -> str:
    return refresh_plan(Definitions(Declared.model_validate(declared))).fingerprint


@pytest.fixture(scope="module")
def by_default() -> str:
    return fingerprint()


@pytest.mark.parametrize(
    "declared",
    [
        {"windows": ["7d"], "time_zone": "Europe/Berlin"},
        {"limits": {"lead_time": "3d", "approval_wait": "8h"}},
        {"environments": {"production": ["live-*"]}},
        {"value_streams": {"checkout": STREAM}},
        {"telemetry": {"unmapped_mib": 0}},
        {"profiles": {"ours": {"lead_time_start": ["change.merged"]}}},
        {"profiles": {"ours": {}}, "profile": "ours"},
        {"profiles": {"ours": {"statistic": "mean"}}, "profile": "ours"},
    ],
    ids=str,
)
def test_what_no_fact_depends_on_changes_nothing(by_default: str, declared: dict[str, Any]) -> None:
    assert fingerprint(**declared) == by_default


@pytest.mark.parametrize(
    "declared",
    [
        {"stages": {"ship it": {"type": "deploy"}}},
        {"teams": {"buying": {"services": ["shop"]}}},
        {"services": {"shop": {"repository": "github.com/acme/shop"}}},
        {"profiles": {"ours": {"lead_time_start": ["change.merged"]}}, "profile": "ours"},
        {"value_streams": {"checkout": STREAM}, "profile": "devlake"},
    ],
    ids=str,
)
def test_what_facts_depend_on_changes_it(by_default: str, declared: dict[str, Any]) -> None:
    assert fingerprint(**declared) != by_default


def test_the_order_of_stages_changes_it() -> None:
    one, other = {"a*": {"type": "test"}}, {"*b": {"type": "build"}}
    assert fingerprint(stages=one | other) != fingerprint(stages=other | one)


def otherwise(rule: Callable[..., ir.Table]) -> Callable[..., ir.Table]:
    """The rule, but that it leaves out what it would give first by name."""

    def changed(*arguments: Any) -> ir.Table:
        rows = rule(*arguments)
        return rows.filter(rows.change_id != "")

    return changed


def test_a_changed_rule_changes_it(by_default: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "deliveries", otherwise(deliveries.deliveries))
    assert fingerprint() != by_default


def test_a_changed_column_changes_it(by_default: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wider = ibis.schema({**tables.FACTS["blocked"], "why": "string"})
    monkeypatch.setitem(tables.TABLES, "blocked", wider)
    assert fingerprint() != by_default


def test_a_changed_function_changes_it(by_default: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "join_names", lambda engine: 0)
    assert fingerprint() != by_default


def test_it_is_the_same_in_every_process(by_default: str) -> None:
    code = (
        "from otel_vsm_collector.derive.definitions import Definitions;"
        "from otel_vsm_collector.derive.refresh.steps import refresh_plan;"
        "print(refresh_plan(Definitions()).fingerprint)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": seed}
        made = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        assert made.stdout.decode().strip() == by_default


def another_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "deliveries", otherwise(deliveries.deliveries))


def another_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = mappings.fingerprint([replace(otel_vsm.MAPPING, context=())])
    monkeypatch.setattr(mappings, "fingerprint", lambda: changed)


@pytest.mark.parametrize("change", [another_rule, another_mapping])
def test_a_ledger_of_other_rules_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None]
) -> None:
    sentences: list[str] = []

    def opened() -> None:
        plan = refresh_plan(Definitions())
        store = Store(tmp_path, lambda connection: Refresher(DuckDB(connection), plan), say=sentences.append)
        store.drain()
        store.close()

    opened()
    opened()
    assert sentences == []
    change(monkeypatch)
    opened()
    (sentence,) = sentences
    assert "follows other rules" in sentence
    assert sentence.endswith("it is made again from the journal")
