"""Keeping the facts true: after new spans, the facts that they touch are computed again.

First whose the spans are, then what they say by themselves (runs, events, rollouts, incident reports), for
the changes, deployments and incidents that the new spans touch; then what follows from their neighbours
(order, carried changes, failures), for whole services and environments.
"""

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.duplicates import load_near_spans
from otel_vsm_collector.derive.refresh.plan import Observe, Plan
from otel_vsm_collector.derive.refresh.steps import identities as names
from otel_vsm_collector.derive.refresh.steps import outcomes as judging
from otel_vsm_collector.derive.refresh.steps import own_facts as work
from otel_vsm_collector.derive.refresh.steps import scope as reach
from otel_vsm_collector.derive.refresh.steps import sequence as order
from otel_vsm_collector.stores.engine import Engine


class Refresher:
    """Fills the tables of facts of an engine; the caller begins and commits the transaction."""

    def __init__(
        self, engine: Engine, observe: Observe | None = None, definitions: Definitions | None = None
    ) -> None:
        self._engine = engine
        self._observe = observe
        self._plan = plan = Plan(engine.dialect)
        definitions = definitions or Definitions()
        names.find_names(plan, definitions)
        reach.find_touched(plan, definitions)
        work.derive_changes(plan)
        work.derive_rollouts(plan)
        work.derive_incident_reports(plan)
        order.derive_order(plan)
        order.derive_carried(plan, definitions)
        judging.derive_remedies(plan)
        judging.derive_incidents(plan, definitions)
        judging.derive_deployments(plan, definitions)
        judging.derive_deliveries(plan, definitions)
        plan.create(engine)

    def create_tables(self) -> None:
        """Makes the tables of facts where they are missing."""
        for name, schema in tables.FACTS.items():
            self._engine.keep(name, schema)

    def refresh(self, first_seq: int, last_seq: int) -> int:
        """Takes the ledger's rows with first_seq ≤ seq ≤ last_seq into the facts.

        Returns how many repetitions of spans were taken out of the ledger.
        """
        self._engine.begin(first_seq, last_seq)
        load_near_spans(self._engine, first_seq, last_seq)
        repeated = self._plan.run(self._engine, self._observe)["repeated"]
        self._engine.end()
        return repeated
