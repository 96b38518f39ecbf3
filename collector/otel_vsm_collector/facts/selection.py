"""Which facts a figure is about: a window of time and filters, by the definitions of a profile."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, get_args

import ibis
import ibis.expr.datashape as ds
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.patterns import is_literal, regex_of
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.declared.sections import UTC, ValueStream
from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.rules.counting import counting
from otel_vsm_collector.derive.rules.deliveries import shipped
from otel_vsm_collector.derive.rules.evidence import INCIDENT
from otel_vsm_collector.derive.rules.incidents import counts
from otel_vsm_collector.facts import zones
from otel_vsm_collector.facts.streams import of_stream
from otel_vsm_collector.facts.tables import FactTables
from otel_vsm_collector.facts.zones import AT_UTC, Offsets

DAY_NS = 86_400 * 10**9


BY_DEFAULT = FactTables(Definitions())
"""Facts as they are where nothing is declared."""
Text = Literal["service", "repository", "team", "value_stream", "severity"]
_TEXTS: tuple[Text, ...] = get_args(Text)
"""The filters that are compared with one text."""


class Parameter(ops.Scalar):  # type: ignore[misc]  # Ibis' operations have no types
    """A value that a query is given when it runs.

    Ibis' own parameters will not do: they are filled in when an expression is compiled.
    """

    key: str
    dtype: dt.DataType
    shape = ds.scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`from_ns` ≤ time < `to_ns`, nanoseconds since the epoch; a filter that is None lets all through."""

    from_ns: int
    to_ns: int
    service: str | None = None
    environment: str | None = None
    """A class of environments, or the name of one."""
    repository: str | None = None
    team: str | None = None
    value_stream: str | None = None
    severity: str | None = None
    """Of incidents; other facts have none."""
    facts: FactTables = field(default=BY_DEFAULT)
    edges: tuple[int, ...] = ()
    """Ascending times between from_ns and to_ns, at which the window is cut into parts."""
    time_zone: str = UTC
    """Whose days are counted."""
    offsets: Offsets = AT_UTC
    """How far its clocks are ahead in the window."""
    is_shape: bool = False
    """Whether expressions name window, edges and filters as parameters, instead of holding their values."""

    @property
    def shape(self) -> Self:
        """What all selections have in common that differ in the values of window, edges and filters alone."""
        blank: dict[str, Any] = {name: "" for name in _TEXTS if getattr(self, name) is not None}
        if self.stream is not None:
            del blank["value_stream"]
        no_edges = (0,) * len(self.edges)
        return replace(self, from_ns=0, to_ns=0, edges=no_edges, time_zone=UTC, is_shape=True, **blank)

    @property
    def values(self) -> dict[str, int | str]:
        """Those values, by the names of their parameters."""
        given: dict[str, Any] = {
            name: getattr(self, name) for name in _TEXTS if getattr(self, name) is not None
        }
        edges = {_edge(number): edge for number, edge in enumerate(self.edges)}
        return {"from_ns": self.from_ns, "to_ns": self.to_ns, **edges, **given}

    def wanted(self, name: Text) -> ir.StringScalar | None:
        """What the filter of this name lets through; None where that is everything."""
        value = getattr(self, name)
        return None if value is None else self._scalar(name, value)

    def of(self, name: Text, value: str) -> Self:
        """The same, with another value of a filter."""
        changed: dict[str, Any] = {name: value}
        return replace(self, **changed)

    @property
    def start(self) -> ir.IntegerScalar:
        """The window's start, to be compared with times."""
        return self._scalar("from_ns", self.from_ns)

    @property
    def end(self) -> ir.IntegerScalar:
        """The window's end."""
        return self._scalar("to_ns", self.to_ns)

    @property
    def days(self) -> float:
        """How many days of the time zone's calendar the window has, parts of days as shares of these."""
        return zones.days(self.time_zone, self.from_ns, self.to_ns)

    def in_zone(self, time_zone: str) -> Self:
        """The same, with the days of a time zone."""
        offsets = zones.offsets(time_zone, self.from_ns, self.to_ns)
        return replace(self, time_zone=time_zone, offsets=offsets)

    @property
    def profile(self) -> Profile:
        return self.facts.definitions.profile

    @property
    def declared(self) -> Declared:
        return self.facts.declared

    def table(self, name: str) -> ir.Table:
        """The table of facts of this name."""
        return self.facts.table(name)

    def within(self, moment: ir.IntegerColumn) -> ir.BooleanValue:
        """Whether a time lies in the window; null where there is none."""
        return (moment >= self.start) & (moment < self.end)

    def part(self, moment: ir.IntegerColumn) -> ir.IntegerValue:
        """Which part of the window a time in it lies in, counted from 0."""
        if not self.edges:
            return ibis.literal(0, type="int64")
        # A sum of comparisons would be as deep as there are edges, and compiling it as slow as that squared.
        edges = [self._scalar(_edge(number), edge) for number, edge in enumerate(self.edges)]
        return ibis.array(edges).filter(lambda edge: edge <= moment).length()

    def day(self, moment: ir.IntegerColumn) -> ir.IntegerValue:
        """The number of the day that a time lies in."""
        (_, first), *later = self.offsets
        if not later:
            return (moment + first) // DAY_NS
        ahead = ibis.cases(*((moment >= since, ahead) for since, ahead in reversed(later)), else_=first)
        return (moment + ahead) // DAY_NS

    @property
    def stream(self) -> ValueStream | None:
        """What is declared of the value stream that is asked for."""
        return None if self.value_stream is None else self.declared.value_streams.get(self.value_stream)

    def apply(self, rows: ir.Table) -> ir.Table:
        """The rows that pass the filters; a filter that the table has no column for lets them pass."""
        for name in _TEXTS:
            wanted = self.wanted(name)
            if wanted is None:
                continue
            if f"{name}s" in rows.columns and name in ("team", "value_stream"):
                passes = rows[f"{name}s"].contains(wanted)
            elif name in rows.columns:
                passes = rows[name] == wanted
            else:
                continue
            if name == "value_stream" and self.stream is not None:
                passes = passes.fill_null(False) | of_stream(rows, self.stream, self.declared)
            rows = rows.filter(passes)
        if self.environment is not None and "environment" in rows.columns:
            rows = rows.filter(self.in_environment(rows.environment))
        return rows

    def in_environment(self, name: ir.StringColumn) -> ir.BooleanValue:
        """Whether an environment is the one that is asked for, or of the class that is; null where none is
        named."""
        assert self.environment is not None
        patterns = self.declared.environments.get(self.environment)
        if patterns is None:
            return name == self.environment
        if all(is_literal(pattern) for pattern in patterns):
            return name.lower().isin([pattern.lower() for pattern in patterns])
        return name.re_search(regex_of(patterns))

    def _scalar(self, name: str, value: int | str) -> Any:
        return parameter(name, type(value)) if self.is_shape else ibis.literal(value)


