"""Which kept spans lack the attribute by which they would give a figure something."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_vsm import semconv
from otel_vsm.semconv import StageType
from otel_vsm_collector.spans.decode import Mask
from otel_vsm_collector.spans.rows import Numbered
from otel_vsm_collector.spans.sources import NAME_LENGTH, Source, scopes_of_spans


class Lacking(NamedTuple):
    """Kept spans that give less than they might, for want of an attribute."""

    missing: str
    """The attribute."""
    gives_no: str
    """What it would take to give: `stage`, `deployment`, `change`."""
    spans: int
    name: str
    """One of them."""
    trace_id: str
    span_id: str


def lacking(batches: Sequence[Numbered], rows: pa.Table) -> Mapping[Source, list[Lacking]]:
    """Of accepted spans and the rows that `ledger_rows` made of them: what each source's lack."""
    scopes, names, classes = [], list[str](), []
    for batch in batches:
        accepted = batch.accepted
        kept = accepted.classes >= 0
        of_span, some = scopes_of_spans(accepted.decoded.scope, accepted.decoded.scope_names)
        scopes.append(of_span[kept] + len(names))
        classes.append(accepted.classes[kept])
        names += some
    scope, emitter = np.concatenate(scopes), np.concatenate(classes)
    # Behind them are rows of moments, which have been told by the same spans.
    table = rows.slice(0, len(scope))
    lacks: dict[Source, list[Lacking]] = {}
    mappings = batches[0].accepted.classifier.mappings
    for missing, gives_no, mask in _wants(table):
        positions = np.flatnonzero(mask)
        by_source: dict[Source, list[int]] = {}
        for position in positions.tolist():
            source = Source(mappings[emitter[position]].name, names[scope[position]])
            by_source.setdefault(source, []).append(position)
        for source, some_positions in by_source.items():
            example = table.slice(some_positions[0], 1).to_pylist()[0]
            lacks.setdefault(source, []).append(
                Lacking(
                    missing,
                    gives_no,
                    len(some_positions),
                    example["name"][:NAME_LENGTH],
                    example["trace_id"],
                    example["span_id"],
                )
            )
    return lacks


def _wants(rows: pa.Table) -> list[tuple[str, str, Mask]]:
    def is_null(name: str) -> Mask:
        return np.asarray(pc.is_null(rows[name]).to_numpy(zero_copy_only=False), dtype=np.bool_)

    stage_type = rows["stage_type"]
    deploys = pc.fill_null(pc.equal(stage_type, str(StageType.DEPLOY)), False)
    deploys = np.asarray(deploys.to_numpy(zero_copy_only=False), dtype=np.bool_) & is_null("event_name")
    deploys &= is_null("deployment_id")  # with one, another span may say the rest
    is_nothing = is_null("stage_name") & is_null("event_name") & is_null("deployment_id")
    unnamed = is_null("repository") & ~(is_null("revision") & is_null("request")) & is_null("change_id")
    return [
        (semconv.CICD_PIPELINE_TASK_NAME, "stage", is_nothing),
        (semconv.DEPLOYMENT_ENVIRONMENT_NAME, "deployment", deploys & is_null("environment")),
        (semconv.SERVICE_NAME, "deployment", deploys & is_null("service")),
        (semconv.VCS_REPOSITORY_URL_FULL, "change", unnamed),
    ]
