"""All that the scenario files tell, in one ledger."""

from collections.abc import Iterator

import pytest

from scenarios.engines import InDuckDB
from scenarios.events import Span
from scenarios.world import World


@pytest.fixture(scope="session")
def everything(side_by_side: list[Span]) -> Iterator[World]:
    engine = InDuckDB()
    world = World(engine)
    world.take(side_by_side)
    yield world
    engine.close()
