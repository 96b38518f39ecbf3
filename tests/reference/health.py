"""How far the figures can be believed: what no change was found for and why, and where clocks disagree."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reference.deployments import Deployment
from reference.passage import passing_runs
from reference.rows import Row, is_incident, is_work_item_event
from reference.statistics import ratio
from reference.story import Story
from scenarios.question import Question


def health(story: Story, question: Question) -> dict[str, Any]:
    """In the shape of the API's answer, but for what tells when spans arrived."""
    excluded = Counter(delivery.excluded for delivery in story.counted(question) if delivery.excluded)
    suspicious: list[dict[str, Any]] = [
        {"id": name, "revisions": revisions, "requests": requests}
        for name, (revisions, requests) in story.facts.identities.suspicious.items()
        if _of_question(story, question, story.facts.identities.left_alone[name])
    ]
    return {
        "spans": spans(story, question),
        "stage_runs": stage_runs(story, question),
        "deployments": deployments(story, question),
        "suspicious": {
            "count": len(suspicious),
            "changes": sorted(suspicious, key=lambda one: (-one["revisions"], one["id"]))[:20],
        },
        "excluded": dict(excluded),
        "clock_skew": clock_skew(story, question, excluded),
    }


def _of_question(story: Story, question: Question, names: set[str]) -> bool:
    """Whether one of the changes passes the filters."""
    narrowed = (question.service, question.repository, question.team, question.value_stream)
    return not any(narrowed) or any(
        story.passes(change, question) and question.service in (None, *change.services)
        for name in names
        if (change := story.facts.changes.get(name))
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

    return _told(len(rows), (gap(row) for row in alone)) | {"nothing_new": 0}


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
    lost = [deployment for deployment in empty if not any(deployment.claims.values())]
    told = _told(len(done), (_gap(deployment) for deployment in lost))
    return told | {"nothing_new": len(empty) - len(lost)}


def _gap(deployment: Deployment) -> str:
    if any(row["repository"] is not None and row["revision"] is not None for row in deployment.runs):
        return "unknown_revision"
    if deployment.artifact is not None:
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
