"""A query is left out only where it would have no rows."""

from collections.abc import Collection
from typing import Any

import ibis
import pytest

from otel_vsm_collector.derive.refresh.duplicates import DROPPED
from otel_vsm_collector.derive.refresh.emptiness import needs
from otel_vsm_collector.derive.refresh.plan import ANYWAY, Needs, Observe, Plan, Replace, Scratch, given
from otel_vsm_collector.stores.engine import Engine
from scenarios.engines import InDuckDB
from scenarios.events import spans
from scenarios.reading import load, scenario_files
from scenarios.world import World

A, B, LASTING = (ibis.table({"x": "int64", "y": "int64"}, name=name) for name in ("a", "b", "lasting"))
KNOWN = {"a", "b"}


@pytest.mark.parametrize(
    ("expression", "needed"),
    [
        (A, (("a",),)),
        (LASTING, ANYWAY),
        (A.filter(A.x > 1).mutate(z=A.x + 1).order_by("x").distinct(), (("a",),)),
        (A.join(B, "x"), (("a", "b"),)),
        (A.semi_join(B, "x"), (("a", "b"),)),
        (A.left_join(B, "x"), (("a",),)),
        (A.anti_join(B, "x"), (("a",),)),
        (A.outer_join(B, "x"), ANYWAY),
        (LASTING.join(A, "x"), (("a",),)),
        (LASTING.join(A, "x").join(B, "y"), (("a", "b"),)),
        (A.union(B), (("a",), ("b",))),
        (A.union(A.join(B, "x").select("x", y="y")), (("a",),)),
        (A.union(LASTING), ANYWAY),
        (A.join(A.union(B).group_by("x").agg(n=ibis._.y.sum()), "x"), (("a",),)),
        (A.aggregate(n=A.count()), ANYWAY),
        (A.group_by("x").agg(n=A.y.sum()), (("a",),)),
    ],
)
def test_what_a_query_needs(expression: ibis.Table, needed: Needs) -> None:
    assert needs(expression.op(), KNOWN) == needed


class Checked(InDuckDB):
    """Asks each query as well that is left out."""

    left_out = 0

    def check(self, query: str) -> None:
        assert self.fill("left_out", query) == 0, query
        Checked.left_out += 1


def test_what_is_left_out_would_have_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each batch of some scenarios."""
    run = Plan.run

    def run_and_check(plan: Plan, engine: Engine, filled: Collection[str], observe: Observe | None) -> Any:
        assert isinstance(engine, Checked)
        rows = run(plan, engine, filled, observe)
        for step in plan.steps:
            if not isinstance(step, Scratch | Replace) or given(step.needs, rows):
                continue
            # What was dropped is in a table that is there only if something was.
            if DROPPED not in step.query:
                engine.check(step.query)
        return rows

    monkeypatch.setattr(Plan, "run", run_and_check)
    world = World(Checked())
    for file in scenario_files()[::60]:
        world.clear()
        events = spans(load(file).events)
        for batch in (events[:1], events[1:-1], events[-1:]):
            world.take(batch)
    assert Checked.left_out > 100
