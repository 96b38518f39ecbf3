"""How far the figures can be believed: what no change was found for and why, and where clocks disagree."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reference.deployments import Deployment
from reference.passage import passing_runs
from reference.rows import Row, is_incident, is_run, is_work_item_event
from reference.statistics import ratio
from reference.story import Story
from scenarios.question import Question


def health(story: Story, question: Question) -> dict[str, Any]:
    """In the shape of the API's answer, but for what tells when spans arrived."""
    excluded = Counter(delivery.excluded for delivery in story.counted(question) if delivery.excluded)
    return {
        "spans": spans(story, question),
        "stage_runs": stage_runs(story, question),
        "deployments": deployments(story, question),
        "left_out": {"retracted": _retracted(story, question)},
        "excluded": dict(excluded),
        "clock_skew": clock_skew(story, question, excluded),
    }


def _retracted(story: Story, question: Question) -> int:
    """How many spans that ended in the window were taken back."""
    return sum(
        question.within(row["ended_at"]) and story.passes_row(row, question) for row in story.facts.left_out
    )


def spans(story: Story, question: Question) -> dict[str, Any]:
    """The spans that ended in the window; not those of incidents, of what runs, and of work items alone."""
    counted = [
        row
        for row in story.facts.rows
        if question.within(row["ended_at"])
        and not is_incident(row)
        and row["event_name"] != "service.started"
        and not (is_work_item_event(row) and row["change_id"] is None)
        and story.passes_row(row, question)
    ]
    return _unlinked(story, counted)


def stage_runs(story: Story, question: Question) -> dict[str, Any]:
    """The runs of stages that ended in the window, but for deployments."""
    runs = passing_runs(story, question)
    return _unlinked(
        story, [run.row for run in runs if question.within(run.end) and run.row["stage_type"] != "deploy"]
    )


def _unlinked(story: Story, rows: list[Row]) -> dict[str, Any]:
    known = story.facts.identities.change_of_row
    alone = [row for row in rows if (row["trace_id"], row["span_id"]) not in known]
    in_trace = Counter(row["trace_id"] for row in alone)

    def gap(row: Row) -> str:
        named = row["revision"] is not None or row["request"] is not None
        if named and row["repository"] is None:
            return "no_repository"
        return "trace_of_nobody" if in_trace[row["trace_id"]] > 1 else "no_identity"

    return _told(len(rows), (gap(row) for row in alone)) | {"nothing_new": 0, "cut_history": 0}


def _told(count: int, gaps: Iterable[str]) -> dict[str, Any]:
    why = Counter(gaps)
    unlinked = sum(why.values())
    return {"count": count, "unlinked": unlinked, "ratio": ratio(unlinked, count), "why": dict(why)}


def deployments(story: Story, question: Question) -> dict[str, Any]:
    """The successful deployments of the window; that one brought nothing new is no fault."""
    done = [
        deployment
        for deployment in story.deployments(question)
        if deployment.done and question.within(deployment.finished_at)
    ]
    empty = [deployment for deployment in done if not story.carried[deployment.id]]
    lost = [deployment for deployment in empty if not _has_change(deployment)]
    told = _told(len(done), (_gap(deployment) for deployment in lost))
    cut = [one for one in done if any(row["gap"] == "cut_history" for row in one.rows)]
    return told | {"nothing_new": len(empty) - len(lost), "cut_history": len(cut)}


def _has_change(deployment: Deployment) -> bool:
    """Whether a change is known that it might have brought; what it stands on is no such one."""
    return any(changes for claim, changes in deployment.claims.items() if claim != "stood")


def _gap(deployment: Deployment) -> str:
    told = [row for row in deployment.told_rows if is_run(row)]
    if any(row["repository"] is not None and row["revision"] is not None for row in told):
        return "unknown_revision"
    if any(row["artifact_hash"] is not None or row["artifact_purl"] is not None for row in told):
        return "unknown_artifact"
    return "unknown_link" if deployment.links else "no_identity"


def clock_skew(story: Story, question: Question, excluded: Counter[str]) -> dict[str, int]:
    """How often something happened in the window before it could have."""
    began = {(row["trace_id"], row["span_id"]): row["started_at"] for row in story.facts.rows}
    children = [
        row
        for row in story.facts.rows
        if question.within(row["ended_at"])
        and story.passes_row(row, question)
        and row["started_at"] < began.get((row["trace_id"], row["parent_span_id"]), row["started_at"])
    ]
    detected = [
        incident
        for incident in story.incidents(question)
        if question.within(incident.started_at)
        and incident.start_told
        and (incident.first("detected") or incident.started_at) < incident.started_at
    ]
    return {
        "child_before_parent": len(children),
        "detected_before_start": len(detected),
        "delivered_before_start": excluded["clock_skew"],
        "negative_queue": 0,
    }
