"""Facts that give every metric a point, and receivers of metrics."""

import time
from collections.abc import Iterator

import pytest

from handmade import receivers
from handmade.facts import FactStore
from handmade.observing import QUERIES
from otel_vsm import identity
from otel_vsm_collector.metrics.collect import Metrics
from scenarios import product

DAY = 86400 * 10**9


@pytest.fixture
def measured(facts: FactStore) -> Iterator[Metrics]:
    """Metrics over one change, deployed yesterday, which failed and was restored; and one that waits."""
    now = time.time_ns()
    where = {"service": "shop", "environment": "production"}
    root, incident = identity.change_root("github.com/acme/shop#1"), identity.incident_root("INC-1")
    facts.insert(
        "change",
        id="github.com/acme/shop#1",
        repository="github.com/acme/shop",
        first_activity_at=now - 2 * DAY,
    )
    facts.insert(
        "change", id="github.com/acme/shop#2", repository="github.com/acme/shop", first_activity_at=now - DAY,
        current_stage="build",
    )  # fmt: skip
    facts.insert(
        "stage_run", stage_name="build", stage_type="build", change_id="github.com/acme/shop#1",
        result="success", process_s=42.0, queue_s=3.0, wait_s=60.0,
        started_at=now - DAY - 42 * 10**9, ended_at=now - DAY,
    )  # fmt: skip
    facts.insert("stage_execution", stage_name="build", complete_accurate=True, ended_at=now - DAY)
    facts.insert("stage_run", stage_name="lint", trace_id="nobody's", result="success", process_s=1.0,
                 started_at=now - DAY, ended_at=now - DAY)  # fmt: skip
    facts.insert("span", trace_id="nobody's", span_id="s", seq=1, started_at=now - DAY, ended_at=now - DAY)
    facts.insert("arrival", seq=1, received_at=now - DAY + 10**9)
    facts.insert("approval", gate="release", actor_type="human", wait_s=600.0)
    facts.insert("approval", gate="release", actor_type="human", change_id="github.com/acme/shop#2",
                 requested_at=now - DAY)  # fmt: skip
    facts.insert(
        "delivery", **where, change_id="github.com/acme/shop#1", repository="github.com/acme/shop",
        deployment_id="d1", first_activity_at=now - 2 * DAY, delivered_at=now - DAY, lead_time_s=86400.0,
        trace_id=root.trace_id, start_method="change.merged",
    )  # fmt: skip
    facts.insert(
        "deployment", **where, id="d1", kind="rollout", result="success", finished_at=now - DAY, failed=True,
        failure_method="incident_link", recovered_at=now - DAY + 600 * 10**9, rework=False,
    )  # fmt: skip
    facts.insert(
        "incident", **where, id="INC-1", severity="high", started_at=now - DAY,
        detected_at=now - DAY + 60 * 10**9, resolved_at=now - DAY + 600 * 10**9, trace_id=incident.trace_id,
    )  # fmt: skip
    facts.insert("incident", **where, id="INC-2", severity="low", started_at=now, trace_id="ab" * 16)
    metrics = Metrics(QUERIES)
    metrics.health.watch(lag_s=lambda: 0.0, journal_bytes=lambda: 4096, journal_damaged=lambda: 0)
    metrics.health.derivation.record(0.02)
    tables = product.facts({})
    metrics.watch(facts.cursor, lambda: tables)
    metrics.observer.observe_everything(facts.connection)
    metrics.observer.commit()
    yield metrics
    metrics.close()


@pytest.fixture
def http_receiver() -> Iterator[receivers.Receiver]:
    with receivers.over_http() as receiver:
        yield receiver


@pytest.fixture
def grpc_receiver() -> Iterator[receivers.Receiver]:
    with receivers.over_grpc() as receiver:
        yield receiver
