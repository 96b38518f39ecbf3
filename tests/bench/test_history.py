"""The history that the benchmarks measure with."""

import itertools
from collections import Counter
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bench import history
from otel_vsm import semconv
from otel_vsm.identity import change_root
from otel_vsm_collector.spans.accept import Outcome, accept
from otel_vsm_collector.stores.journal import Journal

SPANS = 20_000


def test_the_same_seed_tells_the_same() -> None:
    first, again = (list(itertools.islice(history.history(SPANS, seed=3), 5)) for _ in range(2))
    assert first == again
    assert first != list(itertools.islice(history.history(SPANS, seed=4), 5))


def test_every_span_is_accepted_as_it_is() -> None:
    rows = list(itertools.islice(history.history(SPANS), 5))
    accepted = accept([request for row in rows for request in row.requests])
    assert {verdict.outcome for verdict in accepted.verdicts} == {Outcome.ACCEPTED}
    assert accepted.counts.kept == accepted.counts.received == sum(row.spans for row in rows)


def test_it_is_of_the_size_that_was_asked_for(tmp_path: Path) -> None:
    written = history.write(tmp_path / "data", SPANS, following=1)
    assert SPANS <= written.spans < SPANS * 1.1
    journal = Journal(tmp_path / "data" / "journal.sqlite")
    kept = [ExportTraceServiceRequest.FromString(row.body) for row in journal.read(1, journal.last_seq)]
    journal.close()
    assert sum(len(_spans(request)) for request in kept) == written.spans
    assert len(_spans(ExportTraceServiceRequest.FromString(written.following[0]))) == written.following_spans
    changes: Counter[str] = Counter()
    for span in itertools.chain.from_iterable(map(_spans, kept)):
        attributes = {pair.key: pair.value.string_value for pair in span.attributes}
        if attributes.get(semconv.VSM_EVENT_NAME) == semconv.EventName.CHANGE_FIRST_COMMIT:
            change = attributes[semconv.VSM_CHANGE_ID]
            changes[change] += 1
            assert span.trace_id.hex() == change_root(change).trace_id
    # Six in a hundred spans of a long history; at the beginning of one more begins than ends.
    assert 0.05 < len(changes) / written.spans < 0.12


def _spans(request: ExportTraceServiceRequest) -> list[Span]:
    resources = request.resource_spans
    return [span for resource in resources for scope in resource.scope_spans for span in scope.spans]
