"""Facts are a function of the set of spans: random worlds, cut and shuffled at random."""

from itertools import dropwhile

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from reference.worlds import SEED, WORLDS, spans_of
from reference.worlds import World as Told
from reference.worlds import worlds as awkward_worlds
from scenarios.events import Event, Span, spans
from scenarios.world import World

CHANGES = st.integers(1, 4)
HOURS = st.integers(0, 200).map(lambda hours: f"{hours}h")
REVISIONS = st.sampled_from(["a", "b", "c"])
SERVICES = st.sampled_from(["shop", "cart"])
BRANCHES = st.sampled_from(["main", "develop"])
ARRIVED = st.sampled_from(["0h", "300h", "300h"])

stage = st.fixed_dictionaries(
    {"at": HOURS, "stage": st.sampled_from(["build", "test", "package"])},
    optional={
        "change": CHANGES,
        "for": st.sampled_from(["1h", "30h"]),
        "result": st.sampled_from(["success", "failure"]),
        "revision": REVISIONS,
        "ref_name": BRANCHES,
        "base_name": BRANCHES,
        "arrived": ARRIVED,
        "artifact_hash": st.sampled_from(["x", "y"]),
        "trace": st.sampled_from(["aaaa", "bbbb"]),
        "span": st.sampled_from(["00000000000000aa", "00000000000000bb"]),
        "work_item_id": st.just("T-1"),
    },
)
event = st.fixed_dictionaries(
    {
        "at": HOURS,
        "change": CHANGES,
        "event": st.sampled_from(["change.first_commit", "change.merged", "change.abandoned"]),
    },
    optional={"revision": REVISIONS, "arrived": ARRIVED},
)
approval = st.fixed_dictionaries(
    {
        "at": HOURS,
        "change": CHANGES,
        "event": st.sampled_from(["approval.requested", "approval.granted", "approval.denied"]),
        "gate": st.sampled_from(["g", "h"]),
    }
)
work_item = st.fixed_dictionaries(
    {"at": HOURS, "work_item": st.just("T-1"), "event": st.sampled_from(["created", "started"])}
)
deployment = st.fixed_dictionaries(
    {"at": HOURS, "deploy": st.sampled_from(["D1", "D2", "D3", "D4", "D5"]), "service": SERVICES},
    optional={
        "change": CHANGES,
        "for": st.just("1h"),
        "revision": REVISIONS,
        "result": st.sampled_from(["success", "failure"]),
        "kind": st.sampled_from(["rollout", "rollback", "hotfix"]),
        "arrived": ARRIVED,
        "artifact_hash": st.sampled_from(["x", "y"]),
        "links": st.lists(CHANGES, max_size=2),
        "environment": st.sampled_from(["production", "staging"]),
        "span": st.sampled_from(["00000000000000aa", "00000000000000bb"]),
    },
)
incident = st.fixed_dictionaries(
    {
        "at": HOURS,
        "incident": st.sampled_from(["I1", "I2"]),
        "event": st.sampled_from(["started", "detected", "resolved"]),
        "service": SERVICES,
    },
    optional={"deployment": st.sampled_from(["D1", "D2"]), "severity": st.sampled_from(["low", "high"])},
)
retraction = st.fixed_dictionaries({"at": HOURS, "retract": st.integers(0, 11)})


def of_earlier_events(told: list[Event]) -> list[Event]:
    """With retractions of what was told before them."""
    told = list(dropwhile(lambda event: "retract" in event, told))
    return [
        event | {"retract": event["retract"] % number + 1} if "retract" in event else event
        for number, event in enumerate(told)
    ]


worlds = st.lists(
    st.one_of(stage, event, deployment, deployment, incident, approval, work_item, retraction), max_size=12
).map(of_earlier_events)


@pytest.mark.worlds
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(told=worlds, data=st.data())
def test_order_repetition_and_batches_change_nothing(
    duckdb_world: World, told: list[Event], data: st.DataObject
) -> None:
    known, world = spans(told), duckdb_world
    world.clear()
    world.take(known)
    at_once = world.facts()

    repeated = data.draw(st.lists(st.sampled_from(known))) if known else []
    take_in_batches(world, known + repeated, data)
    assert world.facts() == at_once
    world.derive_anew()
    assert world.facts() == at_once


def take_in_batches(world: World, known: list[Span], data: st.DataObject) -> None:
    """Tells the spans in any order and in any batches."""
    world.clear()
    left: list[Span] = data.draw(st.permutations(known))
    while left:
        size = data.draw(st.integers(1, len(left)))
        world.take(left[:size])
        left = left[size:]


@pytest.mark.parametrize(
    "examples", [pytest.param(3, id="few"), pytest.param(WORLDS, id="many", marks=pytest.mark.worlds)]
)
def test_what_came_bit_by_bit_is_what_is_derived_anew(duckdb_world: World, examples: int) -> None:
    world = duckdb_world

    @seed(SEED)
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(one=awkward_worlds, data=st.data())
    def compare(one: Told, data: st.DataObject) -> None:
        take_in_batches(world, spans_of([one]), data)
        bit_by_bit = world.facts()
        world.derive_anew()
        assert bit_by_bit == world.facts()

    compare()


@pytest.mark.worlds
@pytest.mark.clickhouse
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(told=worlds, data=st.data())
def test_clickhouse_finds_the_same(
    duckdb_world: World, clickhouse_world: World, told: list[Event], data: st.DataObject
) -> None:
    known = spans(told)
    duckdb_world.clear()
    duckdb_world.take(known)

    clickhouse_world.clear()
    shuffled: list[Span] = data.draw(st.permutations(known + known[:2]))
    cut = data.draw(st.integers(0, len(shuffled)))
    for batch in (shuffled[:cut], shuffled[cut:]):
        clickhouse_world.take(batch)
    assert clickhouse_world.facts() == duckdb_world.facts()
