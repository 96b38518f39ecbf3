"""By which definitions facts are derived: a profile, and what was declared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import ibis.expr.types as ir

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.rules import carried, evidence
from otel_vsm_collector.derive.rules import defaults as settled


@dataclass(frozen=True, eq=False)
class Definitions:
    """Each method is a step of deriving, with the settings that it follows."""

    declared: Declared = field(default_factory=Declared)
    profile: Profile = field(default=None)  # type: ignore[assignment]
    """The default one of what was declared, where none is given."""

    def __post_init__(self) -> None:
        if self.profile is None:
            object.__setattr__(self, "profile", self.declared.profile_named())

    @property
    def by_time(self) -> bool:
        return carried.TIME in self.profile.mapping

    @cached_property
    def projects(self) -> Mapping[str, str]:
        """Which project a service belongs to."""
        streams = reversed(list(self.declared.value_streams.items()))
        return {service: name for name, stream in streams for service in stream.systems}

    def settled(self, spans: ir.Table) -> ir.Table:
        """The spans, with what they leave open filled in as declared."""
        return settled.settled(spans, self.declared)

    def deployment_changes(self, claimed: ir.Table, places: ir.Table) -> ir.Table:
        """The table `deployment_change` from what all deployments claim that claim the same changes."""
        known = carried.deployment_changes(claimed, places, self.profile)
        if not self.by_time:
            return known
        place, rollout, change = (
            tables.table(name) for name in ("deployment_order", "deployment_report", "change")
        )
        return known.union(carried.by_time(known, place, rollout, change, self.profile))

    def incident_evidence(
        self,
        reports: ir.Table,
        services: ir.Table,
        names: ir.Table,
        links: ir.Table,
        deployments: ir.Table,
        deployment_spans: ir.Table,
    ) -> ir.Table:
        """The rows of `evidence` that point to the incidents in `reports`."""
        return evidence.of_incidents(
            evidence.Incidents(
                reports, services, names, links, deployments, deployment_spans, self.profile, self.projects
            )
        )

    def later_incidents(self, reports: ir.Table, services: ir.Table, since: ir.Table) -> ir.Table:
        """The incidents (incident_id) that may have come from another deployment since the order of
        deployments changed: `since` says from when on, by service and environment."""
        told = reports.select("environment", "started_at", incident_id="id")
        where = ["environment"]
        if self.profile.incident_match == "service":
            told, where = told.join(services, "incident_id"), ["service", "environment"]
        later = told.join(since, where)
        return later.filter(later.started_at >= later.since).select("incident_id")
