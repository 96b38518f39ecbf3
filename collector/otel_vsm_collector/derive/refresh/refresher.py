"""Keeping the facts true: after new spans, the facts that they touch are computed again.

First whose the spans are, then what they say by themselves (runs, events, reports of deployments and
incidents), for the changes, deployments and incidents that the new spans touch; then what follows from their
neighbours (order, carried changes, failures), for whole services and environments.
"""

import inspect
from hashlib import sha256

from otel_vsm import artifact, identity
from otel_vsm_collector.derive.refresh import duplicates, joined
from otel_vsm_collector.derive.refresh.plan import Observe, Plan
from otel_vsm_collector.derive.rules import requests
from otel_vsm_collector.spans import arrivals, classify, mappings, moments, pivot, results, rows
from otel_vsm_collector.stores.engine import Engine

_BESIDE_THE_PLAN = (
    artifact,
    identity,
    arrivals,
    classify,
    moments,
    pivot,
    results,
    rows,
    duplicates,
    joined,
    requests,
)
"""What the facts follow from as well, and is no query: a change of it must not go unnoticed."""


class Refresher:
    """Fills the tables of facts of an engine; the caller begins and commits the transaction."""

    def __init__(self, engine: Engine, plan: Plan, observe: Observe | None = None) -> None:
        self._engine, self._plan, self._observe = engine, plan, observe
        plan.create(engine)
        self._filled: frozenset[str] = frozenset()
        self._last_seq = 0

    @property
    def fingerprint(self) -> str:
        """Changes whenever the tables would be filled otherwise, or be looked up otherwise."""
        parts = self._plan.fingerprint, self._engine.layout, mappings.fingerprint()
        digest = sha256(" ".join(map(str, parts)).encode())
        for module in _BESIDE_THE_PLAN:
            digest.update(inspect.getsource(module).encode())
        return digest.hexdigest()

    def create_tables(self) -> None:
        """Makes the tables of facts where they are missing."""
        self._plan.create_tables(self._engine)

    def refresh(self, first_seq: int, last_seq: int) -> int:
        """Takes the ledger's rows with first_seq ≤ seq ≤ last_seq into the facts.

        Returns how many repetitions of spans were taken out of the ledger.
        """
        self._engine.begin(first_seq, last_seq)
        # What came before was undone then, and it is not known what it left behind.
        unknown, self._last_seq = first_seq <= self._last_seq, last_seq
        duplicates.load_touched_spans(self._engine, first_seq, last_seq)
        rows = self._plan.run(
            self._engine, self._plan.scratch_tables if unknown else self._filled, self._observe
        )
        self._filled = frozenset(name for name, number in rows.items() if number)
        self._engine.end()
        return rows["repeated"]
