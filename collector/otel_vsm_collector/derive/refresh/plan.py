"""A plan: what a refresh does, step by step, in SQL.

It is data: what an expression says is compiled before (`planning.py`), which takes about as long as deriving
from a few thousand spans, and needs Ibis.
"""

import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from otel_vsm_collector.stores.engine import Columns, Engine, Within

Observe = Callable[[str, str], None]
"""Who wants to know of facts when they are first seen (the metrics) is called with the fact and the name of a
table with its columns, each row of it seen for the first time."""

Needs = tuple[tuple[str, ...], ...]
"""Alternatives: the tables that must all have rows for a query to have any."""
ANYWAY: Needs = ((),)


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """What counts as seeing a fact for the first time."""

    fact: str
    key: tuple[str, ...]
    known: str | None = None
    """The column that has to be true, or not null, for the fact to be one."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """Computes a table that lives until the next refresh."""

    name: str
    query: str
    columns: Columns
    needs: Needs


@dataclass(frozen=True, slots=True)
class Pick:
    """Takes the rows of a lasting table that a scope names into a scratch table."""

    name: str
    selected: str
    table: str
    within: Within
    columns: Columns


@dataclass(frozen=True, slots=True)
class Call:
    """Calls a function with the engine, which makes the scratch table `name` and gives the rows in it."""

    name: str
    function: str
    """`module:name`."""


@dataclass(frozen=True, slots=True)
class Replace:
    """Computes the rows of a fact's table anew that a scope names."""

    table: str
    query: str
    within: Within
    first_seen: tuple[FirstSeen, ...]
    needs: Needs


Step = Scratch | Pick | Call | Replace
_STEPS: dict[str, type[Step]] = {step.__name__: step for step in (Scratch, Pick, Call, Replace)}


@dataclass(frozen=True, slots=True)
class Plan:
    tables: Mapping[str, Columns]
    """Of facts, which it fills."""
    steps: tuple[Step, ...]
    fingerprint: str
    """Changes whenever the plan would fill the tables otherwise, or other tables."""

    def create(self, engine: Engine) -> None:
        """Makes the scratch tables."""
        for step in self.steps:
            if isinstance(step, Scratch | Pick):
                engine.create_scratch(step.name, step.columns)

    def create_tables(self, engine: Engine) -> None:
        """Makes the tables of facts where they are missing."""
        for name, columns in self.tables.items():
            engine.create_table(name, columns)

    def run(self, engine: Engine, filled: Collection[str], observe: Observe | None) -> dict[str, int]:
        """Runs every step in the engine's current transaction; answers the rows of the scratch tables.

        `filled` are the scratch tables that may have rows of an earlier run.
        """
        rows: dict[str, int] = {}
        for step in self.steps:
            if isinstance(step, Call):
                rows[step.name] = pkgutil.resolve_name(step.function)(engine)
            elif isinstance(step, Replace):
                if rows[step.within.scratch]:
                    _replace(engine, step, observe, any_rows=given(step.needs, rows))
            elif not given(step.needs if isinstance(step, Scratch) else ((step.within.scratch,),), rows):
                rows[step.name] = 0
                if step.name in filled:
                    engine.delete(step.name, "true")
            elif isinstance(step, Pick):
                rows[step.name] = engine.pick(step.name, step.selected, step.table, step.within)
            else:
                rows[step.name] = engine.fill(step.name, step.query)
        return rows

    @property
    def scratch_tables(self) -> frozenset[str]:
        """The names of all."""
        return frozenset(step.name for step in self.steps if not isinstance(step, Replace))

    def as_data(self) -> dict[str, Any]:
        """The same as what JSON can say."""
        steps = [[type(step).__name__, asdict(step)] for step in self.steps]
        return {"tables": dict(self.tables), "steps": steps, "fingerprint": self.fingerprint}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> "Plan":
        """The plan that `as_data` gave. Raises KeyError or TypeError where it is none."""
        steps = tuple(_step(_STEPS[kind], fields) for kind, fields in data["steps"])
        return cls(data["tables"], steps, data["fingerprint"])


def given(needs: Needs, rows: Mapping[str, int]) -> bool:
    """Whether there may be rows, by how many the scratch tables have."""
    return any(all(rows[table] for table in tables) for tables in needs)


def _step(kind: type[Step], fields: dict[str, Any]) -> Step:
    if "within" in fields:
        columns, scratch, named = fields["within"]
        fields = fields | {"within": Within(tuple(columns), scratch, tuple(named))}
    if "first_seen" in fields:
        seen = (FirstSeen(one["fact"], tuple(one["key"]), one["known"]) for one in fields["first_seen"])
        fields = fields | {"first_seen": tuple(seen)}
    if "needs" in fields:
        fields = fields | {"needs": tuple(map(tuple, fields["needs"]))}
    return kind(**fields)


def _replace(engine: Engine, step: Replace, observe: Observe | None, *, any_rows: bool) -> None:
    if not any_rows or observe is None or not step.first_seen:
        engine.drop(step.table, step.within)
        if any_rows:
            engine.insert(step.table, step.query)
        return
    new = engine.fill("new_rows", step.query)
    old = engine.pick("old_rows", _columns_before(step.first_seen), step.table, step.within)
    if old:
        engine.drop(step.table, step.within)
    if new:
        engine.insert(step.table, "SELECT * FROM new_rows")
    if new:
        for what in step.first_seen:
            if not old and what.known is None:
                observe(what.fact, "new_rows")
            elif engine.fill("first_seen", _newly_seen(what)):
                observe(what.fact, "first_seen")


def _columns_before(first_seen: tuple[FirstSeen, ...]) -> str:
    """The columns of old rows that tell what was seen before."""
    columns = dict.fromkeys(column for what in first_seen for column in (*what.key, what.known) if column)
    return ", ".join(f'"{column}"' for column in columns)


def _newly_seen(what: FirstSeen) -> str:
    same = " AND ".join(f'o."{column}" = n."{column}"' for column in what.key)
    known = (
        "true"
        if what.known is None
        else f"(coalesce(CAST({{}}.{what.known} AS VARCHAR), 'false') <> 'false')"
    )
    return (
        f"SELECT n.* FROM new_rows AS n WHERE {known.format('n')}"
        f" AND NOT EXISTS (SELECT 1 FROM old_rows AS o WHERE {same} AND {known.format('o')})"
    )
