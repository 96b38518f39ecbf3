"""What is told of a change, an incident or a work item: point events and runs of stages, as spans."""

from collections.abc import Callable
from random import Random

from bench import encoded
from otel_vsm import semconv
from otel_vsm.identity import (
    ChangeId,
    Repository,
    SpanReference,
    change_of_commit,
    change_of_request,
    change_root,
    event_span_id,
    repository_url,
    work_item_root,
)
from otel_vsm.semconv import ActorType, EventName, StageType, TaskResult

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

Send = Callable[[int, str, bytes], None]
"""Takes when a span is sent, by whom, and the span."""


def event(
    root: SpanReference, owner: str, name: EventName, at: int, *parts: bytes, subject: str = ""
) -> bytes:
    """The span of a point event."""
    return encoded.span(
        bytes.fromhex(root.trace_id),
        bytes.fromhex(event_span_id(owner, name, subject)),
        bytes.fromhex(root.span_id),
        name,
        at,
        at,
        encoded.shared((semconv.VSM_EVENT_NAME, str(name))),
        *parts,
    )


def stage(name: str, kind: StageType, result: TaskResult) -> bytes:
    """What makes a span the run of a stage, as a part of it."""
    part = encoded.shared(
        (semconv.VSM_STAGE_NAME, name),
        (semconv.VSM_STAGE_TYPE, str(kind)),
        (semconv.VSM_ACTOR_TYPE, str(ActorType.AUTOMATION)),
        (semconv.CICD_PIPELINE_TASK_RUN_RESULT, str(result)),
    )
    return part if result is TaskResult.SUCCESS else part + encoded.FAILED


class Change:
    """Tells of a change: a request, or a commit that no request is known for.

    `foreign`: its runs are told by a program that knows request and revision, and every pipeline is a trace.
    """

    def __init__(
        self,
        rng: Random,
        send: Send,
        repository: Repository,
        revision: str,
        request: int | None,
        common: tuple[tuple[str, str], ...],
        *,
        foreign: bool,
    ) -> None:
        self._rng, self._send = rng, send
        self._repository, self._request, self._common, self._foreign = repository, request, common, foreign
        self.id: ChangeId = (
            change_of_commit(repository, revision)
            if request is None
            else change_of_request(repository, request)
        )
        self.root = change_root(self.id)
        self.work_item: str | None = None
        self.push(revision)

    def push(self, revision: str) -> None:
        """From now on this is the revision that is worked on."""
        self.revision = revision
        attributes = {
            semconv.VCS_REPOSITORY_URL_FULL: repository_url(self._repository),
            semconv.VCS_REF_HEAD_REVISION: revision,
            semconv.CICD_PIPELINE_RUN_URL_FULL: f"https://{self._repository}/actions/runs/{self._rng.getrandbits(33)}",
        }
        if self._request is not None:
            attributes[semconv.VCS_CHANGE_ID] = str(self._request)
        if self.work_item is not None:
            attributes[semconv.VSM_WORK_ITEM_ID] = self.work_item
        common = encoded.shared(*self._common)
        foreign = encoded.attributes(attributes) + common
        self.attributes = encoded.attributes({semconv.VSM_CHANGE_ID: self.id}) + foreign
        self._run_attributes = foreign if self._foreign else self.attributes
        self._pipeline = (
            (self._rng.randbytes(16), b"")
            if self._foreign
            else (bytes.fromhex(self.root.trace_id), bytes.fromhex(self.root.span_id))
        )

    def event(self, name: EventName, at: int, *, gate: str = "", sent_at: int | None = None) -> None:
        """Something happened to it; `sent_at` where that was told at another time than it is dated."""
        parts = [self.attributes]
        if gate:
            parts.append(encoded.shared((semconv.VSM_APPROVAL_GATE, gate)))
        span = event(self.root, self.id, name, at, *parts, subject=gate)
        self._send(at if sent_at is None else sent_at, self._repository, span)

    def item_event(self, name: EventName, at: int) -> None:
        """Something happened to its work item, of which no change is known yet."""
        item = self.work_item or ""
        attributes = encoded.shared((semconv.VSM_WORK_ITEM_ID, item), *self._common)
        self._send(at, self._repository, event(work_item_root(item), item, name, at, attributes))

    def run(
        self, name: str, kind: StageType, at: int, mean_ns: int, result: TaskResult, *parts: bytes
    ) -> int:
        """A stage runs after a while in a queue; when it ended."""
        rng = self._rng
        queued_s = int(rng.expovariate(1 / 40))
        at += queued_s * SECOND_NS
        end = at + int(rng.expovariate(1 / mean_ns)) + SECOND_NS
        draw = rng.random()
        # One run in a hundred says nothing of what it worked on, one was dated by a clock that is wrong.
        attributes = self._run_attributes if draw > 0.01 else b""
        trace_id, parent = self._pipeline if attributes else (rng.randbytes(16), b"")
        wrong = int(rng.gauss(0, 5 * MINUTE_NS)) if draw > 0.99 else 0
        span = encoded.span(
            trace_id,
            rng.randbytes(8),
            parent,
            name,
            at + wrong,
            end + wrong,
            attributes,
            stage(name, kind, result),
            encoded.shared((semconv.VSM_STAGE_QUEUE_DURATION, float(queued_s))),
            *parts,
        )
        self._send(end, self._repository, span)
        return end
