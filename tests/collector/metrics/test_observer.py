"""Counters and histograms over facts: what is counted, when, and that it never goes down."""

from typing import Any

import pytest
from opentelemetry.sdk.metrics import export as sdk

from handmade.facts import FactStore
from handmade.observing import QUERIES
from otel_vsm import identity
from otel_vsm.semconv.metrics import METRICS
from otel_vsm_collector.metrics import points as made
from otel_vsm_collector.metrics.observed import COLUMN_OF, FACTS, OBSERVED, TABLE_OF
from otel_vsm_collector.metrics.observer import Observer

SHOP = {"service": "shop", "environment": "production"}


def of(*values: str) -> frozenset[str]:
    return frozenset(values)


def collected(observer: Observer) -> dict[str, sdk.Metric]:
    return {metric.name: metric for metric in observer.collect(1)}


def counted(observer: Observer, metric: str) -> dict[frozenset[Any], int]:
    """The points of a counter by the values of their attributes."""
    found = collected(observer).get(metric)
    return {frozenset((point.attributes or {}).values()): int(point.value) for point in numbers(found)}


def numbers(metric: sdk.Metric | None) -> list[sdk.NumberDataPoint]:
    """The points of a counter; none where there is none."""
    points = metric.data.data_points if metric else []
    return [point for point in points if isinstance(point, sdk.NumberDataPoint)]


def histograms(metric: sdk.Metric) -> list[sdk.HistogramDataPoint]:
    """The points of a histogram."""
    return [point for point in metric.data.data_points if isinstance(point, sdk.HistogramDataPoint)]


def test_every_counter_and_histogram_over_facts_is_observed() -> None:
    of_facts = {
        metric.name
        for metric in METRICS
        if metric.instrument in ("counter", "histogram") and not metric.name.startswith("vsm.collector.")
    }
    assert {what.metric.name for what in OBSERVED} == of_facts
    assert set(TABLE_OF) == set(FACTS)
    assert {key for what in OBSERVED for key in what.metric.attributes} <= set(COLUMN_OF)


