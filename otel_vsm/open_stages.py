"""Stages that were begun and not ended yet, on disk, since another process ends them.

A file for each job, change and name of a stage: jobs never meet, however many run on this machine at a time.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from otel_vsm.context import Context, TraceParent
from otel_vsm.identity import SpanId, SpanReference, TraceId
from otel_vsm.state import private_directory, state_directory


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStage:
    """What `begin` knew. Time in nanoseconds since the epoch."""

    span_id: SpanId
    start_ns: int
    parent: TraceParent
    type: str | None
    service: str | None
    queue_s: float | None
    team: str | None
    value_stream: str | None
    work_item: str | None
    actor: str | None
    attributes: dict[str, str]
    leg: str | None
    backfilled: bool


def save(stage: OpenStage, *, context: Context, name: str) -> bool:
    """Keep it until `pop`; whether the stage had been begun before and was not ended.

    OSError where it cannot be written.
    """
    file = _file(context, name)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    existed = file.exists()
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(asdict(stage), out)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return existed


def pop(*, context: Context, name: str) -> OpenStage | None:
    """What was saved, and is no longer; None where nothing was. OSError where it cannot be read."""
    file = _file(context, name)
    renamed = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        # Renamed first: of two processes that end the same stage only one can.
        file.rename(renamed)
    except FileNotFoundError:
        return None
    try:
        return _from_json(json.loads(renamed.read_bytes()))
    except (ValueError, KeyError, TypeError, AttributeError):  # not what `save` wrote
        return None
    finally:
        with suppress(OSError):
            renamed.unlink()


def _file(context: Context, name: str) -> Path:
    state = state_directory()
    if state is None:
        raise OSError("no folder can be written; set OTEL_VSM_STATE_DIR to one")
    job = (context.ci.job if context.ci else None) or f"folder:{_folder()}"
    key = "\0".join((job, context.change or "", name))
    return private_directory(state / "open-stages") / sha256(key.encode(errors="replace")).hexdigest()


def _folder() -> Path:
    """The checkout that we are in, wherever in it; without one, the current folder."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def _from_json(data: dict[str, Any]) -> OpenStage:
    trace_id, parent, caller = data.pop("parent")
    return OpenStage(
        **data,
        parent=TraceParent(
            TraceId(trace_id), parent and SpanId(parent), SpanReference(*caller) if caller else None
        ),
    )
