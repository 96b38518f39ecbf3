"""What spans leave open, filled in as declared: a stage's type and service, a service's repository, teams."""

import ibis
import ibis.expr.types as ir

from otel_vsm.export.parcel import DEFAULT_SERVICE_NAME
from otel_vsm.semconv import StageType
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.patterns import regex_of

Case = tuple[ir.BooleanValue, str]


def with_defaults(spans: ir.Table, declared: Declared) -> ir.Table:
    """The spans, with the columns that they have of stage_type, service, team and repository.

    A type that is declared for a stage holds whatever its spans say, so that tools that name the same thing
    differently agree; a stage that has the name of a type is of it. The rest only fills gaps; the wrappers'
    own name is one, for it says nothing of what was worked on.
    """
    spans = spans.mutate(stage_type=_type(spans, declared))
    if "team" not in spans.columns:
        return spans
    named = spans.service.nullif(DEFAULT_SERVICE_NAME)
    spans = spans.mutate(service=_first(named, _services(spans, declared)))
    spans = spans.mutate(team=_first(spans.team, _teams(spans, declared)))
    from_where = [
        (spans.service == name, service.repository)
        for name, service in declared.services.items()
        if service.repository
    ]
    return spans.mutate(repository=_first(spans.repository, from_where))


def _type(spans: ir.Table, declared: Declared) -> ir.StringValue:
    name = spans.stage_name
    of_name = ibis.ifelse(name.isin([str(kind) for kind in StageType]), name, ibis.null("string"))
    given = ibis.coalesce(spans.stage_type, of_name)
    # The first pattern that matches holds, also where it says nothing of the type.
    cases = [
        (_matches(name, pattern), given if stage.type is None else ibis.literal(str(stage.type)))
        for pattern, stage in declared.stages.items()
    ]
    return ibis.cases(*cases, else_=given) if cases else given


def _services(spans: ir.Table, declared: Declared) -> list[Case]:
    of_stage = _of_stages(spans, {name: stage.service for name, stage in declared.stages.items()})
    owned = [
        (
            _matches(spans.stage_name, *service.stages)
            & (ibis.literal(service.repository is None) | (spans.repository == (service.repository or ""))),
            name,
        )
        for name, service in declared.services.items()
        if service.stages
    ]
    rest = [
        (spans.stage_name.notnull() & (spans.repository == repository).fill_null(False), name)
        for repository, name in declared.services_of_all_stages.items()
    ]
    return [*of_stage, *owned, *rest]


def _teams(spans: ir.Table, declared: Declared) -> list[Case]:
    of_stage = _of_stages(spans, {name: stage.team for name, stage in declared.stages.items()})
    owned = [
        (_matches(spans.stage_name, *team.stages), name)
        for name, team in declared.teams.items()
        if team.stages
    ]
    services = {name: team for name in declared.services if (team := declared.team_of(service=name))}
    services |= {
        service: name
        for name, team in reversed(list(declared.teams.items()))
        for service in team.services
        if service not in services
    }
    return [*of_stage, *owned, *((spans.service == service, team) for service, team in services.items())]


def _of_stages(spans: ir.Table, said: dict[str, str | None]) -> list[Case]:
    """What is said of the first pattern that a stage's name matches; a later one is not asked."""
    cases: list[Case] = []
    earlier: list[str] = []
    for pattern, value in said.items():
        if value is not None:
            here = _matches(spans.stage_name, pattern)
            cases.append((here & ~_matches(spans.stage_name, *earlier) if earlier else here, value))
        earlier.append(pattern)
    return cases


def _first(given: ir.StringValue, cases: list[Case]) -> ir.StringValue:
    return ibis.coalesce(given, ibis.cases(*cases)) if cases else given


def _matches(name: ir.StringValue, *patterns: str) -> ir.BooleanValue:
    return name.re_search(regex_of(patterns)).fill_null(False)
