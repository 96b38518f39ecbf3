"""The names that anything is known of, by which facts are filtered."""

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection

Named = Literal["service", "environment", "repository", "team", "value_stream"]
NAMED: tuple[Named, ...] = get_args(Named)
_COLUMNS: Mapping[Named, tuple[tuple[str, str], ...]] = {
    "service": (("stage_run", "service"), ("deployment_report", "service"), ("incident_service", "service")),
    "environment": tuple(
        (name, "environment") for name in ("stage_run", "deployment_report", "incident_report")
    ),
    "repository": tuple((name, "repository") for name in ("stage_run", "deployment_report", "change")),
    "team": (
        ("stage_run", "team"),
        *((name, "teams") for name in ("deployment_report", "incident_report", "change")),
    ),
    "value_stream": (
        ("stage_run", "value_stream"),
        *((name, "value_streams") for name in ("deployment_report", "incident_report", "change")),
    ),
}
"""The tables and columns that spans leave the names in."""


def unknown(reader: Reader, selection: Selection) -> dict[Named, set[str]]:
    """The filters whose value is a name that nothing is known of, each with all names that are known."""
    missing: dict[Named, set[str]] = {}
    for what in NAMED:
        wanted, names = getattr(selection, what), _declared(selection.declared, what)
        if wanted is None or wanted in names:
            continue
        ever = Selection(from_ns=0, to_ns=0)
        # Most names are known: all that there are would be read for nothing.
        if not reader.answer(_named, ever, what, wanted=wanted):
            missing[what] = names | {row["name"] for row in reader.answer(names_of_spans, ever, what)}
    return missing


def known(reader: Reader, wanted: tuple[Named, ...] = NAMED) -> dict[Named, list[str]]:
    """All names that are declared or that spans name, in order."""
    ever = Selection(from_ns=0, to_ns=0, facts=reader.facts)
    return {
        what: sorted(
            _declared(reader.facts.declared, what)
            | {row["name"] for row in reader.answer(names_of_spans, ever, what)}
        )
        for what in wanted
    }


def _named(selection: Selection, what: Named, wanted: ir.StringScalar) -> ir.Table:
    """(name): the one that is wanted, where spans name it."""
    parts = (part.filter(part.name == wanted).limit(1) for part in _parts(selection, what))
    return ibis.union(*parts).limit(1)


def names_of_spans(selection: Selection, what: Named) -> ir.Table:
    """(name): those that spans name."""
    parts = _parts(selection, what)
    return ibis.union(*(part.filter(part.name.notnull()).distinct() for part in parts), distinct=True)


def _parts(selection: Selection, what: Named) -> Iterator[ir.Table]:
    """(name): what each column has, over and over."""
    for table, column in _COLUMNS[what]:
        names = selection.table(table)[column]
        yield (names.unnest() if names.type().is_array() else names).name("name").as_table()


def _declared(declared: Declared, what: Named) -> set[str]:
    if what == "repository":
        streams = {one for stream in declared.value_streams.values() for one in stream.repositories}
        return streams | {one.repository for one in declared.services.values() if one.repository}
    return set(
        {
            "service": declared.services,
            "environment": declared.environments,
            "team": declared.teams,
            "value_stream": declared.value_streams,
        }[what]
    )
