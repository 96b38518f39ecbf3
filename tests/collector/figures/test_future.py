"""The future state, replayed over real changes: worked out by hand."""

import pytest

from handmade.facts import HOUR, FactStore
from otel_vsm_collector.facts.reader import DuckDBReader
from otel_vsm_collector.facts.selection import BY_DEFAULT, Selection
from otel_vsm_collector.figures.flow.future import Factors, future

WINDOW = Selection(from_ns=0, to_ns=240 * HOUR, environment="production")
HOURS = 3600.0


@pytest.fixture
def two_changes(facts: FactStore) -> DuckDBReader:
    """One change waits 8 h for its test and another one 2 h; each builds 2 h and tests 4 h. Of the slower one
    a scan goes on during its test, which takes nothing of its own."""
    for change, waited, began in (("slow", 8, 10), ("fast", 2, 50)):
        built, tested = began + 2, began + 2 + waited + 4
        runs = [("build", began, built), ("test", built + waited, tested)]
        runs += [("scan", built + waited + 1, tested)] if change == "slow" else []
        busy: int | None = None
        for stage, start, end in runs:
            facts.insert("stage_run", run_id=f"{change} {stage}", execution_id=f"{change} {stage}",
                         trace_id=change, span_id=stage, change_id=change, stage_name=stage,
                         started_at=start * HOUR, ended_at=end * HOUR,
                         busy_until=None if busy is None else busy * HOUR)  # fmt: skip
            busy = end
        facts.insert("change", id=change, first_activity_at=began * HOUR)
        facts.insert("delivery", change_id=change, service="shop", environment="production",
                     deployment_id=f"d {change}", deploy_started_at=tested * HOUR, delivered_at=tested * HOUR,
                     first_activity_at=began * HOUR)  # fmt: skip
    return DuckDBReader(facts.cursor(), BY_DEFAULT)


def hours(state: dict[str, object]) -> tuple[float, float]:
    """The shortest and the longest flow time of two changes."""
    times = state["flow_time"]
    assert isinstance(times, dict)
    longest = times["max"] / HOURS
    return 2 * times["mean"] / HOURS - longest, longest


def test_where_nothing_changes_then_is_now(two_changes: DuckDBReader) -> None:
    found = future(two_changes, WINDOW, {})
    assert found["changes"] == 2
    assert found["now"] == found["then"]
    assert hours(found["now"]) == (8.0, 14.0)
    # 6 h of 8 h and 6 h of 14 h.
    assert found["now"]["flow_efficiency"] == pytest.approx(12 / 22)
    # 22 h of open changes in 240 h.
    assert found["now"]["open_changes"] == pytest.approx(22 / 240)


def test_each_change_saves_of_its_own_waits(two_changes: DuckDBReader) -> None:
    found = future(two_changes, WINDOW, {"test": Factors(wait=50)})
    assert hours(found["then"]) == (7.0, 10.0)
    assert found["then"]["flow_efficiency"] == pytest.approx(12 / 17)
    assert found["then"]["open_changes"] == pytest.approx(17 / 240)


def test_a_stage_that_is_dropped_takes_no_time(two_changes: DuckDBReader) -> None:
    found = future(two_changes, WINDOW, {"build": Factors(process=0), "test": Factors(wait=0, process=50)})
    assert hours(found["then"]) == (2.0, 2.0)
    assert found["then"]["flow_efficiency"] == 1.0


def test_work_beside_other_work_saves_nothing(two_changes: DuckDBReader) -> None:
    found = future(two_changes, WINDOW, {"scan": Factors(wait=0, process=0)})
    assert found["then"] == found["now"]


def test_what_takes_longer_is_added(two_changes: DuckDBReader) -> None:
    assert hours(future(two_changes, WINDOW, {"build": Factors(process=150)})["then"]) == (9.0, 15.0)


def test_of_nothing_nothing_is_said(facts: FactStore) -> None:
    found = future(DuckDBReader(facts.cursor(), BY_DEFAULT), WINDOW, {"build": Factors(0, 0)})
    assert found["changes"] == 0
    assert found["then"]["flow_time"]["p50"] is None
    assert found["then"]["open_changes"] is None
