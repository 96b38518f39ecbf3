"""What is of a value stream that is declared."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.patterns import regex_of
from otel_vsm_collector.declared.sections import ValueStream


def of_stream(rows: ir.Table, stream: ValueStream, declared: Declared) -> ir.BooleanValue:
    """Whether rows (repository, service or services, team or teams, and of runs stage_name) are of it; never
    null.

    What is of its services and repositories is; in a repository that only its services are declared to have,
    other declared services are not. What says neither service nor repository is told by its team, and so is
    everything where the stream names neither; where it names no teams either, all is of it that is of its
    stages. Of runs, those alone are of it that are of its stages, if it names any.
    """
    of_team = _any_of(rows, "team", stream.teams)
    if stream.systems or stream.repositories:
        others = [name for name in declared.services if name not in stream.systems]
        beside = _any_of(rows, "repository", declared.repositories_of(stream.systems))
        nowhere = _says_nothing(rows, "service") & _says_nothing(rows, "repository")
        whole = ibis.or_(
            _any_of(rows, "service", stream.systems),
            _any_of(rows, "repository", stream.repositories),
            beside & ~_any_of(rows, "service", others),
            nowhere & of_team,
        )
    elif stream.teams:
        whole = of_team
    else:
        whole = ibis.literal(bool(stream.stages))
    if stream.stages and "stage_name" in rows.columns:
        whole &= rows.stage_name.re_search(regex_of(stream.stages)).fill_null(True)
    return whole


def _any_of(rows: ir.Table, name: str, wanted: Sequence[str]) -> ir.BooleanValue:
    """Whether the column, or the list that its plural is, has one of the names."""
    if not wanted:
        return ibis.literal(False)
    if name in rows.columns:
        return rows[name].isin(wanted).fill_null(False)
    return ibis.or_(*(rows[f"{name}s"].contains(one) for one in wanted)).fill_null(False)


def _says_nothing(rows: ir.Table, name: str) -> ir.BooleanValue:
    return rows[name].isnull() if name in rows.columns else rows[f"{name}s"].length() == 0