def test_a_lead_time_falls_into_the_bucket_that_ends_with_it(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    for hours, change in ((1.0, "a"), (1.5, "b"), (100_000.0, "c")):
        facts.insert(
            "delivery", **SHOP, change_id=change, repository="github.com/acme/shop", lead_time_s=hours * 3600,
            delivered_at=int(hours), trace_id="ab" * 16,
        )  # fmt: skip
    observer.observe(facts.connection, "delivery", "delivery")
    observer.commit()

    (point,) = histograms(collected(observer)["vsm.change.lead_time"])

    assert point.attributes == {
        "vcs.repository.name": "shop",
        "vcs.repository.url.full": "https://github.com/acme/shop",
        "service.name": "shop",
        "deployment.environment.name": "production",
    }
    assert point.count == 3
    assert point.sum == 100_002.5 * 3600
    assert (point.min, point.max) == (3600, 100_000 * 3600)
    counts = dict(zip([*point.explicit_bounds, float("inf")], point.bucket_counts, strict=True))
    assert {bound: count for bound, count in counts.items() if count} == {3600: 1, 7200: 1, float("inf"): 1}


def test_a_lead_time_that_is_excluded_is_not_counted(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    facts.insert("delivery", **SHOP, change_id="a", excluded="clock_skew", trace_id="ab" * 16)
    observer.observe(facts.connection, "delivery", "delivery")
    observer.commit()
    assert collected(observer) == {}


def test_the_latest_change_of_a_bucket_is_its_exemplar(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    for change, delivered in (("r#1", 10), ("r#3", 30), ("r#2", 20)):
        root = identity.change_root(change)
        facts.insert(
            "delivery", **SHOP, change_id=change, lead_time_s=60.0 + delivered, delivered_at=delivered,
            trace_id=root.trace_id,
        )  # fmt: skip
    observer.observe(facts.connection, "delivery", "delivery")
    observer.commit()

    (exemplar,) = collected(observer)["vsm.change.lead_time"].data.data_points[0].exemplars

    root = identity.change_root("r#3")
    assert (exemplar.trace_id, exemplar.span_id) == (int(root.trace_id, 16), int(root.span_id, 16))
    assert (exemplar.value, exemplar.time_unix_nano) == (90.0, 30)


def test_an_exemplar_in_a_foreign_trace_claims_no_span(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    facts.insert("delivery", **SHOP, change_id="a", lead_time_s=60.0, delivered_at=1, trace_id="cd" * 16)
    observer.observe(facts.connection, "delivery", "delivery")
    observer.commit()
    (exemplar,) = collected(observer)["vsm.change.lead_time"].data.data_points[0].exemplars
    assert (exemplar.trace_id, exemplar.span_id) == (int("cd" * 16, 16), 0)


def test_a_stage_run_counts_its_duration_wait_and_queue_apart(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    build = {"stage_name": "compile", "stage_type": "build"}
    facts.insert("stage_run", **build, result="success", process_s=42.0, queue_s=3.0)
    facts.insert("stage_run", **build, result="failure", process_s=8.0, wait_s=7200.0)
    observer.observe(facts.connection, "stage_run", "stage_run")
    observer.commit()

    found = collected(observer)

    def sums(name: str) -> dict[frozenset[Any], tuple[int, float]]:
        points = histograms(found[name])
        return {frozenset((point.attributes or {}).values()): (point.count, point.sum) for point in points}

    assert sums("vsm.stage.duration") == {
        of("compile", "build", "success"): (1, 42.0),
        of("compile", "build", "failure"): (1, 8.0),
    }
    assert sums("vsm.stage.wait_time") == {of("compile", "build"): (1, 7200.0)}
    assert sums("vsm.stage.queue_time") == {of("compile", "build"): (1, 3.0)}


def test_runs_of_a_stage_are_told_apart_by_service_and_repository_where_these_are_known(
    facts: FactStore,
) -> None:
    observer = Observer(QUERIES)
    for service, repository in (("shop", "r/shop"), ("cart", "r/shop"), (None, None)):
        facts.insert("stage_run", stage_name="compile", service=service, repository=repository,
                     result="success", process_s=1.0)  # fmt: skip
    observer.observe(facts.connection, "stage_run", "stage_run")
    observer.commit()
    points = histograms(collected(observer)["vsm.stage.duration"])
    common = {"vsm.stage.name": "compile", "cicd.pipeline.task.run.result": "success"}
    where = {"vcs.repository.name": "shop", "vcs.repository.url.full": "https://r/shop"}
    found = [frozenset((point.attributes or {}).items()) for point in points]
    assert len(found) == 3
    assert set(found) == {
        frozenset(common.items()),
        *(frozenset((common | where | {"service.name": service}).items()) for service in ("shop", "cart")),
    }


def test_deployments_count_once_and_again_when_they_turn_out_to_fail(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    facts.insert("deployment", **SHOP, id="d1", kind="rollout", result="success", failed=False)
    facts.insert("deployment", **SHOP, id="d2", kind="rollout", result="failure", failed=False)
    observer.observe(facts.connection, "deployment", "deployment")
    facts.connection.execute(
        "UPDATE deployment SET failed = true, failure_method = 'rollback' WHERE id = 'd1'"
    )
    observer.observe(facts.connection, "deployment_failure", "deployment")
    observer.commit()

    assert counted(observer, "vsm.deployment.count") == {
        of("shop", "production", "rollout", "success"): 1,
        of("shop", "production", "rollout", "failure"): 1,
        **{of("shop", "production", "rollout", result): 0 for result in ("error", "timeout")},
    }
    failures = counted(observer, "vsm.deployment.failure.count")
    assert {attributes: count for attributes, count in failures.items() if count} == {
        of("shop", "production", "rollback"): 1
    }


def test_failures_are_counted_from_0_on_since_the_first_deployment(facts: FactStore) -> None:
    """So that the first failure is an increase."""
    observer = Observer(QUERIES)
    facts.insert("deployment", **SHOP, id="d1", kind="rollout", result="success", failed=False)
    observer.observe(facts.connection, "deployment", "deployment")
    observer.commit()
    methods = ("incident_link", "rollback", "hotfix", "incident_window")
    assert counted(observer, "vsm.deployment.failure.count") == {
        of("shop", "production", method): 0 for method in methods
    }
    assert counted(observer, "vsm.deployment.count") == {
        of("shop", "production", "rollout", "success"): 1,
        **{of("shop", "production", "rollout", result): 0 for result in ("failure", "error", "timeout")},
    }


def test_what_is_at_0_takes_no_room_from_what_is_counted(
    facts: FactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "MAX_ATTRIBUTE_SETS", 1)
    observer = Observer(QUERIES)
    facts.insert("deployment", **SHOP, id="d1", kind="rollout", result="success", failed=False)
    observer.observe(facts.connection, "deployment", "deployment")
    observer.commit()
    assert counted(observer, "vsm.deployment.count") == {of("shop", "production", "rollout", "success"): 1}


def test_an_incident_counts_when_it_is_restored_and_not_before_it_began(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    second = 10**9
    facts.insert("incident", **SHOP, id="i1", severity="high", started_at=0, detected_at=60 * second,
                 resolved_at=600 * second, trace_id="ab" * 16)  # fmt: skip
    facts.insert(
        "incident", **SHOP, id="i2", started_at=100 * second, detected_at=40 * second, trace_id="ab" * 16
    )
    observer.observe(facts.connection, "incident_detected", "incident")
    observer.observe(facts.connection, "incident_restored", "incident")
    observer.commit()

    found = collected(observer)
    (restored,) = histograms(found["vsm.incident.restore_time"])
    (detected,) = histograms(found["vsm.incident.detect_time"])
    assert (restored.count, restored.sum) == (1, 600.0)
    assert restored.attributes
    assert restored.attributes["vsm.incident.severity"] == "high"
    assert (detected.count, detected.sum) == (1, 60.0)


def test_an_unknown_attribute_is_left_out_rather_than_empty(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    facts.insert("approval", gate="release", actor_type="", wait_s=5.0)
    observer.observe(facts.connection, "approval", "approval")
    observer.commit()
    (point,) = collected(observer)["vsm.approval.wait_time"].data.data_points
    assert point.attributes == {"vsm.approval.gate": "release"}


def test_what_a_failed_refresh_saw_is_not_counted(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    facts.insert("deployment", **SHOP, kind="rollout", result="success")
    observer.observe(facts.connection, "deployment", "deployment")
    assert counted(observer, "vsm.deployment.count") == {}
    observer.rollback()
    observer.observe(facts.connection, "deployment", "deployment")
    observer.commit()
    observer.commit()
    assert sum(counted(observer, "vsm.deployment.count").values()) == 1


def test_counts_add_up_and_start_when_the_collector_did(facts: FactStore) -> None:
    observer = Observer(QUERIES)
    facts.insert("deployment", **SHOP, kind="rollout", result="success")
    starts = []
    for expected in (1, 2, 3):
        observer.observe(facts.connection, "deployment", "deployment")
        observer.commit()
        point, *_ = numbers(collected(observer)["vsm.deployment.count"])
        assert point.value == expected
        starts.append(point.start_time_unix_nano)
    assert len(set(starts)) == 1


def test_a_start_counts_everything_that_is_known(facts: FactStore) -> None:
    facts.insert(
        "deployment", **SHOP, id="d", kind="rollout", result="success", failed=True, failure_method="slo"
    )
    facts.insert("stage_run", stage_name="build", result="success", process_s=1.0)
    facts.insert("approval", gate="g", wait_s=1.0)
    facts.insert("delivery", **SHOP, change_id="a", lead_time_s=1.0, delivered_at=1, trace_id="ab" * 16)
    facts.insert("incident", **SHOP, id="i", started_at=0, detected_at=1, resolved_at=2, trace_id="ab" * 16)
    observer = Observer(QUERIES)
    observer.observe_everything(facts.connection)
    observer.commit()
    missing = {what.metric.name for what in OBSERVED} - set(collected(observer))
    assert missing == {"vsm.stage.wait_time", "vsm.stage.queue_time"}


def test_too_many_series_are_summed_in_one_that_says_so(
    facts: FactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "MAX_ATTRIBUTE_SETS", 2)
    observer = Observer(QUERIES)
    for number in range(5):
        facts.insert("deployment", service=f"s{number}", environment="e", kind="rollout", result="success")
    observer.observe(facts.connection, "deployment", "deployment")
    observer.commit()
    points = numbers(collected(observer)["vsm.deployment.count"])
    assert [point.value for point in points] == [1, 1, 3]
    assert points[-1].attributes == {"otel.metric.overflow": True}


def test_a_fact_that_no_metric_counts_is_a_mistake(facts: FactStore) -> None:
    with pytest.raises(ValueError, match="no metric counts 'deploymnet'; known are stage_run, delivery"):
        Observer(QUERIES).observe(facts.connection, "deploymnet", "deployment")