def parameter(name: str, kind: type[int] | type[str]) -> Any:
    """An expression that stands for a value that is given when the query runs."""
    return Parameter(key=name, dtype="int64" if kind is int else "string").to_expr()


def _edge(number: int) -> str:
    return f"edge_{number}"


def fact(name: str) -> ir.Table:
    """The table of facts of this name, for those that no profile changes."""
    return tables.table(name)


def deployments(selection: Selection) -> ir.Table:
    """The deployments that finished in the window, successful or not."""
    rows = selection.apply(selection.table("deployment"))
    return rows.filter(selection.within(rows.finished_at))


def first_deliveries(
    selection: Selection, by: tuple[str, ...] = (), *, of: ir.Table | None = None
) -> ir.Table:
    """The first delivery of each change that passes the filters, of any time; `of` are the changes
    (change_id) that are asked for, where not all are.

    Where neither the selection nor `by` tells services or environments apart, the first by any service, to
    any environment counts.
    """
    facts = selection.facts
    arrived = facts.arrived if of is None else facts.arrived.semi_join(of, "change_id")
    return facts.timed(_first(_delivered(selection, arrived), by)).drop("unit")


def _delivered(selection: Selection, arrived: ir.Table) -> ir.Table:
    """The rows of `arrived` that pass the filters, with what is delivered once (unit): a change, or an
    artifact by a service, of which the change only says since when."""
    rows = selection.apply(arrived)
    if selection.profile.lead_time_per == "change":
        return rows.mutate(unit=rows.change_id)
    rollouts = selection.table("deployment_report")
    brought = rollouts.select(deployment_id="id", brought=shipped(rollouts))
    rows = rows.join(brought, "deployment_id")
    return rows.mutate(unit=rows.service.concat(" ", rows.brought)).drop("brought")


def _first(rows: ir.Table, by: tuple[str, ...]) -> ir.Table:
    group = [rows.unit, *(rows[column] for column in by)]
    first = ibis.window(
        group_by=group, order_by=[rows.delivered_at, rows.deploy_started_at, rows.deployment_id]
    )
    rows = rows.mutate(rank=ibis.row_number().over(first))
    return rows.filter(rows.rank == 0).drop("rank")


def edge(selection: Selection, rows: ir.Table) -> ir.IntegerColumn:
    """The moment of a delivery that has to lie in the window."""
    return rows.merged_at if selection.profile.window_edge == "merged" else rows.delivered_at


def deliveries(selection: Selection, by: tuple[str, ...] = ()) -> ir.Table:
    """The changes that were first delivered in the window; `by` as in `first_deliveries`."""
    return selection.facts.timed(_deliveries(selection, by))


