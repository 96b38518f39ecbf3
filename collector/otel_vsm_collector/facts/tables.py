"""The tables of facts by the definitions of any profile.

What is stored follows the default profile; for another one, what it defines differently is an expression over
the tables that no profile changes, and over what the stored ones have in common with it.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import count
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.compiled import Questions
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.rules import (
    carried,
    deliveries,
    deployments,
    evidence,
    failures,
    incidents,
    remedies,
    starts,
)
from otel_vsm_collector.derive.rules.sequence import PAIR

_CARRIED = {"mapping", "first_deployment"}
_CAUSES = {"incident_window_s", "incident_match"}
_FAILED = {"failure_methods", "incident_severities"}
_DELIVERED = {"unit", "lead_time_start", "lead_time", "lead_time_per", "negative", "rounding"}
"""The settings that a table depends on besides those of the tables that it is made from."""


class _Deployments(NamedTuple):
    ids: ir.Table
    """Of the deployments in question (id)."""
    reports: ir.Table
    order: ir.Table
    """Of all of their services and environments."""
    reverting: ir.Table
    """The deployments (id), whichever, that carry what takes a change back."""


class FactTables:
    """The tables of facts as definitions have them.

    Where a profile defines a table differently, that is a temporary table, which a reader makes when a query
    first names it: each figure would compute it anew, and compiling and planning what it is takes longer
    still. With `inline` its expression stands in its place, for engines without temporary tables.
    """

    def __init__(
        self,
        definitions: Definitions,
        *,
        inline: bool = False,
        stored: "FactTables | None" = None,
        compiled: Questions | None = None,
    ) -> None:
        """`stored` are those whose definitions the stored tables follow; these themselves, where none are
        given. `compiled` are the questions to these tables that were compiled before."""
        self.definitions, self._inline, self.compiled = definitions, inline, compiled
        self._stored = stored or self
        self._by_profile = {definitions.profile: self}
        self._numbers = count(1)
        self._number = next(self._stored._numbers)
        self._temporaries: dict[str, str] = {}
        # What is stored is of changes, whatever the default profile has lead times of: an artifact's delivery
        # follows from all of its deployments, and not from what new spans touch.
        self._stored_profile = self._stored.definitions.profile.of_changes
        profile = definitions.profile
        self._different = {
            name
            for name in type(profile).model_fields
            if getattr(profile, name) != getattr(self._stored_profile, name)
        }

    @property
    def declared(self) -> Declared:
        return self.definitions.declared

    @property
    def temporaries(self) -> Mapping[str, str]:
        """The temporary tables of all profiles so far: by name, the query that makes each."""
        return self._stored._temporaries

    def named_in(self, query: str) -> list[str]:
        """The temporary tables that a query names."""
        return [name for name in tuple(self.temporaries) if f'"{name}"' in query]

    def named(self, profile: str | None = None) -> "FactTables":
        """By the profile of this name, or the default one. Raises KeyError where there is none."""
        return self.by(self.declared.profile_named(profile))

    def by(self, profile: Profile) -> "FactTables":
        """By another profile, while all else is declared as it is; the same object each time."""
        by_profile = self._stored._by_profile
        if profile not in by_profile:
            definitions = Definitions(self.declared, profile)
            by_profile.setdefault(profile, FactTables(definitions, inline=self._inline, stored=self._stored))
        return by_profile[profile]

    def table(self, name: str) -> ir.Table:
        """The table of facts of this name."""
        view = self._view(name)
        return tables.table(name) if view is None else view

    @property
    def of_changes(self) -> "FactTables":
        """The same, but for a delivery of each change, where the profile asks for one of each artifact."""
        return self.by(self.definitions.profile.of_changes)

    def _view(self, name: str) -> ir.Table | None:
        """What stands in for a table that does not follow these definitions; None where it does."""
        view: ir.Table | None = getattr(self, f"_{name}", None)
        return view

    def _differs(self, settings: set[str]) -> bool:
        return bool(self._different & settings)

    def _temporary(self, name: str, rows: ir.Table) -> ir.Table:
        """Rows that several questions need, or several tables are made from."""
        if self._inline:
            return rows
        table = ibis.table(rows.schema(), name=f"{name}_by_{self._number}")
        self._stored._temporaries[table.get_name()] = str(ibis.to_sql(rows, dialect="duckdb"))
        return table

    @cached_property
    def _deployment_change(self) -> ir.Table | None:
        if not self._differs(_CARRIED):
            return None
        if not self._differs_at_first:
            carried_changes = self.definitions.deployment_changes(
                tables.table("matched_claim"), tables.table("deployment_order")
            )
            return self._temporary("deployment_change", carried_changes)
        stored = tables.table("deployment_change")
        return stored.anti_join(self._of_first, "change_id").union(self._carried_otherwise)

    @cached_property
    def _differs_at_first(self) -> bool:
        """Whether deployments carry the same changes, but for what the first ones claim."""
        return not (self._differs({"mapping"}) or self.definitions.by_time)

    @cached_property
    def _of_first(self) -> ir.Table:
        """The changes (change_id) that the first deployments of services to environments claim, and the first
        that come from another repository."""
        order = tables.table("deployment_order")
        first = order.filter(order.before_alike == 0).select(deployment_id="id")
        claims = tables.table("matched_claim").semi_join(first, "deployment_id")
        return self._temporary("of_first", claims.select("change_id").distinct())

    @cached_property
    def _beside_first(self) -> ir.Table:
        """The deployments (deployment_id) that claim one of them."""
        claims = tables.table("matched_claim").semi_join(self._of_first, "change_id")
        return self._temporary("beside_first", claims.select("deployment_id").distinct())

    @cached_property
    def _carried_otherwise(self) -> ir.Table:
        """The rows of `deployment_change` with one of them."""
        claims = tables.table("matched_claim").semi_join(self._beside_first, "deployment_id")
        order = tables.table("deployment_order").semi_join(self._beside_first, [("id", "deployment_id")])
        otherwise = self.definitions.deployment_changes(claims, order).semi_join(self._of_first, "change_id")
        return self._temporary("carried_otherwise", otherwise)

    @cached_property
    def _mapping(self) -> ir.Table:
        """(deployment_id, method): by which method a deployment's changes were found."""
        stored = tables.table("deployment").select(deployment_id="id", method="change_mapping")
        carried_changes = self.table("deployment_change")
        if not self._differs(_CARRIED):
            return stored
        if not self._differs_at_first:
            return carried.best_method(carried_changes, "deployment_id")
        beside = carried_changes.semi_join(self._beside_first, "deployment_id")
        other = self._temporary("mapped_otherwise", carried.best_method(beside, "deployment_id"))
        return stored.anti_join(self._beside_first, "deployment_id").union(other)

    @cached_property
    def _reverts_otherwise(self) -> "_Deployments":
        """The deployments of which it differs whether they carry what takes a change back. Nothing else about
        remedies, and what deployments say of others, asks which changes they carry."""
        order, report = tables.table("deployment_order"), tables.table("deployment_report")
        reverts = tables.table("change_revert")
        names = tables.table("identity").semi_join(reverts, "node")
        taken = self._temporary("taken_back", remedies.taken_back(reverts, names))
        now, before = (
            remedies.reverting(report, order, carried_changes, taken)
            for carried_changes in (self.table("deployment_change"), tables.table("deployment_change"))
        )
        ids = self._temporary(
            "reverts_otherwise", now.anti_join(before, "id").union(before.anti_join(now, "id"))
        )
        report = report.semi_join(ids, "id")
        return _Deployments(ids, report, order.semi_join(report, PAIR), now)

    @cached_property
    def _remedy(self) -> ir.Table | None:
        if not self._differs(_CARRIED):
            return None
        stored, other = tables.table("remedy"), self._reverts_otherwise
        mended = self._temporary(
            "mends_otherwise", remedies.remedies(other.reports, other.order, other.reverting)
        )
        return stored.anti_join(other.ids, "id").union(mended)

    @cached_property
    def _evidence(self) -> ir.Table | None:
        if not self._differs(_CARRIED | _CAUSES):
            return None
        return self._evidence_of_incidents.union(self._evidence_of_deployments)

    @cached_property
    def _evidence_of_incidents(self) -> ir.Table:
        stored = tables.table("evidence")
        if not self._differs(_CAUSES):
            return stored.filter(stored.source_kind == evidence.INCIDENT)
        sources = (
            "incident_report",
            "incident_service",
            "incident_name",
            "incident_link",
            "deployment_report",
            "deployment_telling",
            "deployment_span",
        )
        rows = self.definitions.incident_evidence(*(tables.table(name) for name in sources))
        return self._temporary("incident_evidence", rows.select(*stored.columns))

    @cached_property
    def _evidence_of_deployments(self) -> ir.Table:
        stored = tables.table("evidence")
        of_deployments = stored.filter(stored.source_kind == evidence.DEPLOYMENT)
        if not self._differs(_CARRIED):
            return of_deployments
        other = self._reverts_otherwise
        rows = evidence.of_deployments(
            evidence.DeploymentFacts(
                other.reports, other.order, self.table("remedy").semi_join(other.ids, "id")
            )
        )
        rows = self._temporary("deployment_evidence", rows.select(*stored.columns))
        return of_deployments.anti_join(other.ids, of_deployments.source_id == other.ids.id).union(rows)

    @cached_property
    def _incident(self) -> ir.Table | None:
        if not self._differs(_CAUSES):
            return None
        report, deployment = tables.table("incident_report"), tables.table("deployment_report")
        return self._temporary(
            "incident", incidents.incidents(report, self._evidence_of_incidents, deployment)
        )

    @cached_property
    def _deployment(self) -> ir.Table | None:
        if not self._differs(_CARRIED | _CAUSES | _FAILED):
            return None
        order, remedy, about = (self.table(name) for name in ("deployment_order", "remedy", "evidence"))
        profile = self.definitions.profile
        failed = self._temporary("failure", failures.failures(order, about, profile))
        recovered = self._temporary("recovery", failures.recoveries(failed, remedy, about, profile))
        reports = tables.table("deployment_report")
        return deployments.deployments(reports, order, self._mapping, remedy, failed, recovered)

    @cached_property
    def _delivery(self) -> ir.Table | None:
        return self.timed(self.arrived) if self._differs(_CARRIED | _DELIVERED) else None

    @cached_property
    def arrived(self) -> ir.Table:
        """The table `delivery`, but for whose lead times it has and for changes that do not count: see
        `timed`, which takes longer than most that is asked of it."""
        stored = tables.table("delivery")
        if not self._differs(_CARRIED | _DELIVERED):
            return stored
        if not self._arrives_alike:
            return self._temporary("delivery", self._brought(tables.table("deployment_report")))
        if not self._differs(_CARRIED):
            return stored
        reports = tables.table("deployment_report").semi_join(self._beside_first, [("id", "deployment_id")])
        change = tables.table("change").semi_join(self._of_first, [("id", "change_id")])
        other = deliveries.deliveries(self._carried_otherwise, reports, change, self._stored_profile)
        other = self._temporary("arrived_otherwise", other)
        return stored.anti_join(self._of_first, "change_id").union(other)

    @property
    def _arrives_alike(self) -> bool:
        """Whether the same changes arrive at the same times, but for what the first deployments claim."""
        profile, stored = self.definitions.profile, self._stored_profile
        per_change = profile.lead_time_per == "change"
        same_carried = not self._differs(_CARRIED) or self._differs_at_first
        return per_change and same_carried and stored.unit in ("change", profile.unit)

    def arriving(self, within: Callable[[ir.IntegerColumn], ir.BooleanValue]) -> ir.Table:
        """The rows of `arrived` of all that arrived anywhere when `within` says."""
        if self.definitions.profile.lead_time_per == "change":
            return self.arrived
        # What an artifact delivers is made from all its deployments; those of others are left out.
        reports = tables.table("deployment_report")
        reports = reports.mutate(shipped=deliveries.shipped(reports))
        in_window = reports.filter(within(reports.finished_at))
        return self._brought(reports.semi_join(in_window, ["service", "shipped"]).drop("shipped"))

    def _brought(self, reports: ir.Table) -> ir.Table:
        """The rows of `delivery` that these deployments bring: all of a change's or an artifact's."""
        per_artifact = self.definitions.profile.lead_time_per == "artifact"
        carried_changes = self._artifact_change if per_artifact else self.table("deployment_change")
        return deliveries.deliveries(
            carried_changes, reports, tables.table("change"), self.definitions.profile
        )

    @cached_property
    def _artifact_change(self) -> ir.Table:
        """The table `deployment_change` where what a service delivers is its artifacts: a head change that
        another artifact brought before, this one brings as well."""
        order, reports = tables.table("deployment_order"), tables.table("deployment_report")
        brought = reports.select("id", shipped=deliveries.shipped(reports))
        claims = tables.table("matched_claim")
        changes = self.definitions.deployment_changes(claims, order.join(brought, "id"), "shipped")
        return self._temporary("artifact_change", changes)

    @cached_property
    def arrivals(self) -> ir.Table:
        """(change_id, environment, arrived_at): when changes came where, also those that do not count, and
        those that were there before anyone measured."""
        columns = ("change_id", "environment", "arrived_at")
        contained = self._contained.select(*columns)
        if not self.definitions.by_time:
            return contained
        done = tables.table("deployment_report").filter(ibis._.result == TaskResult.SUCCESS)
        done = done.select("environment", deployment_id="id", arrived_at="finished_at")
        carried_changes = self.of_changes.table("deployment_change").join(done, "deployment_id")
        return contained.union(carried_changes.select(*columns))

    @cached_property
    def delivered_before(self) -> ir.Table:
        """(change_id): the changes that were delivered before anyone measured.

        A first deployment links to them or stands on them, none carries them, and of no stage was it told
        that they were in it.
        """
        before = self._contained.filter(ibis._.before_first).select("change_id").distinct()
        before = before.anti_join(self.of_changes.table("deployment_change"), "change_id")
        unseen = tables.table("change").filter(ibis._.current_stage.isnull())
        return before.semi_join(unseen, before.change_id == unseen.id)

    @property
    def _contained(self) -> ir.Table:
        claims, order = tables.table("matched_claim"), tables.table("deployment_order")
        return carried.contained(claims, order, self.definitions.profile)

    def timed(self, rows: ir.Table) -> ir.Table:
        """Rows of `arrived` that count, with their lead times."""
        if not (self._differs(_DELIVERED) and self._arrives_alike):
            return rows
        return deliveries.timed(rows, tables.table("change"), self.definitions.profile)

    def counted(self, rows: ir.Table) -> ir.Table:
        """Rows of `arrived` that count, with whosever lead times."""
        if not (self._differs({"unit"}) and self._arrives_alike):
            return rows
        counted = starts.counted(tables.table("change"), self.definitions.profile)
        return rows.semi_join(counted, rows.change_id == counted.id)
