"""What a bound token may tell: spans of its repositories, services and environments, and nothing that could
pass for somebody else's.

Spans are joined by their trace, and one span can be told again: so a token that is bound to repositories may
only tell of changes, each in the trace that follows from it, as otel-vsm's wrappers do.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from otel_vsm.identity import change_root
from otel_vsm.semconv import EventName, StageType
from otel_vsm_collector.access.guard import SENDER
from otel_vsm_collector.access.tokens import Token
from otel_vsm_collector.spans.accept import Outcome, Verdict, accept, only
from otel_vsm_collector.spans.rows import Numbered, ledger_rows
from otel_vsm_collector.spans.wire import NO_REQUEST

Export = Callable[[bytes], Awaitable[Verdict]]
_COLUMNS = (
    *("trace_id", "change_id", "repository", "service", "environment", "deployment_id", "deployment_kind"),
    *("stage_type", "event_name", "incident_id"),
)


def within_bounds(export: Export) -> Export:
    """The same, of what the sender of the request may tell."""

    async def bounded(payload: bytes) -> Verdict:
        token = SENDER.get()
        if token is None or not token.is_bound:
            return await export(payload)
        allowed, judged = await asyncio.to_thread(_allowed, payload, token)
        if judged.outcome is not Outcome.ACCEPTED:
            return judged
        verdict = await export(allowed)
        return judged if verdict.outcome is Outcome.ACCEPTED else verdict

    return bounded


def _allowed(payload: bytes, token: Token) -> tuple[bytes, Verdict]:
    """What of a request the token may tell, and what is said of the rest."""
    accepted = accept([payload])
    (verdict,) = accepted.verdicts
    if accepted.spans is None:
        return b"", verdict
    mapped = np.flatnonzero(accepted.spans.classes >= 0)
    rows = ledger_rows([Numbered([0], accepted.spans)]).span.select(_COLUMNS).to_pylist()[: len(mapped)]
    # What no mapping is about cannot be judged, and a later one might make something of it.
    wanted = np.zeros(len(accepted.spans.decoded), dtype=np.bool_)
    wanted[mapped] = [_may_tell(token, row) for row in rows]
    try:
        allowed = only(payload, wanted)
    except DecodeError as error:
        return b"", Verdict(Outcome.MALFORMED, f"{NO_REQUEST}: {error}")
    beyond = len(mapped) - int(np.count_nonzero(wanted))
    if not beyond:
        return allowed, verdict
    spans = "span was" if beyond == 1 else "spans were"
    reason = f"{beyond} {spans} rejected: of what the token may not speak for"
    message = "; ".join(filter(None, (verdict.message, reason)))
    return allowed, Verdict(Outcome.ACCEPTED, message, verdict.rejected + beyond)


def _may_tell(token: Token, row: dict[str, Any]) -> bool:
    if token.repositories is not None:
        change = row["change_id"]
        if change is None or row["trace_id"] != change_root(change).trace_id:
            return False
        of_change = change[: max(change.rfind("#"), change.rfind("@"))]
        named = {of_change, row["repository"] or of_change}
        if not all(token.may_name("repositories", name) for name in named):
            return False
    placed = (
        row["environment"] is not None
        or row["deployment_id"] is not None
        or row["deployment_kind"] is not None
        or row["stage_type"] == StageType.DEPLOY
        or row["event_name"] == EventName.DEPLOYMENT_STARTED
        or row["incident_id"] is not None
    )
    for what, name in (("services", row["service"]), ("environments", row["environment"])):
        # Where it says nothing, another span of the same deployment could say it for it.
        restricted = getattr(token, what) is not None
        if restricted and (placed if name is None else not token.may_name(what, name)):  # type: ignore[arg-type]
            return False
    return True
