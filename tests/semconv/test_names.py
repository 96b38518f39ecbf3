"""The names that other programs rely on, written out: a name that changes here breaks them."""

from enum import StrEnum

import pytest

from otel_vsm import semconv
from otel_vsm.semconv import attributes, enums, metrics

ATTRIBUTES = """
    vsm.change.id vcs.repository.url.full vcs.ref.head.revision vcs.ref.head.name vcs.change.id
    vsm.stage.name vsm.stage.type vsm.stage.queue.duration cicd.pipeline.task.run.result
    vsm.team vsm.actor.type vsm.value_stream service.name service.version deployment.environment.name
    deployment.id vsm.deployment.kind vsm.deployment.previous.revision artifact.purl artifact.hash
    vsm.event.name vsm.work_item.id vsm.incident.id vsm.incident.severity vsm.approval.gate vsm.limit.name
    vsm.window vsm.statistic vsm.change.start vsm.failure.method vcs.repository.name
    container.image.name vsm.run.attempt vsm.stage.leg vsm.backfilled vcs.ref.base.name vcs.ref.base.revision
    vsm.retracts.span_id
    cicd.pipeline.task.name cicd.pipeline.task.type vcs.owner.name vcs.ref.head.type
"""

VALUES: dict[type[StrEnum], str] = {
    enums.StageType: """
        plan code review build test security package approve deploy verify release operate support
    """,
    enums.ActorType: "human automation",
    enums.DeploymentKind: "rollout rollback hotfix",
    enums.TaskResult: "success failure error timeout cancellation skip",
    enums.IncidentSeverity: "critical high medium low",
    enums.FailureMethod: "incident_link rollback hotfix incident_window slo",
    enums.Statistic: "mean p50 p75 p90 p95 max",
    enums.EventName: """
        work_item.created work_item.started work_item.blocked work_item.unblocked
        change.first_commit change.opened change.ready change.reviewed change.approved change.merged
        change.abandoned stage.queued stage.started approval.requested approval.granted approval.denied
        deployment.started incident.started incident.detected incident.acknowledged incident.mitigated
        incident.resolved service.started event.retracted
    """,
}

