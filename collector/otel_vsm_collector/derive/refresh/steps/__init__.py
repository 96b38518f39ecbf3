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
    planning.follow(own_facts.derive_changes)
    planning.follow(own_facts.derive_deployment_reports)
    planning.follow(own_facts.derive_incident_reports)
    planning.follow(sequence.derive_order)
    planning.follow(sequence.derive_ancestors)
    sequence.derive_carried(planning, definitions)
    planning.follow(outcomes.derive_remedies)
    outcomes.derive_incidents(planning, definitions)
    planning.follow(outcomes.derive_evidence)
    outcomes.derive_deployments(planning, definitions)
    outcomes.derive_deliveries(planning, definitions)
    return planning.plan()
