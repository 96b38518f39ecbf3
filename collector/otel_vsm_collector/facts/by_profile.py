"""The tables of facts by the definitions of any profile.

What is stored follows the default profile; for another one, what it defines differently is an expression over
the tables that no profile changes, and over what the stored ones have in common with it.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Self
from weakref import WeakKeyDictionary

import ibis
import ibis.expr.types as ir
from duckdb import DuckDBPyConnection

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.rules import (
    carried,
    deliveries,
    deployments,
    failures,
    incidents,
    remedies,
    starts,
)
from otel_vsm_collector.derive.rules.sequence import PAIR

_CARRIED = {"mapping", "first_deployment"}
_CAUSES = {"incident_window_s", "incident_match"}
_JUDGED = {"failure_methods", "incident_severities"}
_DELIVERED = {"unit", "lead_time_start", "lead_time", "lead_time_per", "negative", "rounding"}
"""The settings that a table depends on besides those of the tables that it is made from."""


class Book:
    """What is known by the definitions of each profile, while the tables stay true to one declaration."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.definitions = Definitions(declared)
        """Those that the tables follow."""
        self._facts: dict[Profile, Computed] = {}

    def facts(self, profile: str | None = None) -> "Computed":
        """By the profile of this name, or the default one. Raises KeyError where there is none."""
        return self.facts_by(self.declared.profile_named(profile))

    def facts_by(self, profile: Profile) -> "Computed":
        """By the profile."""
        if profile not in self._facts:
            asked = Definitions(self.declared, profile)
            self._facts.setdefault(profile, Computed(asked, self.definitions, str(len(self._facts))))
        return self._facts[profile]