WHERE = {"service.name", "deployment.environment.name"}
OF_DORA = {*WHERE, "vsm.window", "vsm.team", "vsm.value_stream"}
REPOSITORY = {"vcs.repository.name", "vcs.repository.url.full"}
STAGE = {"vsm.stage.name", "vsm.stage.type", "service.name", *REPOSITORY}
OF_FLOW = {*REPOSITORY, "vsm.window"}
METRICS: dict[str, tuple[str, str, set[str]]] = {
    "vsm.change.lead_time": ("histogram", "s", {*REPOSITORY, *WHERE}),
    "vsm.change.active": ("updowncounter", "{change}", {*REPOSITORY, "vsm.stage.name"}),
    "vsm.stage.duration": ("histogram", "s", {*STAGE, "cicd.pipeline.task.run.result"}),
    "vsm.stage.wait_time": ("histogram", "s", STAGE),
    "vsm.stage.queue_time": ("histogram", "s", STAGE),
    "vsm.stage.complete_accurate": ("gauge", "1", {"vsm.stage.name", "vsm.window"}),
    "vsm.approval.wait_time": ("histogram", "s", {"vsm.approval.gate", "vsm.actor.type"}),
    "vsm.deployment.count": (
        "counter",
        "{deployment}",
        {*WHERE, "vsm.deployment.kind", "cicd.pipeline.task.run.result"},
    ),
    "vsm.deployment.failure.count": ("counter", "{deployment}", {*WHERE, "vsm.failure.method"}),
    "vsm.incident.active": ("updowncounter", "{incident}", {*WHERE, "vsm.incident.severity"}),
    "vsm.incident.restore_time": ("histogram", "s", {*WHERE, "vsm.incident.severity"}),
    "vsm.incident.detect_time": ("histogram", "s", {*WHERE, "vsm.incident.severity"}),
    "vsm.dora.change_lead_time": ("gauge", "s", {*OF_DORA, "vsm.statistic"}),
    "vsm.dora.change_lead_time.changes": ("gauge", "{change}", {*OF_DORA, "vsm.change.start"}),
    "vsm.dora.failed_deployment_recovery_time": ("gauge", "s", {*OF_DORA, "vsm.statistic"}),
    "vsm.dora.time_to_restore": ("gauge", "s", {*OF_DORA, "vsm.statistic"}),
    "vsm.dora.deployment_frequency": ("gauge", "{deployment}/d", OF_DORA),
    "vsm.dora.change_fail_rate": ("gauge", "1", OF_DORA),
    "vsm.dora.deployment_rework_rate": ("gauge", "1", OF_DORA),
    "vsm.flow.efficiency": ("gauge", "1", OF_FLOW),
    "vsm.flow.throughput": ("gauge", "{change}/d", OF_FLOW),
    "vsm.flow.time": ("gauge", "s", {*OF_FLOW, "vsm.statistic"}),
    "vsm.change.age": ("gauge", "s", {*REPOSITORY, "vsm.stage.name", "vsm.statistic"}),
    "vsm.approval.active": ("updowncounter", "{approval}", {"vsm.approval.gate", "vsm.actor.type"}),
    "vsm.approval.age": ("gauge", "s", {"vsm.approval.gate", "vsm.actor.type", "vsm.statistic"}),
    "vsm.work_item.blocked": ("updowncounter", "{work_item}", set()),
    "vsm.deployment.last_timestamp": ("gauge", "s", WHERE),
    "vsm.limit.duration": ("gauge", "s", {"vsm.limit.name"}),
    "vsm.limit.share": ("gauge", "1", {"vsm.limit.name"}),
    "vsm.limit.breached": ("gauge", "{figure}", {"vsm.limit.name", "vsm.window"}),
    "vsm.collector.stage.unlinked_share": ("gauge", "1", {"vsm.window"}),
    "vsm.collector.deployment.unlinked_share": ("gauge", "1", {"vsm.window"}),
    "vsm.collector.span.received": ("counter", "{span}", set()),
    "vsm.collector.span.rejected": ("counter", "{span}", set()),
    "vsm.collector.span.filtered": ("counter", "{span}", set()),
    "vsm.collector.span.unmapped": ("counter", "{span}", set()),
    "vsm.collector.log_record.received": ("counter", "{record}", set()),
    "vsm.collector.log_record.filtered": ("counter", "{record}", set()),
    "vsm.collector.data_point.filtered": ("counter", "{point}", set()),
    "vsm.collector.span.duplicate": ("counter", "{span}", set()),
    "vsm.collector.span.unlinked": ("updowncounter", "{span}", set()),
    "vsm.collector.stage.unlinked": ("gauge", "{run}", {"vsm.window", "vsm.measurement.gap"}),
    "vsm.collector.deployment.unlinked": ("gauge", "{deployment}", {"vsm.window", "vsm.measurement.gap"}),
    "vsm.collector.clock_skew": ("gauge", "{contradiction}", {"vsm.window", "vsm.measurement.gap"}),
    "vsm.collector.ingest.delay": ("gauge", "s", {"vsm.window", "vsm.statistic"}),
    "vsm.collector.journal.size": ("updowncounter", "By", set()),
    "vsm.collector.journal.damaged": ("gauge", "{row}", set()),
    "vsm.collector.metric.overflow": ("gauge", "{grouping}", set()),
    "vsm.collector.lag": ("gauge", "s", set()),
    "vsm.collector.derivation.duration": ("histogram", "s", set()),
}


@pytest.mark.parametrize("key", ATTRIBUTES.split())
def test_an_attribute_has_its_constant(key: str) -> None:
    assert getattr(semconv, key.replace(".", "_").upper()) == key


@pytest.mark.parametrize("enum", VALUES, ids=lambda enum: enum.__name__)
def test_an_enum_has_its_values_in_their_order(enum: type[StrEnum]) -> None:
    assert [member.value for member in enum] == VALUES[enum].split()
    assert all(member.name == member.value.replace(".", "_").upper() for member in enum)
    assert getattr(semconv, enum.__name__) is enum


def test_the_metrics_are_these() -> None:
    assert {m.name: (m.instrument, m.unit, set(m.attributes)) for m in metrics.METRICS} == METRICS
    for metric in metrics.METRICS:
        assert getattr(metrics, metric.name.replace(".", "_").upper()) is metric


def test_the_attributes_of_a_metric_have_constants() -> None:
    known = {value for name, value in vars(attributes).items() if name.isupper()}
    assert {key for metric in metrics.METRICS for key in metric.attributes} <= known


def test_the_package_re_exports_attributes_and_enums_and_no_more() -> None:
    constants = {name for name in vars(attributes) if name.isupper()}
    classes = {
        name for name, value in vars(enums).items() if isinstance(value, type) and value is not StrEnum
    }
    assert set(semconv.__all__) == constants | classes | {"SCHEMA_URL", "SCOPE_NAME"}


def test_spans_name_their_scope_and_schema() -> None:
    assert semconv.SCOPE_NAME == "otel_vsm"
    assert semconv.SCHEMA_URL == "https://otel-vsm.dev/schemas/0.1.0"
