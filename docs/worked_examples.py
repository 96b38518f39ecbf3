"""The scenarios that the derivation is tested with, as worked examples of the definitions."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from in_words import asked, follows, happened, when

SCENARIOS = Path(__file__).parents[1] / "tests" / "scenarios" / "cases"
WIDTH = 110
TOPICS = (
    "identity",
    "mapping",
    "lead_time",
    "deployment",
    "failure",
    "incident",
    "flow",
    "selection",
    "profile",
    "data",
    "thread",
)
TRACKERS = {
    "devlake": ("DevLake", "https://github.com/apache/devlake/issues/{}"),
    "devops_pr_stats": ("devops-pr-stats", "https://github.com/jeffpriz/devops-pr-stats/issues/{}"),
    "fourkeys": ("Four Keys", "https://github.com/dora-team/fourkeys/issues/{}"),
    "gitlab": ("GitLab", "https://gitlab.com/gitlab-org/gitlab/-/issues/{}"),
    "middleware": ("Middleware", "https://github.com/middlewarehq/middleware/issues/{}"),
    "octopus": ("Octopus Deploy", "https://github.com/OctopusDeploy/Issues/issues/{}"),
    "pelorus": ("Pelorus", "https://github.com/dora-metrics/pelorus/issues/{}"),
    "quality_time": ("Quality-time", "https://github.com/ICTU/quality-time/issues/{}"),
}
"""Where people write what they miss: scenarios are named after the thread."""
_ELSEWHERE = {"149682": "https://gitlab.com/gitlab-org/gitlab/-/merge_requests/149682"}
_NAMES = {
    "wip": "WIP",
    "devlake": "DevLake",
    "gitlab": "GitLab",
    "pelorus": "Pelorus",
    "middleware": "Middleware",
}
_THREAD = re.compile(rf"({'|'.join(TRACKERS)})_(\d+)_(.+)")

Example = dict[str, Any]


def examples() -> dict[str, Example]:
    """All scenarios by name; each with its topic. Raises ValueError where one has none that is known."""
    found = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(SCENARIOS.glob("*.yaml"))}
    found = {name: {"topic": _topic(name), **example} for name, example in found.items()}
    for name, example in found.items():
        if example["topic"] not in TOPICS:
            raise ValueError(f"{name}.yaml has no topic; say which it is of: {', '.join(TOPICS)}")
    return found


def _topic(name: str) -> str | None:
    if _THREAD.fullmatch(name):
        return "thread"
    return next((topic for topic in TOPICS if name.startswith(f"{topic}_")), None)


def written(name: str, example: Example) -> str:
    """An example: its name, why it is as it is, and in a block what happened and what follows."""
    why = " ".join(example["why"].split())
    return f"**{_title(name, example['topic'])}.** {why}\n\n```text\n{_block(example)}\n```"


def _title(name: str, topic: str) -> str:
    thread = _THREAD.fullmatch(name)
    if not thread:
        title = _spelled(name.removeprefix(f"{topic}_"))
        return title[0].upper() + title[1:]
    tool, number, title = thread.groups()
    label, url = TRACKERS[tool]
    return f"[{label} {number}]({_ELSEWHERE.get(number, url.format(number))}): {_spelled(title)}"


def _spelled(name: str) -> str:
    return " ".join(_NAMES.get(word, word) for word in name.split("_"))


def _block(example: Example) -> str:
    times = [when(event["at"]) for event in example["events"]]
    room = max(map(len, times))
    lines = [
        line
        for time, event in zip(times, example["events"], strict=True)
        for line in _wrapped(happened(_with_what(event, example["events"])), f"{time:>{room}}  ")
    ]
    if "settings" in example:
        settings = yaml.safe_dump(example["settings"], default_flow_style=None, sort_keys=False, width=WIDTH)
        lines = ["# vsm.yaml", *settings.splitlines(), "", *lines]
    lines.append("")
    for expect in example["expect"] if isinstance(example["expect"], list) else [example["expect"]]:
        question = dict(expect.get("asked", {}))
        if "window" in example:
            question = {"window": example["window"]} | question
        lines += [f"{asked(question)}:"] if question else []
        lines += [line for told in follows(expect) for line in _wrapped(told, "→ ")]
    return "\n".join(lines)


def _with_what(event: Example, events: list[Example]) -> Example:
    """What takes another event back says which, in words."""
    if "retract" not in event:
        return event
    return event | {"retract": happened(_with_what(events[event["retract"] - 1], events))}


def _wrapped(text: str, first: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    )