class Facts:
    """Facts as the definitions in `asked` have them, where `stored` are those of the tables."""

    def __init__(self, asked: Definitions, stored: Definitions) -> None:
        self.definitions, self._stored = asked, stored
        names = type(asked.profile).model_fields
        self._other = {
            name for name in names if getattr(asked.profile, name) != getattr(stored.profile, name)
        }

    def table(self, name: str) -> ir.Table:
        """The table of facts of this name."""
        view = self._view(name)
        return tables.table(name) if view is None else view

    @cached_property
    def of_changes(self) -> Self:
        """The same, but for a delivery of each change, where the profile asks for one of each artifact."""
        profile = self.definitions.profile
        if profile.lead_time_per == "change":
            return self
        each = profile.model_copy(update={"lead_time_per": "change"})
        return self._by(Definitions(self.definitions.declared, each))

    def _by(self, asked: Definitions) -> Self:
        return type(self)(asked, self._stored)

    def _view(self, name: str) -> ir.Table | None:
        """What stands in for a table that does not follow these definitions; None where it does."""
        view: ir.Table | None = getattr(self, f"_{name}", None)
        return view

    def _differs(self, settings: set[str]) -> bool:
        return bool(self._other & settings)

    def _kept(self, name: str, rows: ir.Table) -> ir.Table:
        """Rows that several tables are made from."""
        return rows

    @cached_property
    def _deployment_change(self) -> ir.Table | None:
        if not self._differs(_CARRIED):
            return None
        if not self._differs_at_first:
            found = self.definitions.deployment_changes(tables.table("claimed"), tables.table("place"))
            return self._kept("deployment_change", found)
        stored = tables.table("deployment_change")
        return stored.anti_join(self._of_first, "change_id").union(self._carried_otherwise)

    @cached_property
    def _differs_at_first(self) -> bool:
        """Whether deployments carry the same changes, but for what the first ones claim."""
        return not (self._differs({"mapping"}) or self.definitions.by_time)

    @cached_property
    def _of_first(self) -> ir.Table:
        """The changes (change_id) that the first deployments of services to environments claim."""
        place = tables.table("place")
        first = place.filter(place.before == 0).select(deployment_id="id")
        claimed = tables.table("claimed").semi_join(first, "deployment_id")
        return self._kept("of_first", claimed.select("change_id").distinct())

    @cached_property
    def _beside_first(self) -> ir.Table:
        """The deployments (deployment_id) that claim one of them."""
        claimed = tables.table("claimed").semi_join(self._of_first, "change_id")
        return self._kept("beside_first", claimed.select("deployment_id").distinct())

    @cached_property
    def _carried_otherwise(self) -> ir.Table:
        """The rows of `deployment_change` with one of them."""
        claimed = tables.table("claimed").semi_join(self._beside_first, "deployment_id")
        place = tables.table("place").semi_join(self._beside_first, [("id", "deployment_id")])
        found = self.definitions.deployment_changes(claimed, place).semi_join(self._of_first, "change_id")
        return self._kept("carried_otherwise", found)

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
        other = self._kept("mapped_otherwise", carried.best_method(beside, "deployment_id"))
        return stored.anti_join(self._beside_first, "deployment_id").union(other)

    @cached_property
    def _remedy(self) -> ir.Table | None:
        if not self._differs(_CARRIED):
            return None
        place, rollout, stored = (tables.table(name) for name in ("place", "rollout", "remedy"))
        reverts = self._kept("revert", remedies.reverts(tables.table("change")))
        names = tables.table("identity").semi_join(reverts, "node")
        now, before = (
            remedies.reverting(rollout, place, carried_changes, reverts, names)
            for carried_changes in (self.table("deployment_change"), tables.table("deployment_change"))
        )
        # Nothing else about a remedy asks which changes deployments carry.
        other = self._kept(
            "reverts_otherwise", now.anti_join(before, "id").union(before.anti_join(now, "id"))
        )
        rollout = rollout.semi_join(other, "id")
        place = place.semi_join(rollout, PAIR)
        mended = self._kept("mends_otherwise", remedies.remedies(rollout, place, now))
        return stored.anti_join(other, "id").union(mended)

    @cached_property
    def _incident_cause(self) -> ir.Table | None:
        if not self._differs(_CAUSES):
            return None
        sources = (
            "incident_report",
            "incident_service",
            "incident_name",
            "incident_link",
            "rollout",
            "rollout_span",
        )
        found = self.definitions.incident_causes(*(tables.table(name) for name in sources))
        return self._kept("incident_cause", found)

    @cached_property
    def _incident(self) -> ir.Table | None:
        if not self._differs(_CAUSES):
            return None
        report, rollout = tables.table("incident_report"), tables.table("rollout")
        return self._kept("incident", incidents.incidents(report, self.table("incident_cause"), rollout))

    @cached_property
    def _deployment(self) -> ir.Table | None:
        if not self._differs(_CARRIED | _CAUSES | _JUDGED):
            return None
        place, remedy, profile = tables.table("place"), self.table("remedy"), self.definitions.profile
        causes = failures.with_incidents(
            self.table("incident_cause"), tables.table("incident_report"), profile
        )
        failed = self._kept("failure", failures.failures(place, remedy, causes, profile))
        recovered = self._kept("recovery", failures.recoveries(failed, remedy, causes))
        rollout = tables.table("rollout")
        return deployments.deployments(rollout, place, self._mapping, remedy, failed, recovered)

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
            return self._kept("delivery", self._brought(tables.table("rollout")))
        if not self._differs(_CARRIED):
            return stored
        rollout = tables.table("rollout").semi_join(self._beside_first, [("id", "deployment_id")])
        change = tables.table("change").semi_join(self._of_first, [("id", "change_id")])
        other = deliveries.deliveries(self._carried_otherwise, rollout, change, self._stored.profile)
        return stored.anti_join(self._of_first, "change_id").union(self._kept("arrived_otherwise", other))

    @property
    def _arrives_alike(self) -> bool:
        """Whether the same changes arrive at the same times, but for what the first deployments claim."""
        asked, stored = self.definitions.profile, self._stored.profile
        per_change = asked.lead_time_per == stored.lead_time_per == "change"
        same_carried = not self._differs(_CARRIED) or self._differs_at_first
        return per_change and same_carried and stored.unit in ("change", asked.unit)

    def arriving(self, within: Callable[[ir.IntegerColumn], ir.BooleanValue]) -> ir.Table:
        """The rows of `arrived` of all that arrived anywhere when `within` says."""
        if self.definitions.profile.lead_time_per == "change" or self._delivery is None:
            return self.arrived
        # What an artifact delivers is made from all its deployments; those of others are left out.
        rollouts = tables.table("rollout")
        rollouts = rollouts.mutate(shipped=deliveries.shipped(rollouts))
        asked = rollouts.filter(within(rollouts.finished_at))
        return self._brought(rollouts.semi_join(asked, ["service", "shipped"]).drop("shipped"))

    def _brought(self, rollouts: ir.Table) -> ir.Table:
        """The rows of `delivery` that these deployments bring: all of a change's or an artifact's."""
        carried_changes, change = self.table("deployment_change"), tables.table("change")
        return deliveries.deliveries(carried_changes, rollouts, change, self.definitions.profile)

    @cached_property
    def arrivals(self) -> ir.Table:
        """(change_id, environment, arrived_at): when changes came where, also those that do not count."""
        each = self.of_changes
        if each._with_all_changes:
            return each.arrived.select("change_id", "environment", arrived_at="delivered_at")
        done = tables.table("rollout").filter(ibis._.result == TaskResult.SUCCESS)
        done = done.select("environment", deployment_id="id", arrived_at="finished_at")
        carried_changes = each.table("deployment_change").join(done, "deployment_id")
        return carried_changes.select("change_id", "environment", "arrived_at")

    @property
    def _with_all_changes(self) -> bool:
        """Whether `arrived` has every change."""
        units = {self.definitions.profile.unit, *([self._stored.profile.unit] if self._arrives_alike else ())}
        return "change" in units

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


