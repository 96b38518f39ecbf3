"""What the collector was sent, by who sent it."""

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from otel_vsm_collector.spans.lacking import Lacking as Lack
from otel_vsm_collector.web.api.models import ApiModel
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["health"], responses=REFUSED, dependencies=[Depends(once)])


class Example(ApiModel):
    """One of the spans."""

    name: str
    trace_id: str
    span_id: str


class Lacking(ApiModel):
    """Kept spans that gave less than they might."""

    missing: str = Field(description="The attribute that they lack.")
    gives_no: str = Field(description="What it would take to give: stage, deployment, change.")
    spans: int
    example: Example


class Source(ApiModel):
    """received = rejected + filtered + unmapped + kept."""

    emitter: str | None = Field(description="By which mapping they are understood; null where by none.")
    scope: str = Field(description="Of instrumentation; beyond 200 sources, `(others)`.")
    received: int
    rejected: int
    filtered: int = Field(description="Nothing in them is about delivery.")
    unmapped: int = Field(description="Kept for a mapping to come, and in no figure.")
    kept: int
    lacking: list[Lacking] = Field(description="Not of spans that could not wait in memory to be derived.")


class Telemetry(ApiModel):
    """Since the collector started; those that sent most first."""

    items: list[Source]


@router.get("/telemetry")
def telemetry(request: Request, reader: Reader) -> Telemetry:
    """What became of the spans that were sent since the collector started, by emitter and scope, and which
    kept ones gave nothing for want of an attribute."""
    return Telemetry(
        items=[
            Source(
                emitter=source.emitter,
                scope=source.scope,
                received=sent.counts.received,
                rejected=sent.counts.rejected,
                filtered=sent.counts.filtered,
                unmapped=sent.counts.unmapped,
                kept=sent.counts.kept,
                lacking=[_lacking(one) for one in sent.lacking.values()],
            )
            for source, sent in request.app.state.store.telemetry.sent().items()
        ]
    )


def _lacking(one: Lack) -> Lacking:
    example = Example(name=one.name, trace_id=one.trace_id, span_id=one.span_id)
    return Lacking(missing=one.missing, gives_no=one.gives_no, spans=one.spans, example=example)
