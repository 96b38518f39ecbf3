"""Whatever the metrics count is shown to them once, when it is first known."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest
from duckdb import DuckDBPyConnection

from otel_vsm_collector.metrics.observed import FACTS
from scenarios.engines import InDuckDB
from scenarios.events import Event, spans
from scenarios.world import World

TOLD: list[Event] = [
    {"at": "1h", "change": 1, "event": "change.first_commit"},
    {"at": "2h", "change": 1, "stage": "build"},
    {"at": "3h", "change": 1, "event": "approval.requested", "gate": "g"},
    {"at": "4h", "change": 1, "event": "approval.granted", "gate": "g"},
    {"at": "5h", "change": 1, "deploy": "D1"},
    {"at": "6h", "incident": "I1", "event": "detected", "service": "shop"},
    {"at": "7h", "incident": "I1", "event": "resolved", "service": "shop"},
]


class Noting:
    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def observe(self, connection: DuckDBPyConnection, fact: str, new_rows: str) -> None:
        (row,) = connection.execute(f"SELECT count(*) FROM {new_rows}").fetchall()
        self.seen[fact] += row[0]


@pytest.fixture
def observed() -> Iterator[tuple[World, Noting]]:
    engine, noting = InDuckDB(), Noting()
    yield World(engine, partial(noting.observe, engine.connection)), noting
    engine.close()


def test_every_fact_is_seen_once(observed: tuple[World, Noting]) -> None:
    world, noting = observed
    for span in spans(TOLD):
        world.take([span])
    world.take(spans(TOLD))
    # The deployment is a run of a stage too.
    assert noting.seen == {fact: 2 if fact == "stage_run" else 1 for fact in FACTS}


def test_a_job_that_is_told_again_is_seen_once_whatever_its_span(observed: tuple[World, Noting]) -> None:
    world, noting = observed
    job: Event = {"at": "2h", "for": "1h", "stage": "build", "change": 1, "job_run": "7"}
    for place, span_id in (("aaaa", "0b"), ("bbbb", "0a"), ("cccc", "0c"), ("aaaa", "00")):
        world.take(spans([job | {"trace": place, "span": span_id}]))
    assert noting.seen == {"stage_run": 1}
    world.take(spans([job | {"at": "4h"}, job | {"stage": "lint"}]))
    assert noting.seen == {"stage_run": 3}


def test_a_deployment_that_gets_another_id_is_seen_once(observed: tuple[World, Noting]) -> None:
    world, noting = observed
    told: list[Event] = [{"at": f"{n}h", "deploy": "R1", "environment": f"e{n}"} for n in (1, 2)]
    for span in spans(told):
        world.take([span])
    assert set(world.rows("deployment")) == {"R1/shop/e1", "R1/shop/e2"}
    assert noting.seen["deployment"] == 2


def test_an_incident_is_counted_as_restored_when_it_is(observed: tuple[World, Noting]) -> None:
    world, noting = observed
    told = spans(TOLD)
    world.take(told[:-1])
    assert (noting.seen["incident_detected"], noting.seen["incident_restored"]) == (1, 0)
    world.take(told[-1:])
    assert (noting.seen["incident_detected"], noting.seen["incident_restored"]) == (1, 1)
