"""By which definitions facts are derived: a profile, and what was declared."""

from collections.abc import Mapping
from functools import cached_property

import ibis.expr.types as ir

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.rules import carried, defaults, evidence


class Definitions:
    """Each method is a step of deriving, with the settings that it follows."""

    def __init__(self, declared: Declared | None = None, profile: Profile | None = None) -> None:
        """Of nothing declared, and the default profile of what is, where none is given."""
        self.declared = declared or Declared()
        self.profile = profile or self.declared.profile_named()

    @property
    def by_time(self) -> bool:
        return carried.TIME in self.profile.mapping

    @cached_property
    def projects(self) -> Mapping[str, str]:
        """Which project a service belongs to."""
        streams = reversed(list(self.declared.value_streams.items()))
        return {service: name for name, stream in streams for service in stream.systems}

    def with_defaults(self, spans: ir.Table) -> ir.Table:
        """The spans, with what they leave open filled in as declared."""
        return defaults.with_defaults(spans, self.declared)

    def deployment_changes(self, claims: ir.Table, order: ir.Table, *per: str) -> ir.Table:
        """The table `deployment_change` from the rows of `matched_claim` of all deployments that claim the
        same changes, and their rows of `deployment_order`; `per` as in `carried.deployment_changes`."""
        known = carried.deployment_changes(claims, order, self.profile, *per)
        if not self.by_time:
            return known
        every, report, change = (
            tables.table(name) for name in ("deployment_order", "deployment_report", "change")
        )
        return known.union(carried.by_time(known, every, report, change, self.profile))

    def incident_evidence(
        self,
        reports: ir.Table,
        services: ir.Table,
        names: ir.Table,
        links: ir.Table,
        deployments: ir.Table,
        tellings: ir.Table,
        deployment_spans: ir.Table,
    ) -> ir.Table:
        """The rows of `evidence` that point to the incidents in `reports`."""
        return evidence.of_incidents(
            evidence.IncidentFacts(
                reports,
                services,
                names,
                links,
                deployments,
                tellings,
                deployment_spans,
                self.profile,
                self.projects,
            )
        )

    def later_incidents(self, reports: ir.Table, services: ir.Table, since: ir.Table) -> ir.Table:
        """The incidents (incident_id) that may have come from another deployment since the order of
        deployments changed: `since` says from when on, by service and environment."""
        started = reports.select("environment", "started_at", incident_id="id")
        where = ["environment"]
        if self.profile.incident_match == "service":
            started, where = started.join(services, "incident_id"), ["service", "environment"]
        later = started.join(since, where)
        return later.filter(later.started_at >= later.since).select("incident_id")