def delivered_changes(selection: Selection) -> ir.Table:
    """The same, of changes also where the profile has lead times of artifacts: work flows by the change.
    Whose lead times they have is not said."""
    facts = selection.facts.of_changes
    return facts.counted(_deliveries(replace(selection, facts=facts), ()))


def _deliveries(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    facts, profile = selection.facts, selection.profile
    delivered = profile.window_edge == "delivered"
    rows = _delivered(selection, facts.arriving(selection.within) if delivered else facts.arrived)
    if delivered and profile.lead_time_per == "change":
        # Only those of the window are put into an order: what was delivered before is looked up.
        earlier = rows.filter(rows.delivered_at < selection.start).select("unit", *by)
        first = _first(rows.filter(selection.within(rows.delivered_at)), by)
        return first.anti_join(earlier, ["unit", *by]).drop("unit")
    first = _first(rows, by)
    return first.filter(selection.within(edge(selection, first))).drop("unit")


def every_span(selection: Selection) -> ir.Table:
    """All spans, with what they leave open filled in as declared."""
    return selection.facts.definitions.with_defaults(selection.table("span"))


def spans(
    selection: Selection, within: Callable[[ir.Table], ir.BooleanValue] = lambda _: ibis.literal(True)
) -> ir.Table:
    """Those of them that count and pass the filters; `within` says of which to ask at all."""
    every = every_span(selection)
    # Asked first: all that are known would be looked at otherwise, whichever window is asked for.
    return passing_spans(selection, counting(every.filter(within(every)), of=every))


def passing_spans(selection: Selection, rows: ir.Table) -> ir.Table:
    """The spans that pass the filters; those that name no environment are of every one."""
    rows = replace(selection, environment=None, severity=None).apply(rows)
    if selection.environment is None:
        return rows
    return rows.filter(selection.in_environment(rows.environment).fill_null(True))


def _origins(selection: Selection) -> ir.Table:
    """(incident_id, service, repository, teams, value_streams): the deployments that incidents came from; of
    an incident without one those of its services, and what is declared of these."""
    columns = ("service", "repository", "teams", "value_streams")
    reports = selection.table("deployment_report").select(*columns, deployment_id="id")
    causes = selection.table("evidence").filter(ibis._.source_kind == INCIDENT)
    causes = causes.select("deployment_id", incident_id="source_id").join(reports, "deployment_id")
    left = selection.table("incident_service").anti_join(causes, "incident_id")
    of_service = left.join(reports.select(*columns).distinct(), "service")
    nothing = ibis.literal([], type="array<string>")
    declared = [
        (left.service == name, one.repository)
        for name, one in selection.declared.services.items()
        if one.repository
    ]
    repository = ibis.cases(*declared) if declared else ibis.null("string")
    of_declared = left.mutate(repository=repository, teams=nothing, value_streams=nothing)
    parts = (causes, of_service, of_declared)
    return ibis.union(*(part.select("incident_id", *columns) for part in parts))


def told_incidents(selection: Selection, by: tuple[str, ...] = ()) -> ir.Table:
    """The incidents that pass the filters, of any time. One that hit several services is each one's; told
    apart by service, it is there for each. Its repository and value stream are those of its deployments, else
    those of its services; a value stream that it names itself is one more."""
    incident = selection.table("incident")
    rows = replace(selection, service=None, value_stream=None).apply(incident)
    anyone: dict[str, Any] = {"service": None, "environment": None, "team": None, "severity": None}
    if selection.repository is not None:
        origins = replace(selection, **anyone, value_stream=None).apply(_origins(selection))
        rows = rows.semi_join(origins, rows.id == origins.incident_id)
    if (stream := selection.wanted("value_stream")) is not None:
        origins = replace(selection, **anyone, repository=None).apply(_origins(selection))
        named = incident.filter(incident.value_streams.contains(stream))
        whose = origins.select("incident_id").union(named.select(incident_id="id"))
        rows = rows.semi_join(whose, rows.id == whose.incident_id)
    hit = selection.table("incident_service").select(id="incident_id", hit="service")
    wanted = selection.wanted("service")
    if "service" in by:
        rows = rows.left_join(hit, "id").drop("id_right", "service").rename(service="hit")
        return rows if wanted is None else rows.filter(rows.service == wanted)
    return rows if wanted is None else rows.semi_join(hit.filter(hit.hit == wanted), "id")


def incidents(selection: Selection, by: tuple[str, ...] = ()) -> ir.Table:
    """The incidents that pass the filters and count by the profile, of any time; `by` as in
    `told_incidents`."""
    rows = told_incidents(selection, by)
    return rows.filter(counts(rows, selection.profile))
