"""All that the scenario files tell, in one ledger: an awkward one."""

from collections.abc import Iterator

import pytest

from reference.worlds import told
from scenarios.engines import InDuckDB
from scenarios.reading import load, scenario_files
from scenarios.world import World


@pytest.fixture(scope="session")
def everything() -> Iterator[World]:
    engine = InDuckDB()
    world = World(engine)
    world.take(told([load(path)["events"] for path in scenario_files()]))
    yield world
    engine.close()
