"""The page of emitters, from the mappings that understand them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from otel_vsm_collector.spans.mappings import EMITTERS, otel_vsm
from otel_vsm_collector.spans.mappings.mapping import Attribute, Constant, Mapping, Source, SpanName

TEXT = Path(__file__).parent / "emitters.md.in"
_WORDS = {
    "stage_name": "stage",
    "stage_type": "type",
    "leg": "leg of a matrix",
    "result": "result",
    "queue_s": "time in the queue",
    "repository": "repository",
    "request": "request",
    "revision": "commit",
    "ref_name": "branch",
    "service": "service",
    "version": "version",
    "environment": "environment",
    "artifact_hash": "artifact",
    "pipeline_run": "run of the pipeline",
    "job_run": "run of the job",
    "attempt": "attempt",
}
"""Columns of the ledger → what they are called here."""
_ENVIRONMENTS = ("deployment.environment.name", "deployment.environment")


def emitters() -> str:
    overview = "\n".join(
        f"| [{mapping.name}]({mapping.url}) | {_deployments(mapping)} | {mapping.missing} |"
        for mapping in EMITTERS
    )
    sections = "\n".join(_section(mapping) for mapping in EMITTERS)
    return TEXT.read_text().format(overview=overview, emitters=sections)


def _deployments(mapping: Mapping) -> str:
    """Whether it tells deployments by itself."""
    keys = {source.key for source in mapping.columns["environment"] if isinstance(source, Attribute)}
    return "yes" if keys - set(_ENVIRONMENTS) else "with an environment that you add"


def _section(mapping: Mapping) -> str:
    convention = otel_vsm.MAPPING.columns
    rows = [
        f"| {word} | {_said(mapping.columns[name])} |"
        for name, word in _WORDS.items()
        if mapping.columns[name] != convention[name]
    ]
    rows += [f"| event `{event}` | {_said(sources)} |" for event, sources in mapping.moments.items()]
    return "\n".join((f"### {mapping.name}\n\n| | from |\n|---|---|", *rows, ""))


def _said(sources: Iterable[Source]) -> str:
    """The sources in words, those of our own names left out: they are the same for all."""
    return ", else ".join(dict.fromkeys(_words(sources))) or "only our own names"


def _words(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        match source:
            case Attribute():
                if not source.key.startswith("vsm."):
                    yield f"{'part of ' if source.pattern else ''}`{source.key}`"
            case SpanName():
                yield "the span's name"
            case Constant():
                yield f"`{source.text}`"
