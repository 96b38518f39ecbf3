"""The figures of each stage: how often it ran, how long it took and waited, how often its work came back."""

from typing import Any

from reference.flow import in_progress, late_stages
from reference.passage import passing_executions, passing_runs, rates
from reference.rows import distinct
from reference.statistics import ratio, statistic
from reference.story import Story
from scenarios.question import Question


def stages(story: Story, question: Question) -> list[dict[str, Any]]:
    """A row per stage in the shape of the API's answer, by name: the runs and executions that ended in the
    window.

    A stage that nothing ran of is there if changes are in it.
    """
    runs_ended = [run for run in passing_runs(story, question) if question.within(run.end)]
    passing = passing_executions(story, question)
    ended = [one for one in passing if question.within(one.end)]
    arrived = [one for one in passing if one.first_execution and question.within(one.start)]
    waiting = [stage for _, stage in in_progress(story, question) if stage is not None]
    late = [stage for stage, _ in late_stages(story, question)]
    names = {run.stage for run in runs_ended} | {one.stage for one in (*ended, *arrived)}
    found = []
    for name in sorted({*names, *waiting, *late}):
        runs = [run for run in runs_ended if run.stage == name]
        executions = [one for one in ended if one.stage == name]
        first = [one for one in executions if one.first_execution and one.result != "skip"]
        left = [one.complete_accurate for one in executions if one.complete_accurate is not None]
        of_stage = [one for one in passing if one.stage == name and (one in ended or one in arrived)]
        types = sorted(one.stage_type for one in of_stage if one.stage_type is not None)
        types = types or distinct([run.row for run in runs], "stage_type")
        rework = len([one for one in executions if one.rework])
        found.append(
            {
                "name": name,
                "type": types[0] if types else None,
                "runs": len(runs),
                "executions": len(executions),
                "process_time": statistic([one.process_s for one in executions], story.profile.median),
                "wait_time": statistic([one.wait_s for one in executions], story.profile.median),
                "queue_time": statistic([one.queue_s for one in executions], story.profile.median),
                "success_ratio": ratio(
                    len([run for run in runs if run.succeeded]),
                    len([run for run in runs if run.row["result"] != "skip"]),
                ),
                "first_pass_yield": ratio(len([one for one in first if one.succeeded]), len(first)),
                "complete_accurate": ratio(sum(left), len(left)),
                "rework_runs": rework,
                "rework_share": ratio(rework, len(executions)),
                "flaky_runs": len([one for one in executions if one.flaky]),
                "quarantined": any(run.row["quarantined"] for run in runs)
                or any(one.quarantined for one in of_stage),
                **rates(of_stage, question),
                "wip": waiting.count(name),
                "unfinished": late.count(name),
            }
        )
    return found
