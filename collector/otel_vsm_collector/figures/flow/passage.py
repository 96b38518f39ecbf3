"""In which order changes pass through stages, which of these go on side by side, and who does the work."""

from collections import Counter
from typing import Any

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.flow.stages import overlapping


def passage(reader: Reader, selection: Selection) -> list[list[dict[str, Any]]]:
    """The stages that ended in the window (name, teams, changes), in order; those of one step go on side by
    side.

    Of two stages the one comes first whose first execution began first in more of the changes that had both;
    of all, the one that comes before most others. Neighbours go on side by side where their first executions
    overlap in more than half of those changes.
    """
    stages = {row["name"]: row for row in reader.answer(stages_of_changes, selection)}
    lead: Counter[str] = Counter()
    met: Counter[str] = Counter()
    together = set()
    for row in reader.answer(pairs, selection):
        name, other, both = row["name"], row["other"], row["changes"]
        met[name] += 1
        lead[name] += (2 * row["earlier"] > both) - (2 * row["earlier"] < both)
        if 2 * row["overlapping"] > both:
            together.add((name, other))
    order = sorted(stages, key=lambda name: (-lead[name] / met[name] if met[name] else 1.0, name))
    steps: list[list[str]] = []
    for name in order:
        if steps and all((one, name) in together for one in steps[-1]):
            steps[-1].append(name)
        else:
            steps.append([name])
    return [
        [stages[name] | {"teams": sorted(stages[name]["teams"] or ())} for name in step] for step in steps
    ]


def stages_of_changes(selection: Selection) -> ir.Table:
    """(name, changes, teams): of how many changes an execution of each stage ended in the window, and whose
    work it was."""
    rows = overlapping(selection)
    rows = rows.filter(rows.ended)
    stages = rows.group_by(name="stage_name").agg(changes=rows.change_id.nunique())
    teams = rows.select(name="stage_name", team=rows.teams.unnest()).filter(ibis._.team.notnull()).distinct()
    teams = teams.group_by("name").agg(teams=teams.team.collect())
    return stages.left_join(teams, "name").drop("name_right")


def pairs(selection: Selection) -> ir.Table:
    """(name, other, changes, earlier, overlapping): how many changes had two stages, each pair both ways; in
    how many the first began earlier, and in how many they overlapped."""
    rows = overlapping(selection)
    rows = rows.filter(rows.ended, rows.first_execution, rows.change_id.notnull())
    rows = rows.group_by("change_id", name="stage_name").agg(
        started_at=rows.started_at.min(), ended_at=rows.ended_at.min()
    )
    others = rows.rename(other="name", other_started_at="started_at", other_ended_at="ended_at")
    both = rows.join(others, "change_id")
    both = both.filter(both.name != both.other)
    return both.group_by("name", "other").agg(
        changes=both.count(),
        earlier=(both.started_at < both.other_started_at).sum(),
        overlapping=((both.started_at < both.other_ended_at) & (both.other_started_at < both.ended_at)).sum(),
    )
