"""The figures of each stage: how often it ran, how long it took and waited, how often its work came back."""

from typing import Any

from reference.flow import in_progress, late_stages
from reference.passage import flaky_among, passing_runs, rates, runs_that_ended
from reference.statistics import ratio, statistic
from reference.story import Story
from scenarios.question import Question


def stages(story: Story, question: Question) -> list[dict[str, Any]]:
    """A row per stage in the shape of the API's answer, by name: the runs that ended in the window.

    A stage that nothing ran of is there if changes are in it.
    """
    ended = runs_that_ended(story, question)
    passing = passing_runs(story, question)
    arrived = [run for run in passing if run.first_run and question.within(run.start)]
    waiting = [stage for _, stage in in_progress(story, question) if stage is not None]
    late = [stage for stage, _ in late_stages(story, question)]
    flaky = flaky_among(story, ended)
    found = []
    for name in sorted({*(run.stage for run in (*ended, *arrived)), *waiting, *late}):
        runs = [run for run in ended if run.stage == name]
        first = [run for run in runs if run.first_run and run.row["result"] != "skip"]
        left = [run.complete_accurate for run in runs if run.complete_accurate is not None]
        of_stage = [run for run in passing if run.stage == name and (run in ended or run in arrived)]
        types = sorted(run.row["stage_type"] for run in of_stage if run.row["stage_type"] is not None)
        rework = len([run for run in runs if run.rework])
        found.append(
            {
                "name": name,
                "type": types[0] if types else None,
                "runs": len(runs),
                "process_time": statistic([run.process_s for run in runs], story.profile.median),
                "wait_time": statistic([run.wait_s for run in runs], story.profile.median),
                "queue_time": statistic([run.queue_s for run in runs], story.profile.median),
                "success_ratio": ratio(
                    len([run for run in runs if run.succeeded]),
                    len([run for run in runs if run.row["result"] != "skip"]),
                ),
                "first_pass_yield": ratio(len([run for run in first if run.succeeded]), len(first)),
                "complete_accurate": ratio(sum(left), len(left)),
                "rework_runs": rework,
                "rework_share": ratio(rework, len(runs)),
                "flaky_runs": len([run for run in flaky if run.stage == name]),
                "quarantined": any(run.row["quarantined"] for run in of_stage),
                **rates(of_stage, question),
                "wip": waiting.count(name),
                "unfinished": late.count(name),
            }
        )
    return found
