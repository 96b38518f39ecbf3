"""Spans that no mapping is about: which are kept for later ones, and that an application's never are."""

import os
import re
from pathlib import Path
from typing import Any, cast

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from handmade.otlp import Otlp
from otel_vsm_collector.compiled import Compiled
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.reload import Current, unmapped_of
from otel_vsm_collector.spans.accept import Accepted, Counts, Outcome, accept
from otel_vsm_collector.spans.classify import Classifier
from otel_vsm_collector.spans.mappings import MAPPINGS
from otel_vsm_collector.spans.mappings.mapping import Mapping, SpanName
from otel_vsm_collector.spans.rows import Numbered, ledger_rows
from otel_vsm_collector.spans.unmapped import Unmapped

BY_DEFAULT = unmapped_of(Declared())
CI = Unmapped(scopes=re.compile("^ci$"), attributes=re.compile(r"^ci\."), max_bytes=1 << 20)
PLENTY = 1 << 20
SERVER, CLIENT, CONSUMER = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_CONSUMER
HTTP = {"http.request.method": "GET", "url.path": "/", "http.route": "/"}


def judged(payload: bytes, unmapped: Unmapped = CI, room: int = PLENTY) -> Accepted:
    return accept([payload], unmapped=unmapped, room=room)


def span_ids(requests: list[bytes]) -> list[bytes]:
    request = ExportTraceServiceRequest.FromString(b"".join(requests))
    return [
        span.span_id
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


def of_scope(otlp: Otlp, scope: str, *spans: Span, resource: dict[str, Any] | None = None) -> bytes:
    request = otlp.request(*spans, resource=resource)
    request.resource_spans[0].scope_spans[0].scope.name = scope
    payload: bytes = request.SerializeToString()
    return payload


@pytest.mark.parametrize(
    ("attributes", "scope", "kept"),
    [
        ({"ci.run": 1}, "", True),
        ({"other": 1, "ci.run": 1}, "", True),
        ({"CI.run": 1}, "", False),
        ({"xci.run": 1}, "", False),
        ({}, "ci", True),
        ({"other": 1}, "ci", True),
        ({}, "cix", False),
        ({"other": 1}, "", False),
    ],
)
def test_by_its_scope_or_by_one_of_its_attributes(
    otlp: Otlp, attributes: dict[str, Any], scope: str, kept: bool
) -> None:
    payload = of_scope(otlp, scope, otlp.span(attributes))
    accepted = judged(payload)
    assert accepted.counts == Counts(received=1, unmapped=int(kept), filtered=int(not kept))
    assert (accepted.journal, accepted.unmapped) == ([], [payload] if kept else [])


def test_what_a_resource_says_is_said_of_applications_too(otlp: Otlp) -> None:
    assert judged(otlp.payload(otlp.span({}), resource={"ci.run": 1})).counts.filtered == 1


@pytest.mark.parametrize(
    ("kind", "attributes", "kept"),
    [
        (SERVER, HTTP, False),
        (SERVER, {"rpc.method": "Get"}, False),
        (CONSUMER, {"messaging.system": "kafka"}, False),
        # A tool that calls another one, as Jenkins does git; and runs of pipelines, which are servers' spans.
        (CLIENT, HTTP, True),
        (SERVER, {}, True),
        (CONSUMER, {}, True),
    ],
)
def test_an_answer_to_a_request_never(otlp: Otlp, kind: Any, attributes: dict[str, Any], kept: bool) -> None:
    span = otlp.span({"ci.run": 1} | attributes, kind=kind)
    other = otlp.span({"ci.run": 1})
    accepted = judged(of_scope(otlp, "ci", span, other))
    assert span_ids(accepted.unmapped) == [*([span.span_id] if kept else []), other.span_id]


def test_each_span_is_kept_whole_where_it_belongs(otlp: Otlp) -> None:
    ours, theirs, nobodys = otlp.span(), otlp.span({"ci.run": 1}, trace_state="a=b"), otlp.span({})
    resource = {"service.name": "gateway"}
    payloads = [
        otlp.payload(ours, theirs, nobodys, resource=resource),
        otlp.payload(theirs, resource=resource),
        otlp.payload(nobodys),
        otlp.payload(ours),
    ]
    accepted = accept(payloads, unmapped=CI, room=PLENTY)
    assert accepted.journal == [otlp.payload(ours, resource=resource), payloads[3]]
    assert accepted.unmapped == [otlp.payload(theirs, resource=resource), payloads[1]]
    assert accepted.counts == Counts(received=6, filtered=2, unmapped=2, kept=2)
    assert accepted.spans is not None
    assert (
        ledger_rows([Numbered([1] * 4, accepted.spans)]).span.column("span_id").to_pylist()
        == [ours.span_id.hex()] * 2
    )


def test_what_cannot_be_a_span_is_rejected_all_the_same(otlp: Otlp) -> None:
    accepted = judged(otlp.payload(otlp.span({"ci.run": 1}, trace_id=b""), otlp.span({"ci.run": 1})))
    assert accepted.counts == Counts(received=2, rejected=1, unmapped=1)
    assert accepted.verdicts[0].rejected == 1


def test_a_fault_that_shows_only_when_a_request_is_written_anew_is_the_senders(otlp: Otlp) -> None:
    broken = otlp.span({"ci.run": 1})
    broken.events.add(name="pay")
    payload = otlp.payload(broken, otlp.span()).replace(b"pay", b"p\xffy")
    accepted = judged(payload)
    assert accepted.verdicts[0].outcome is Outcome.MALFORMED
    assert (accepted.journal, accepted.unmapped, accepted.spans) == ([], [], None)


def test_what_a_mapping_drops_is_not_kept_for_later(otlp: Otlp) -> None:
    dropping = Mapping(name="ci", span_prefixes=("ci.",), columns={}, dropped=(SpanName(),))
    accepted = accept(
        [otlp.payload(otlp.span({"ci.run": 1}))],
        classifier=Classifier([dropping, *MAPPINGS]),
        unmapped=CI,
        room=PLENTY,
    )
    assert accepted.counts == Counts(received=1, filtered=1)


def test_a_name_that_is_no_text_is_nobodys(otlp: Otlp) -> None:
    payload = of_scope(otlp, "ci", otlp.span({})).replace(b"ci", b"\xff\xfe")
    assert judged(payload).counts == Counts(received=1, filtered=1)


class TestRoom:
    def test_requests_are_taken_while_there_is_room_for_them(self, otlp: Otlp) -> None:
        small = otlp.payload(otlp.span({"ci.run": 1}))
        large = otlp.payload(otlp.span({"ci.run": "x" * 100}), otlp.span())
        accepted = accept([small, large, small, small], unmapped=CI, room=2 * len(small))
        assert accepted.unmapped == [small, small]
        assert len(accepted.journal) == 1, "what is not kept for later leaves the others as they are"
        assert accepted.counts == Counts(received=5, filtered=2, unmapped=2, kept=1)
        assert accepted.out_of_room

    @pytest.mark.parametrize("room", [0, -1])
    def test_without_room_nothing_is_taken_and_it_is_said(self, otlp: Otlp, room: int) -> None:
        accepted = judged(otlp.payload(otlp.span({"ci.run": 1})), room=room)
        assert (accepted.counts, accepted.spans) == (Counts(received=1, filtered=1), None)
        assert accepted.out_of_room

    @pytest.mark.parametrize("room", [0, -1])
    def test_nothing_is_said_where_nothing_was_to_be_taken(self, otlp: Otlp, room: int) -> None:
        payload = otlp.payload(otlp.span({}), otlp.span())
        assert not judged(payload, room=room).out_of_room
        assert not judged(otlp.payload(otlp.span({"ci.run": 1})), Unmapped(), room).out_of_room


class TestByDefault:
    """One span of each emitter that is known and that our convention does not understand already."""

    @pytest.mark.parametrize(
        ("scope", "kind", "attributes"),
        [
            ("", CONSUMER, {"github.actions.job.name": "build"}),
            ("", 0, {"github.run_id": 1, "github.head_sha": "abc"}),
            ("", 0, {"tekton.pipelinerun.name": "build-x7f2"}),
            ("", 0, {"test.case.name": "adds", "test.case.result.status": "pass"}),
            ("pytest-opentelemetry", 0, {"pytest.span_type": "test"}),
        ],
    )
    def test_spans_of_delivery_tools_are_kept(
        self, otlp: Otlp, scope: str, kind: Any, attributes: dict[str, Any]
    ) -> None:
        payload = of_scope(otlp, scope, otlp.span(attributes, kind=kind))
        assert judged(payload, BY_DEFAULT).counts == Counts(received=1, unmapped=1)

    @pytest.mark.parametrize(
        ("scope", "kind", "attributes"),
        [
            ("io.opentelemetry.tomcat-10.0", SERVER, HTTP | {"client.address": "192.0.2.1"}),
            ("io.opentelemetry.jdbc", CLIENT, {"db.system": "postgresql", "db.statement": "SELECT 1"}),
            ("io.opentelemetry.kafka", CONSUMER, {"messaging.system": "kafka"}),
            ("shop", 0, {"code.function": "checkout", "user.id": "ada"}),
            # Pages that people look at in Jenkins, with who they are; a service that hooks of GitHub call.
            (
                "io.jenkins.opentelemetry",
                SERVER,
                HTTP | {"ci.pipeline.id": "shop", "user.id": "ada", "jenkins.url": "x"},
            ),
            ("hooks", SERVER, HTTP | {"github.event": "push", "github.run_id": 1}),
            ("otel-cli", 0, {"process.command_args": "--password=x"}),
        ],
    )
    def test_spans_of_applications_never_are(
        self, otlp: Otlp, scope: str, kind: Any, attributes: dict[str, Any]
    ) -> None:
        resource = {
            "service.name": "shop",
            "jenkins.version": "2",
            "github.run_id": "1",
            "ci.pipeline.id": "x",
        }
        payload = of_scope(otlp, scope, otlp.span(attributes, kind=kind), resource=resource)
        assert judged(payload, BY_DEFAULT).counts == Counts(received=1, filtered=1)

    def test_a_quarter_of_a_gibibyte_of_them(self) -> None:
        assert BY_DEFAULT.max_bytes == 256 << 20

    def test_nought_keeps_none(self, otlp: Otlp) -> None:
        unmapped = unmapped_of(Declared.model_validate({"telemetry": {"unmapped_mib": 0}}))
        accepted = judged(otlp.payload(otlp.span({"pytest.x": os.urandom(9)})), unmapped, room=0)
        assert (accepted.counts, accepted.out_of_room) == (Counts(received=1, filtered=1), False)

    def test_a_list_without_an_entry_keeps_none_by_it(self, otlp: Otlp) -> None:
        telemetry: dict[str, list[str]] = {"unmapped_scopes": [], "unmapped_attributes": []}
        unmapped = unmapped_of(Declared.model_validate({"telemetry": telemetry}))
        payload = of_scope(otlp, "x", otlp.span({"pytest.x": 1}))
        assert judged(payload, unmapped).counts == Counts(received=1, filtered=1)


def test_the_setting_holds_as_soon_as_the_file_is_read_again(tmp_path: Path) -> None:
    """Without deriving anything anew: no figure depends on it."""
    config = tmp_path / "vsm.yaml"
    config.write_text("telemetry: {unmapped_mib: 3}\n")
    kept: list[Unmapped] = []

    class OnlyThat:
        keep_unmapped = staticmethod(kept.append)

    current = Current(Declared(), Compiled(tmp_path / "compiled"), cast(Any, None), say=lambda _: None)
    current.read_again(config, cast(Any, OnlyThat))
    assert [unmapped.max_bytes for unmapped in kept] == [3 << 20]
    config.write_text("telemetry: {unmapped_mib: -1}\n")
    current.read_again(config, cast(Any, OnlyThat))
    assert len(kept) == 1
