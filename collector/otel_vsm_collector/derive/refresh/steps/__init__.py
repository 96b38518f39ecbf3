"""The steps of a refresh, in order: whose spans they are, whom they touch, what follows."""

from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.plan import Plan
from otel_vsm_collector.derive.refresh.planning import Planning
from otel_vsm_collector.derive.refresh.steps import identities, outcomes, own_facts, scope, sequence


def refresh_plan(definitions: Definitions, dialect: str = "duckdb") -> Plan:
    """What a refresh does by these definitions, for engines of that dialect; to compile it takes seconds."""
    planning = Planning(dialect)
    identities.find_names(planning, definitions)
    scope.find_touched(planning, definitions)
    own_facts.derive_changes(planning)
    own_facts.derive_deployment_reports(planning)
    own_facts.derive_incident_reports(planning)
    sequence.derive_order(planning)
    sequence.derive_ancestors(planning)
    sequence.derive_carried(planning, definitions)
    outcomes.derive_remedies(planning)
    outcomes.derive_incidents(planning, definitions)
    outcomes.derive_evidence(planning)
    outcomes.derive_deployments(planning, definitions)
    outcomes.derive_deliveries(planning, definitions)
    return planning.plan()
