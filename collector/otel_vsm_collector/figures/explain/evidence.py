"""What says that a deployment failed its users, whether the profile uses it or not."""

import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm_collector.derive.rules.evidence import used
from otel_vsm_collector.facts.selection import Selection


def evidence(selection: Selection) -> ir.Table:
    """A row per piece of evidence about a deployment (id): its method, its source (an incident, or another
    deployment), `at`, and whether it is `used`."""
    rows = selection.table("evidence")
    # Compared only, ClickHouse would list a number.
    is_used = ifelse(used(rows, selection.profile), True, False)
    return rows.select("method", "at", id="deployment_id", source="source_id", used=is_used)