_VIEWS = ("deployment_change", "remedy", "incident_cause", "incident", "deployment", "delivery")
"""The tables that a profile may define differently."""

_unmade: WeakKeyDictionary[DuckDBPyConnection, dict[str, str]] = WeakKeyDictionary()
"""What a connection's tables that no query has named yet will be made by."""


def make(connection: DuckDBPyConnection, query: str) -> None:
    """Makes the tables that a query names, where they have to be."""
    unmade = _unmade.get(connection, {})
    for name in [name for name in unmade if f'"{name}"' in query]:
        # One that was made for another one before is there.
        if rows := unmade.pop(name, None):
            make(connection, rows)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {rows}")


class Computed(Facts):
    """The same, where what differs is computed once, as temporary tables of a connection.

    Each figure would compute it anew, and compiling and planning what it is takes longer still. `name` tells
    the tables of different definitions apart.
    """

    def __init__(self, asked: Definitions, stored: Definitions, name: str) -> None:
        super().__init__(asked, stored)
        self._name = name
        self._queries: dict[str, str] = {}

    def compute(self, connection: DuckDBPyConnection) -> None:
        """Has each of the tables made anew when a query names it: see `make`."""
        _unmade.setdefault(connection, {}).update(self._statements)

    @cached_property
    def _statements(self) -> dict[str, str]:
        for view in _VIEWS:
            self.table(view)
        of_changes = {} if self.of_changes is self else self.of_changes._statements
        return self._queries | of_changes

    def _by(self, asked: Definitions) -> "Computed":
        return Computed(asked, self._stored, f"{self._name}_of_changes")

    def _kept(self, name: str, rows: ir.Table) -> ir.Table:
        table = ibis.table(rows.schema(), name=f"{name}_by_{self._name}")
        self._queries[table.get_name()] = str(ibis.to_sql(rows, dialect="duckdb"))
        return table
