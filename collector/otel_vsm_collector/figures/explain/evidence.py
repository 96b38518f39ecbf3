"""What says that a deployment failed its users, whether the profile uses it or not."""

import ibis.expr.types as ir

from otel_vsm_collector.derive.rules.incidents import counts
from otel_vsm_collector.facts.selection import Selection


def evidence(selection: Selection) -> ir.Table:
    """A row per piece of evidence about a deployment (id): its method, its source (an incident, or another
    deployment), `at`, and whether it is `used`."""
    profile = selection.profile
    remedies = selection.table("remedy").select(
        "method", id="mended_id", source="id", at="started_at", counts=True
    )
    incidents = selection.table("incident").select("started_at", "severity", incident_id="id")
    causes = selection.table("incident_cause").join(incidents, "incident_id")
    causes = causes.select(
        method="attribution",
        id="deployment_id",
        source="incident_id",
        at="started_at",
        counts=counts(causes, profile),
    )
    rows = remedies.union(causes)
    used = rows.method.isin([str(method) for method in profile.failure_methods])
    return rows.mutate(used=used & rows.counts).drop("counts")
