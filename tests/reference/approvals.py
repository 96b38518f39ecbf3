"""Approvals: from the request until somebody, or something, answered."""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from reference.changes import SECOND, Change
from reference.rows import Row
from reference.statistics import statistic
from reference.story import Story
from scenarios.question import Question


@dataclass
class Approval:
    """What one gate asked of one kind of actor for one change."""

    gate: str
    actor_type: str
    requested_at: int | None
    answered_at: int | None
    granted: bool | None

    @property
    def wait_s(self) -> float | None:
        if self.requested_at is None or self.answered_at is None or self.answered_at < self.requested_at:
            return None
        return (self.answered_at - self.requested_at) / SECOND


def approvals_of(change: Change) -> list[Approval]:
    """The first answer counts. An answer of a kind that nobody asked is one to whoever is still asked."""
    by_gate: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in change.rows:
        if (row["event_name"] or "").startswith("approval."):
            by_gate[row["gate"] or ""][row["actor_type"] or ""].append(row)
    found = []
    for gate, kinds in by_gate.items():
        told = [_told(gate, kind, rows) for kind, rows in kinds.items()]
        unasked = [one for one in told if one.requested_at is None]
        open_requests = [one for one in told if one.answered_at is None]
        asked_at = min(
            (one.requested_at for one in open_requests if one.requested_at is not None), default=None
        )
        found += [
            replace(one, requested_at=asked_at) if one in unasked else one
            for one in told
            if one.answered_at is not None or not unasked
        ]
    return found


def _told(gate: str, kind: str, rows: list[Row]) -> Approval:
    def first(event: str) -> int | None:
        return min((row["started_at"] for row in rows if row["event_name"] == event), default=None)

    granted, denied = first("approval.granted"), first("approval.denied")
    answers = [at for at in (granted, denied) if at is not None]
    return Approval(
        gate=gate,
        actor_type=kind,
        requested_at=first("approval.requested"),
        answered_at=min(answers, default=None),
        granted=granted == min(answers) if answers else None,
    )


def approvals(story: Story, question: Question) -> list[dict[str, Any]]:
    """A row per gate and kind of actor: what was answered in the window, or is waited for at its end."""
    limit_s = story.facts.declared.limits.approval_wait.seconds
    closed = story.closed(question)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    waits: dict[tuple[str, str], list[float | None]] = defaultdict(list)
    for change in story.changes(question):
        if question.service is not None and question.service not in change.services:
            continue
        for one in approvals_of(change):
            answered = question.within(one.answered_at)
            pending = (
                change.id not in closed
                and one.requested_at is not None
                and one.requested_at < question.to_ns
                and (one.answered_at is None or one.answered_at >= question.to_ns)
            )
            if not answered and not pending:
                continue
            key = (one.gate, one.actor_type)
            row = rows.setdefault(key, {"granted": 0, "denied": 0, "pending": 0, "breaches": 0})
            row["granted"] += answered and bool(one.granted)
            row["denied"] += answered and not one.granted
            row["pending"] += pending
            waited = (question.to_ns - (one.requested_at or 0)) / SECOND if pending else one.wait_s
            row["breaches"] += waited is not None and waited > limit_s
            if answered:
                waits[key].append(one.wait_s)
    return [
        {
            "gate": key[0] or None,
            "actor_type": key[1] or None,
            **rows[key],
            "wait_time": statistic(waits[key], story.profile.median),
        }
        for key in sorted(rows)
    ]
