"""The start of a service, told through a real tracer provider."""

import subprocess
import sys
import threading

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

import otel_vsm
from otel_vsm.identity import ChangeId, change_root

CHANGE = "github.com/acme/shop#12"
ROOT = change_root(ChangeId(CHANGE))
DEPLOYMENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def start(provider: TracerProvider) -> None:
    """Tells, and waits until the thread that does it is through."""
    otel_vsm.service_started(tracer_provider=provider)
    join()


def join() -> None:
    for thread in threading.enumerate():
        if thread.name == "otel-vsm-service-started":
            thread.join(timeout=30)
            assert not thread.is_alive()


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def test_the_start_is_an_event_of_the_change_linked_to_its_deployment(
    provider: TracerProvider, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_VSM_CHANGE_ID", CHANGE)
    monkeypatch.setenv("OTEL_VSM_DEPLOYMENT_ID", "shop-7")
    monkeypatch.setenv("OTEL_VSM_DEPLOYMENT_TRACEPARENT", DEPLOYMENT)
    # Someone else's span, which neither the event nor the link has to do with.
    monkeypatch.setenv("TRACEPARENT", "00-" + 32 * "a" + "-" + 16 * "b" + "-01")
    with provider.get_tracer("shop").start_as_current_span("handle request"):
        start(provider)
        span = only(exporter)
    assert span.name == "service.started"
    assert span.attributes == {
        "vsm.event.name": "service.started",
        "vsm.change.id": CHANGE,
        "deployment.id": "shop-7",
    }
    assert span.start_time == span.end_time
    assert span.context and span.parent and span.instrumentation_scope
    assert (format_trace_id(span.context.trace_id), format_span_id(span.parent.span_id)) == ROOT
    (link,) = span.links
    assert format_trace_id(link.context.trace_id) == DEPLOYMENT[3:35]
    assert format_span_id(link.context.span_id) == DEPLOYMENT[36:52]
    assert span.instrumentation_scope.name == "otel_vsm"


def test_without_a_change_id_repository_and_commit_name_the_change(
    provider: TracerProvider, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_VSM_REPOSITORY", "https://github.com/acme/shop.git")
    monkeypatch.setenv("OTEL_VSM_REVISION", "9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d")
    start(provider)
    context = only(exporter).context
    assert context and format_trace_id(context.trace_id) == "6a04cb3d776edf55609813ef8ae9531f"


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-" + 32 * "0" + "-" + 16 * "0" + "-01"])
def test_what_names_no_change_and_no_deployment_is_told_in_a_trace_of_its_own(
    traceparent: str,
    provider: TracerProvider,
    exporter: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_VSM_REVISION", "short")
    monkeypatch.setenv("OTEL_VSM_REPOSITORY", "https://github.com/acme/shop.git")
    monkeypatch.setenv("OTEL_VSM_DEPLOYMENT_TRACEPARENT", traceparent)
    start(provider)
    assert only(exporter).parent is None
    assert list(only(exporter).links) == []


def test_a_service_that_does_not_know_what_delivered_it_tells_nothing(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    start(provider)
    assert exporter.get_finished_spans() == ()


def test_without_an_sdk_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_VSM_CHANGE_ID", CHANGE)
    otel_vsm.service_started()
    join()


def test_a_provider_that_hangs_does_not_hold_the_service_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_VSM_CHANGE_ID", CHANGE)
    reached, released = threading.Event(), threading.Event()

    class Hanging(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            reached.set()
            assert released.wait(30)

    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(Hanging())
    otel_vsm.service_started(tracer_provider=provider)
    assert reached.wait(30)
    released.set()
    join()


def test_a_provider_that_raises_is_not_felt(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_VSM_CHANGE_ID", CHANGE)

    class Broken(TracerProvider):
        def get_tracer(self, *_: object, **__: object) -> None:  # type: ignore[override]
            raise RuntimeError("broken")

    start(Broken(resource=Resource({}), shutdown_on_exit=False))
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


def test_importing_the_package_imports_no_sdk() -> None:
    script = "import sys, otel_vsm; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = otel_vsm.nonsense  # type: ignore[attr-defined]
