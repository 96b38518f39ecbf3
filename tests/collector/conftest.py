"""Facts and OTLP requests made by hand, and worlds to tell spans to."""

from collections.abc import Iterator

import pytest

from handmade.facts import FactStore
from handmade.otlp import Otlp
from reference.worlds import spans_of
from scenarios.engines import InDuckDB, clickhouse
from scenarios.events import Span
from scenarios.reading import CASES, load
from scenarios.world import World


@pytest.fixture
def facts() -> Iterator[FactStore]:
    store = FactStore()
    yield store
    store.connection.close()


@pytest.fixture
def otlp() -> Otlp:
    return Otlp()


@pytest.fixture(scope="session")
def duckdb_world() -> Iterator[World]:
    """One for all tests, since compiling the plan takes a while: who uses it clears it."""
    engine = InDuckDB()
    yield World(engine)
    engine.close()


@pytest.fixture(scope="session")
def clickhouse_world() -> Iterator[World]:
    """The same on the other engine."""
    engine = clickhouse()
    yield World(engine)
    engine.close()


@pytest.fixture(scope="session")
def side_by_side() -> list[Span]:
    """All that the cases tell, each in a world of its own: an awkward ledger."""
    return spans_of([load(path).events for path in sorted(CASES.glob("*.yaml"))])
