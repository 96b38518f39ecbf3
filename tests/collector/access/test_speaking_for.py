"""C.12 and C.13: what a bound token may tell, and what it may not pretend."""

import asyncio
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from handmade.otlp import Otlp
from otel_vsm.identity import change_root, incident_root
from otel_vsm_collector.access.guard import SENDER
from otel_vsm_collector.access.speaking_for import within_bounds
from otel_vsm_collector.access.tokens import Token
from otel_vsm_collector.spans.accept import Outcome, Verdict, accept

FORK = Token(
    sha256="0" * 64,
    scopes=("ingest",),
    repositories=("https://github.com/acme/shop.git",),
    services=("shop", "cart-*"),
    environments=("staging", "preview/*"),
)
OURS, THEIRS = "github.com/acme/shop#1", "github.com/acme/bank#1"
DEPLOYMENT = {"vsm.stage.name": "deploy", "vsm.stage.type": "deploy", "vsm.deployment.id": "D1"}


def in_trace(change: str, attributes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    trace = bytes.fromhex(change_root(change).trace_id)
    return {"attributes": {"vsm.change.id": change} | attributes, "trace_id": trace} | fields


def told(otlp: Otlp, payload: bytes, token: Token | None = FORK) -> tuple[list[str], Verdict]:
    """The names of the spans that are kept of a request, and the verdict on it."""
    kept: list[str] = []

    async def export(payload: bytes) -> Verdict:
        request = ExportTraceServiceRequest.FromString(payload)
        kept.extend(s.name for r in request.resource_spans for c in r.scope_spans for s in c.spans)
        return accept([payload]).verdicts[0]

    async def run() -> Verdict:
        SENDER.set(token)
        return await within_bounds(export)(payload)

    return kept, asyncio.run(run())


ALLOWED = [
    in_trace(OURS, {"vsm.stage.name": "build"}),
    in_trace(OURS, {"vsm.stage.name": "build", "vcs.repository.url.full": "git@github.com:acme/shop"}),
    in_trace(OURS, {"vsm.event.name": "change.merged"}),
    in_trace(OURS, DEPLOYMENT | {"service.name": "shop", "deployment.environment.name": "staging"}),
    in_trace(OURS, DEPLOYMENT | {"service.name": "cart-eu", "deployment.environment.name": "preview/7"}),
]
FORGED = [
    in_trace(THEIRS, {"vsm.stage.name": "build"}),
    in_trace(OURS, {"vsm.stage.name": "build", "vcs.repository.url.full": "https://github.com/acme/bank"}),
    # Their trace, so that it would be told in their change, or again in place of theirs.
    in_trace(OURS, {"vsm.stage.name": "build"}) | {"trace_id": bytes.fromhex(change_root(THEIRS).trace_id)},
    {"attributes": {"vsm.stage.name": "build"}, "trace_id": bytes.fromhex(change_root(THEIRS).trace_id)},
    {"attributes": {"vsm.stage.name": "build", "vsm.change.id": "a-name"}},
    in_trace(OURS, DEPLOYMENT | {"service.name": "shop", "deployment.environment.name": "production"}),
    in_trace(OURS, DEPLOYMENT | {"service.name": "bank", "deployment.environment.name": "staging"}),
    in_trace(OURS, DEPLOYMENT | {"service.name": "shop"}),
    in_trace(OURS, DEPLOYMENT | {"deployment.environment.name": "staging"}),
    in_trace(
        OURS, {"vsm.event.name": "deployment.started", "vsm.deployment.id": "D1", "service.name": "shop"}
    ),
    {
        "attributes": {
            "vsm.event.name": "incident.resolved",
            "vsm.incident.id": "I1",
            "service.name": "shop",
        },
        "trace_id": bytes.fromhex(incident_root("I1").trace_id),
    },
    {"attributes": {"vsm.event.name": "work_item.created", "vsm.work_item.id": "T-1"}},
]


@pytest.mark.parametrize("span", ALLOWED)
def test_c_13_a_bound_token_may_tell_of_its_own(otlp: Otlp, span: dict[str, Any]) -> None:
    assert told(otlp, otlp.payload(otlp.span(**span))) == (["build"], Verdict(Outcome.ACCEPTED))


@pytest.mark.parametrize("span", FORGED)
def test_c_12_and_13_a_bound_token_may_tell_of_nothing_else(otlp: Otlp, span: dict[str, Any]) -> None:
    good = otlp.span(**ALLOWED[0], name="good")
    kept, verdict = told(otlp, otlp.payload(otlp.span(**span), good))
    assert kept == ["good"]
    assert verdict.rejected == 1
    assert "1 span was rejected: of what the token may not speak for" in verdict.message
    unbound = FORK.model_copy(update={"repositories": None, "services": None, "environments": None})
    for token in (None, unbound):
        assert told(otlp, otlp.payload(otlp.span(**span), good), token)[0] == ["build", "good"]


def test_what_cannot_be_kept_anyway_is_counted_as_well(otlp: Otlp) -> None:
    spans = [otlp.span(**ALLOWED[0]), otlp.span(**FORGED[0]), otlp.span(**(ALLOWED[0] | {"trace_id": b""}))]
    kept, verdict = told(otlp, otlp.payload(*spans))
    assert (kept, verdict.rejected) == (["build"], 2)
    assert "without a trace id" in verdict.message
    assert "may not speak for" in verdict.message


def test_spans_that_nothing_is_known_of_are_not_kept_for_later(otlp: Otlp) -> None:
    kept, verdict = told(otlp, otlp.payload(otlp.span({"x.y": 1}), otlp.span(**ALLOWED[0])))
    assert (kept, verdict) == (["build"], Verdict(Outcome.ACCEPTED))


@pytest.mark.parametrize("payload", [b"\xff\xff", b""])
def test_what_is_no_request_is_judged_as_ever(otlp: Otlp, payload: bytes) -> None:
    assert told(otlp, payload)[1] == accept([payload]).verdicts[0]
