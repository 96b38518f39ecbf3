"""The tables of facts by the definitions of any profile.

What is stored follows the default profile; for another one, what it defines differently is an expression over
the tables that no profile changes.
"""

from functools import cached_property

import ibis
import ibis.expr.types as ir
from duckdb import DuckDBPyConnection

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive import carried, deliveries, deployments, failures, incidents, remedies, tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.profiles import Profile

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
            self._facts.setdefault(profile, Computed(asked, self.definitions, len(self._facts)))
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
    def of_changes(self) -> "Facts":
        """The same, but for a delivery of each change, where the profile asks for one of each artifact."""
        profile = self.definitions.profile
        if profile.lead_time_per == "change":
            return self
        each = profile.model_copy(update={"lead_time_per": "change"})
        return Facts(Definitions(self.definitions.declared, each), self._stored)

    def _view(self, name: str) -> ir.Table | None:
        """What stands in for a table that does not follow these definitions; None where it does."""
        view: ir.Table | None = getattr(self, f"_{name}", None)
        return view

    def _differs(self, settings: set[str]) -> bool:
        return bool(self._other & settings)

    @cached_property
    def _deployment_change(self) -> ir.Table | None:
        if not self._differs(_CARRIED):
            return None
        return self.definitions.deployment_changes(tables.table("claimed"), tables.table("place"))

    @cached_property
    def _remedy(self) -> ir.Table | None:
        if not self._differs(_CARRIED):
            return None
        place, rollout, change, identity = (
            tables.table(name) for name in ("place", "rollout", "change", "identity")
        )
        carried, reverts = self.table("deployment_change"), remedies.reverts(change)
        reverting = remedies.reverting(rollout, place, carried, reverts, identity)
        return remedies.remedies(rollout, place, reverting)

    @cached_property
    def _incident_cause(self) -> ir.Table | None:
        if not self._differs(_CAUSES):
            return None
        return self.definitions.incident_causes(
            *(
                tables.table(name)
                for name in (
                    "incident_report",
                    "incident_service",
                    "incident_name",
                    "incident_link",
                    "rollout",
                    "rollout_span",
                )
            )
        )

    @cached_property
    def _incident(self) -> ir.Table | None:
        if not self._differs(_CAUSES):
            return None
        return incidents.incidents(
            tables.table("incident_report"), self.table("incident_cause"), tables.table("rollout")
        )

    @cached_property
    def _deployment(self) -> ir.Table | None:
        if not self._differs(_CARRIED | _CAUSES | _JUDGED):
            return None
        place, remedy, profile = tables.table("place"), self.table("remedy"), self.definitions.profile
        causes = failures.with_incidents(
            self.table("incident_cause"), tables.table("incident_report"), profile
        )
        failed = failures.failures(place, remedy, causes, profile)
        return deployments.deployments(
            tables.table("rollout"),
            place,
            carried.best_method(self.table("deployment_change"), "deployment_id"),
            remedy,
            failed,
            failures.recoveries(failed, remedy, causes),
        )

    @cached_property
    def _delivery(self) -> ir.Table | None:
        if not self._differs(_CARRIED | _DELIVERED):
            return None
        return deliveries.deliveries(
            self.table("deployment_change"),
            tables.table("rollout"),
            tables.table("change"),
            self.definitions.profile,
        )


_VIEWS = ("deployment_change", "remedy", "incident_cause", "incident", "deployment", "delivery")
"""In the order in which they are made from each other."""


class Computed(Facts):
    """The same, where what differs is computed once, as temporary tables of a connection.

    Each figure would compute them anew, and compiling and planning what they are takes longer still. `number`
    tells the tables of different definitions apart.
    """

    def __init__(self, asked: Definitions, stored: Definitions, number: int) -> None:
        super().__init__(asked, stored)
        self._number = number

    def table(self, name: str) -> ir.Table:
        view = self._view(name)
        if view is None:
            return tables.table(name)
        return ibis.table(tables.TABLES[name], name=f"{name}_by_{self._number}")

    @cached_property
    def _statements(self) -> tuple[str, ...]:
        made = {name: view for name in _VIEWS if (view := self._view(name)) is not None}
        queries = {name: view.select(*tables.TABLES[name].names) for name, view in made.items()}
        return tuple(
            f"CREATE OR REPLACE TEMP TABLE {name}_by_{self._number} AS {ibis.to_sql(query, dialect='duckdb')}"
            for name, query in queries.items()
        )

    def compute(self, connection: DuckDBPyConnection) -> None:
        """Makes the tables, from what the connection sees now."""
        for statement in self._statements:
            connection.execute(statement)
