"""The metrics that show the truth as known now."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import export as sdk

from handmade.facts import FactStore
from handmade.observing import QUERIES
from otel_vsm_collector.metrics import collect, gauges, points
from otel_vsm_collector.metrics.collect import Metrics
from scenarios import product

FACTS = product.facts({})

DAY = 86400 * 10**9
SHOP = {"service": "shop", "environment": "production"}


@pytest.fixture
def now() -> int:
    return time.time_ns()


@pytest.fixture
def metrics(facts: FactStore) -> Iterator[Metrics]:
    made = Metrics(QUERIES)
    made.watch(facts.cursor, lambda: FACTS)
    yield made
    made.close()


def of(*values: str) -> frozenset[str]:
    return frozenset(values)


def values(metrics: Metrics, name: str) -> dict[frozenset[Any], float]:
    """The points of a metric, by the values of their attributes."""
    found: dict[frozenset[Any], float] = {}
    for resource in metrics.collect().resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points if metric.name == name else []:
                    assert isinstance(point, sdk.NumberDataPoint)
                    key = frozenset((point.attributes or {}).values())
                    assert key not in found, f"{name} has two points for {key}"
                    found[key] = point.value
    return found


def test_changes_are_active_until_production_has_them_or_nobody_wants_them(
    facts: FactStore, metrics: Metrics, now: int
) -> None:
    for change, stage in (("a", "build"), ("b", "build"), ("c", None), ("d", "build"), ("e", "test")):
        facts.insert("change", id=change, repository="r", current_stage=stage, first_activity_at=now)
    facts.insert(
        "change", id="f", repository="r", current_stage="test", first_activity_at=now, abandoned_at=now
    )
    for change, environment in (("d", "production"), ("e", "staging")):
        name = f"D-{change}"
        facts.insert("matched_claim", deployment_id=name, change_id=change, method="revision")
        facts.insert(
            "deployment_order", id=name, service="shop", environment=environment, finished_at=now, links=0,
            ancestors=0, before=0, before_alike=0, number=1,
        )  # fmt: skip

    repository = ("r", "https://r")
    assert values(metrics, "vsm.change.active") == {
        of(*repository, "build"): 2,
        of(*repository): 1,
        of(*repository, "test"): 1,
    }


def test_an_incident_is_active_until_it_is_resolved_and_0_is_said(
    facts: FactStore, metrics: Metrics, now: int
) -> None:
    facts.insert("incident", **SHOP, id="i", severity="high", started_at=now)
    assert values(metrics, "vsm.incident.active") == {of("shop", "production", "high"): 1}
    facts.insert("incident", **SHOP, id="j", severity="low", started_at=now, resolved_at=now + 1)
    facts.connection.execute("UPDATE incident SET resolved_at = 1 WHERE id = 'i'")
    assert values(metrics, "vsm.incident.active") == {
        of("shop", "production", "high"): 0,
        of("shop", "production", "low"): 0,
    }


def test_a_span_is_unlinked_while_nothing_says_whose_it_is(facts: FactStore, metrics: Metrics) -> None:
    for span, columns in (
        ("a", {}),
        ("b", {"trace_id": "of a change"}),
        ("c", {"change_id": "r#1"}),
        ("d", {"incident_id": "INC-1"}),
        ("e", {"work_item_id": "T-1"}),
    ):
        facts.insert("span", **({"trace_id": "t", "span_id": span} | columns))
    facts.insert("trace_owner", change_id="r#1", trace_id="of a change")
    assert values(metrics, "vsm.collector.span.unlinked") == {of(): 1}


def test_windows_end_now_and_hold_what_happened_in_them(facts: FactStore, metrics: Metrics, now: int) -> None:
    for days in (1, 20, 60, 100):
        facts.insert("deployment", **SHOP, id=f"d{days}", result="success", finished_at=now - days * DAY,
                     failed=days == 20, rework=False)  # fmt: skip
        facts.insert(
            "delivery", **SHOP, change_id=f"c{days}", lead_time_s=float(days), delivered_at=now - days * DAY
        )

    at_shop = ("shop", "production")
    frequency = values(metrics, "vsm.dora.deployment_frequency")
    assert {key: value for key, value in frequency.items() if "shop" in key} == {
        of(*at_shop, "7d"): pytest.approx(1 / 7),
        of(*at_shop, "30d"): pytest.approx(2 / 30),
        of(*at_shop, "90d"): pytest.approx(3 / 90),
    }
    fail_rate = values(metrics, "vsm.dora.change_fail_rate")
    assert {key: value for key, value in fail_rate.items() if "shop" in key} == {
        of(*at_shop, "7d"): 0,
        of(*at_shop, "30d"): 0.5,
        of(*at_shop, "90d"): pytest.approx(1 / 3),
    }
    lead_times = values(metrics, "vsm.dora.change_lead_time")
    assert {key: value for key, value in lead_times.items() if {"shop", "90d"} <= key} == {
        of(*at_shop, "90d", "p50"): 20,
        of(*at_shop, "90d", "p90"): pytest.approx(52),
        of(*at_shop, "90d", "mean"): 27,
    }


def test_what_lead_times_are_counted_from_is_told_where_it_is_not_the_first_commit_for_all(
    facts: FactStore, metrics: Metrics, now: int
) -> None:
    for days, start in ((2, "change.first_commit"), (3, "change.first_commit"), (20, "change.merged")):
        facts.insert("delivery", **SHOP, change_id=f"c{days}", lead_time_s=float(days), start_method=start,
                     delivered_at=now - days * DAY)  # fmt: skip
    found = values(metrics, "vsm.dora.change_lead_time.changes")
    assert {key: value for key, value in found.items() if "shop" in key and "90d" not in key} == {
        of("shop", "production", "30d", "change.first_commit"): 2,
        of("shop", "production", "30d", "change.merged"): 1,
    }


def test_services_and_environments_are_told_apart(facts: FactStore, metrics: Metrics, now: int) -> None:
    for service, environment in (("shop", "production"), ("shop", "staging"), ("cart", "production")):
        facts.insert("deployment", id=service + environment, service=service, environment=environment,
                     result="success", finished_at=now - DAY, failed=False, rework=False)  # fmt: skip
    found = values(metrics, "vsm.dora.deployment_rework_rate")
    assert {key - {*map(str, FACTS.declared.windows)} for key in found} == {
        of("production"),  # everything together
        of("shop", "production"),
        of("shop", "staging"),
        of("cart", "production"),
    }


def test_a_figure_over_nothing_has_no_point(facts: FactStore, metrics: Metrics, now: int) -> None:
    facts.insert("deployment", **SHOP, id="d", result="failure", finished_at=now - DAY)
    assert values(metrics, "vsm.dora.change_fail_rate") == {}
    assert values(metrics, "vsm.dora.change_lead_time") == {}


def test_a_stage_of_two_types_has_one_share_of_complete_work(
    facts: FactStore, metrics: Metrics, now: int
) -> None:
    for kind, complete in (("build", True), ("build", True), ("test", False), ("test", None)):
        facts.insert(
            "stage_execution",
            stage_name="check",
            stage_type=kind,
            ended_at=now - DAY,
            complete_accurate=complete,
        )
    assert values(metrics, "vsm.stage.complete_accurate") == {
        of("check", window): pytest.approx(2 / 3) for window in map(str, FACTS.declared.windows)
    }


def test_figures_are_computed_again_only_when_a_fact_or_the_window_has_moved(
    facts: FactStore, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []

    def count(*arguments: Any) -> list[sdk.Metric]:
        computed.append(arguments)
        return []

    monkeypatch.setattr(gauges, "current", count)
    metrics.collect()
    metrics.collect()
    assert len(computed) == 1
    facts.insert("incident", id="i")
    metrics.collect()
    assert len(computed) == 2
    monkeypatch.setattr(collect, "FRESH_FOR_NS", -1)
    metrics.collect()
    assert len(computed) == 3


def test_flow_is_of_what_production_got_by_repository(facts: FactStore, metrics: Metrics, now: int) -> None:
    for place, (repository, environment, days) in enumerate(
        (("shop", "production", 1), ("shop", "prod", 3), ("shop", "staging", 1), ("cart", "production", 60))
    ):
        facts.insert(
            "delivery", change_id=f"c{place}", repository=repository, environment=environment,
            first_activity_at=now - (days + 2) * DAY, delivered_at=now - days * DAY,
        )  # fmt: skip
    facts.insert(
        "stage_run", change_id="c0", stage_name="build", started_at=now - 3 * DAY, ended_at=now - 2 * DAY
    )
    shop, cart = ("shop", "https://shop"), ("cart", "https://cart")
    assert values(metrics, "vsm.flow.throughput") == {
        of(*shop, "7d"): pytest.approx(2 / 7),
        of(*shop, "30d"): pytest.approx(2 / 30),
        of(*shop, "90d"): pytest.approx(2 / 90),
        of(*cart, "90d"): pytest.approx(1 / 90),
    }
    # Of the other change nobody knows how long it was worked on.
    assert values(metrics, "vsm.flow.efficiency")[of(*shop, "7d")] == 0.5
    assert values(metrics, "vsm.flow.time")[of(*cart, "90d", "p50")] == 2 * 86400


def test_c_14_more_series_than_may_be_are_summed_or_left_out_and_said(
    facts: FactStore, metrics: Metrics, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(points, "MAX_ATTRIBUTE_SETS", 3)
    for number in range(5):
        facts.insert("change", id=f"c{number}", repository=f"r{number}", first_activity_at=now)
        row = {"id": f"d{number}", "service": f"s{number}", "environment": "production"}
        facts.insert("deployment", **row, result="success", finished_at=now - DAY, failed=False)
    active = values(metrics, "vsm.change.active")
    assert (len(active), active[frozenset({True})]) == (4, 2)
    frequency = values(metrics, "vsm.dora.deployment_frequency")
    assert {service for key in frequency for service in key if service[0] == "s"} == {"s0", "s1", "s2"}
    assert values(metrics, "vsm.collector.metric.overflow") == {frozenset(): 1}
    monkeypatch.setattr(points, "MAX_ATTRIBUTE_SETS", 5)
    monkeypatch.setattr(collect, "FRESH_FOR_NS", -1)
    assert values(metrics, "vsm.collector.metric.overflow") == {frozenset(): 0}


HOUR = 3600 * 10**9


def about(hours: float) -> Any:
    """Seconds, as old as something is a little later."""
    return pytest.approx(hours * 3600, abs=60)


def test_changes_in_progress_have_an_age(facts: FactStore, metrics: Metrics, now: int) -> None:
    for change, hours in (("a", 1), ("b", 2), ("c", 9)):
        facts.insert(
            "change", id=change, repository="r", current_stage="build", first_activity_at=now - hours * HOUR
        )
    facts.insert("change", id="d", repository="r", current_stage="build", first_activity_at=now - 99 * HOUR,
                 abandoned_at=now - HOUR)  # fmt: skip
    build = ("r", "https://r", "build")
    assert values(metrics, "vsm.change.age") == {of(*build, "p50"): about(2), of(*build, "max"): about(9)}


def test_an_approval_is_waited_for_until_it_is_answered_or_nobody_needs_it(
    facts: FactStore, metrics: Metrics, now: int
) -> None:
    facts.insert(
        "change", id="gone", repository="r", first_activity_at=now - 9 * HOUR, abandoned_at=now - HOUR
    )
    people = {"gate": "release", "actor_type": "human"}
    facts.insert("approval", **people, change_id="a", requested_at=now - 3 * HOUR)
    facts.insert("approval", **people, change_id="b", requested_at=now - 5 * HOUR)
    facts.insert("approval", **people, change_id="gone", requested_at=now - 9 * HOUR)
    facts.insert("approval", gate="scan", actor_type="automation", change_id="a",
                 requested_at=now - 9 * HOUR, answered_at=now - HOUR, granted=True, wait_s=60.0)  # fmt: skip
    assert values(metrics, "vsm.approval.active") == {of("release", "human"): 2, of("scan", "automation"): 0}
    assert values(metrics, "vsm.approval.age") == {
        of("release", "human", "p50"): about(4),
        of("release", "human", "max"): about(5),
    }


def test_a_work_item_is_blocked_until_it_is_unblocked(facts: FactStore, metrics: Metrics, now: int) -> None:
    def tell(item: str, event: str, hours: int) -> None:
        facts.insert("item_event", work_item_id=item, event=f"work_item.{event}", at=now - hours * HOUR)

    assert values(metrics, "vsm.work_item.blocked") == {of(): 0}
    tell("A-1", "blocked", 3)
    tell("A-2", "blocked", 3)
    tell("A-2", "unblocked", 2)
    assert values(metrics, "vsm.work_item.blocked") == {of(): 1}


def test_the_last_deployment_is_the_last_that_succeeded(facts: FactStore, metrics: Metrics, now: int) -> None:
    for hours, result in ((1, "failure"), (2, "success"), (3, "success")):
        facts.insert("deployment", **SHOP, id=f"d{hours}", result=result, finished_at=now - hours * HOUR)
    assert values(metrics, "vsm.deployment.last_timestamp") == {
        of("shop", "production"): pytest.approx(now / 1e9 - 7200)
    }


def test_limits_are_as_declared_and_null_is_none(facts: FactStore, now: int) -> None:
    declared = product.facts({"limits": {"lead_time": "2d", "change_fail_rate": None, "recovery_time": "1h"}})
    metrics = Metrics(QUERIES)
    metrics.watch(facts.cursor, lambda: declared)
    for number, failed in enumerate((True, False)):
        facts.insert("deployment", **SHOP, id=f"d{number}", result="success", finished_at=now - DAY,
                     failed=failed, rework=False)  # fmt: skip
        facts.insert("delivery", **SHOP, change_id=f"c{number}", lead_time_s=3 * 86400.0,
                     delivered_at=now - DAY)  # fmt: skip

    durations = values(metrics, "vsm.limit.duration")
    assert durations[of("lead_time")] == 2 * 86400
    assert durations[of("approval_wait")] == 4 * 3600
    assert of("change_fail_rate") not in values(metrics, "vsm.limit.share")
    assert values(metrics, "vsm.limit.breached") == {of("lead_time", "30d"): 1}
    metrics.close()


def test_a_limit_that_holds_is_not_broken(facts: FactStore, metrics: Metrics, now: int) -> None:
    facts.insert("delivery", **SHOP, change_id="c", lead_time_s=3600.0, delivered_at=now - DAY)
    assert values(metrics, "vsm.limit.breached") == {of("lead_time", "30d"): 0}


def test_what_no_change_was_found_for_is_also_a_share(facts: FactStore, metrics: Metrics, now: int) -> None:
    for number in range(4):
        facts.insert("stage_run", stage_name="build", trace_id=f"t{number}", started_at=now - DAY,
                     ended_at=now - DAY, change_id=None if number == 0 else "r#1")  # fmt: skip
    found = values(metrics, "vsm.collector.stage.unlinked_share")
    assert found == {of("7d"): 0.25, of("30d"): 0.25, of("90d"): 0.25}
    assert values(metrics, "vsm.collector.deployment.unlinked_share") == {}


def test_a_median_of_everything_is_of_all_values_in_production(
    facts: FactStore, metrics: Metrics, now: int
) -> None:
    for number, (service, environment, seconds) in enumerate(
        (
            ("shop", "production", 1.0),
            ("shop", "prod", 2.0),
            ("cart", "production", 9.0),
            ("cart", "staging", 99.0),
        )
    ):
        facts.insert("delivery", service=service, environment=environment, change_id=f"c{number}",
                     lead_time_s=seconds, delivered_at=now - DAY)  # fmt: skip
    found = values(metrics, "vsm.dora.change_lead_time")
    assert found[of("production", "7d", "p50")] == 2.0


def test_teams_and_value_streams_have_figures_of_the_default_window(facts: FactStore, now: int) -> None:
    declared = product.facts({"value_streams": {"buying": {"systems": ["shop", "cart"]}}, "window": "90d"})
    metrics = Metrics(QUERIES)
    metrics.watch(facts.cursor, lambda: declared)
    for service, team, failed in (("shop", "red", True), ("cart", "red", False), ("search", "blue", False)):
        facts.insert("deployment", id=service, service=service, environment="production", result="success",
                     finished_at=now - DAY, failed=failed, rework=False, teams=[team])  # fmt: skip
        facts.insert("deployment_report", service=service, environment="production", teams=[team])
    found = values(metrics, "vsm.dora.change_fail_rate")
    together = {key: value for key, value in found.items() if not key & {"shop", "cart", "search"}}
    assert together == {
        of("production", "7d"): pytest.approx(1 / 3),
        of("production", "30d"): pytest.approx(1 / 3),
        of("production", "90d"): pytest.approx(1 / 3),
        of("red", "production", "90d"): 0.5,
        of("blue", "production", "90d"): 0,
        of("buying", "production", "90d"): 0.5,
    }
    metrics.close()


def test_teams_that_are_too_many_are_cut_and_that_is_said(
    facts: FactStore, metrics: Metrics, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges, "MAX_TOGETHER", 1)
    for team in ("red", "blue"):
        facts.insert("deployment", **SHOP, id=team, result="success", finished_at=now - DAY, failed=False,
                     rework=False, teams=[team])  # fmt: skip
        facts.insert("deployment_report", **SHOP, teams=[team])
    found = values(metrics, "vsm.dora.change_fail_rate")
    assert {name for key in found for name in key & {"red", "blue"}} == {"blue"}
    assert values(metrics, "vsm.collector.metric.overflow") == {of(): 1}


def test_what_is_of_no_service_is_not_taken_for_everything(
    facts: FactStore, metrics: Metrics, now: int
) -> None:
    for name, service in (("a", None), ("b", "shop")):
        facts.insert("deployment", id=name, service=service, environment="production", result="success",
                     finished_at=now - DAY, failed=service is None, rework=False)  # fmt: skip
    found = values(metrics, "vsm.dora.change_fail_rate")
    assert found[of("production", "7d")] == 0.5
    assert found[of("shop", "production", "7d")] == 0
