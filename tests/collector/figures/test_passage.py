"""In which order changes pass through stages, and which of these go on side by side."""

from handmade.facts import HOUR, FactStore
from otel_vsm_collector.facts.reader import DuckDBReader
from otel_vsm_collector.facts.selection import BY_DEFAULT, Selection
from otel_vsm_collector.figures.flow.passage import passage

WINDOW = Selection(from_ns=0, to_ns=1000 * HOUR)


def run(facts: FactStore, change: str, stage: str, start: int, end: int, **more: object) -> None:
    facts.insert("stage_execution", id=f"{change} {stage} {start}", change_id=change, stage_name=stage,
                 started_at=start * HOUR, ended_at=end * HOUR, result="success",
                 **{"first_execution": True} | more)  # fmt: skip


def steps(facts: FactStore) -> list[list[str]]:
    reader = DuckDBReader(facts.cursor(), BY_DEFAULT)
    return [[stage["name"] for stage in step] for step in passage(reader, WINDOW)]


def test_stages_come_as_most_changes_pass_them(facts: FactStore) -> None:
    for change in ("a", "b", "c"):
        run(facts, change, "test", 3, 4)
        run(facts, change, "package", 5, 6)
    run(facts, "a", "build", 1, 2)
    run(facts, "b", "build", 1, 2)
    # Once it was built after all else.
    run(facts, "c", "build", 8, 9)
    # What few changes pass comes where it does for them.
    run(facts, "a", "deploy", 7, 8)
    assert steps(facts) == [["build"], ["test"], ["package"], ["deploy"]]


def test_stages_that_overlap_in_most_changes_go_on_side_by_side(facts: FactStore) -> None:
    for change in ("a", "b", "c"):
        run(facts, change, "build", 1, 2)
        run(facts, change, "lint", 2, 5)
        run(facts, change, "test", 3, 6)
        run(facts, change, "deploy", 7, 8)
    run(facts, "d", "lint", 1, 2)
    run(facts, "d", "test", 3, 4)
    assert steps(facts) == [["build"], ["lint", "test"], ["deploy"]]


def test_what_is_run_again_changes_no_order(facts: FactStore) -> None:
    run(facts, "a", "build", 1, 2)
    run(facts, "a", "test", 3, 4)
    for start in (5, 7, 9):
        run(facts, "a", "build", start, start + 1, first_execution=False)
    assert steps(facts) == [["build"], ["test"]]


def test_teams_and_changes_are_said(facts: FactStore) -> None:
    run(facts, "a", "build", 1, 2, teams=["ours"])
    run(facts, "b", "build", 1, 2, teams=["theirs", "ours"])
    reader = DuckDBReader(facts.cursor(), BY_DEFAULT)
    assert passage(reader, WINDOW) == [[{"name": "build", "changes": 2, "teams": ["ours", "theirs"]}]]
