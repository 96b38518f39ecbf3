"""What says that a deployment failed, and by which methods."""

from typing import get_args

from otel_vsm_collector.declared.profiles import Failing
from otel_vsm_collector.derive.rules.evidence import BY_DEPLOYMENTS, BY_INCIDENTS
from scenarios.events import spans
from scenarios.offsets import moment_ns
from scenarios.world import World


def test_a_profile_may_name_the_methods_that_there_are() -> None:
    assert {*BY_INCIDENTS, *BY_DEPLOYMENTS} == set(get_args(Failing))
    assert not set(BY_INCIDENTS) & set(BY_DEPLOYMENTS)


def test_each_piece_says_whom_it_is_about_and_what_it_points_to(duckdb_world: World) -> None:
    duckdb_world.clear()
    told = [
        {"at": "1h", "deploy": "D1", "revision": "a"},
        {"at": "2h", "deploy": "D2", "revision": "b"},
        {"at": "3h", "incident": "I1", "event": "started", "service": "shop", "severity": "low"},
        {"at": "4h", "incident": "I2", "event": "started", "deployment": "D1"},
        {"at": "5h", "deploy": "D3", "revision": "a"},
        {"at": "6h", "incident": "I1", "event": "resolved", "service": "shop"},
    ]
    # One at a time: D3 is evidence against D2 alone, whatever D1 was thought to be before.
    for span in reversed(spans(told)):
        duckdb_world.take([span])
    rows = duckdb_world.all("evidence")
    points = {(row["method"], row["source_kind"], row["source_id"]): row for row in rows}
    assert {point: (row["deployment_id"], row["at"]) for point, row in points.items()} == {
        ("incident_window", "incident", "I1"): ("D2", moment_ns("3h")),
        ("incident_link", "incident", "I2"): ("D1", moment_ns("4h")),
        ("rollback", "deployment", "D3"): ("D2", moment_ns("5h")),
    }
    by_window = points["incident_window", "incident", "I1"]
    assert (by_window["severity"], by_window["resolved_at"]) == ("low", moment_ns("6h"))
