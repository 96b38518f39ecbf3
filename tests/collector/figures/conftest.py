"""All that the scenario files tell, in one ledger: an awkward one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "derive"))

from in_duckdb import InDuckDB
from world import World, load, scenarios

from reference.worlds import told


@pytest.fixture(scope="session")
def everything() -> Iterator[World]:
    engine = InDuckDB()
    world = World(engine)
    world.take(told([load(path)["events"] for path in scenarios()]))
    yield world
    engine.close()
