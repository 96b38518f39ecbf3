"""The figures of a report, in words: now, before, beside another profile, and beside their limits."""

from collections.abc import Iterator, Sequence
from typing import Any

from otel_vsm.cli.lines import Row, paragraph, table
from otel_vsm.human import UNKNOWN, count, duration, rate, share

Answer = dict[str, Any]

NAMES = {
    "change_lead_time": "Change lead time",
    "deployment_frequency": "Deployment frequency",
    "change_fail_rate": "Change fail rate",
    "failed_deployment_recovery_time": "Recovery time",
    "deployment_rework_rate": "Deployment rework rate",
    "time_to_restore": "Time to restore",
    "time_to_detect": "Time to detect",
}
_MEANING = (
    "Lead time: first commit to running there. Failed: an incident, a rollback or a hotfix followed. Rework:"
    " only repaired an earlier one. Recovery: from there until users were well again. Restore, detect: from"
    " the start of an incident."
)
_MEASURED = {"change_lead_time": "change", "failed_deployment_recovery_time": "failure"}
_STATISTICS = {"p50": "medians", "mean": "means"}
_LIMITED = NAMES | {
    "cycle_time": "Cycle time",
    "pipeline": "Pipeline success",
    "tests": "Test pass rate",
    "ingest_delay": "Ingest delay",
}


def dora(figures: Answer, window: str) -> Iterator[str]:
    """The DORA figures beside those of the window before."""
    statistic, before = figures["statistic"], figures["previous"]
    rows = [
        (
            name,
            value(figures, figure, statistic),
            change(figures, before, figure, statistic),
            of(figures, figure),
        )
        for figure, name in NAMES.items()
    ]
    yield from table(("FIGURE", "VALUE", f"{window} BEFORE", "OF"), rows)
    yield ""
    yield from paragraph(f"Times are {_STATISTICS[statistic]}. {_MEANING}")


def beside(figures: Answer, other: Answer, because: dict[str, list[str]]) -> Iterator[str]:
    """The same by two profiles; `because` says by figure what makes the difference."""
    rows: list[Row] = [
        (
            name,
            value(figures, figure, figures["statistic"]),
            value(other, figure, other["statistic"]),
            _number(figures, figure),
            _number(other, figure),
        )
        for figure, name in NAMES.items()
    ]
    one, two = figures["profile"], other["profile"]
    yield from table(("FIGURE", one.upper(), two.upper(), f"OF ({one})", f"OF ({two})"), rows)
    for figure, reasons in because.items():
        yield ""
        yield from paragraph(f"{NAMES[figure]} differs by {'; '.join(reasons)}.")


def value(figures: Answer, figure: str, statistic: str) -> str:
    found = figures[figure]
    if "per_day" in found:
        return rate(found["per_day"]) if found["deployments"] else UNKNOWN
    return share(found["ratio"]) if "ratio" in found else duration(found[statistic])


def change(figures: Answer, before: Answer, figure: str, statistic: str) -> str:
    """What the figure was before, and how much more or less that makes it now."""
    key = next((name for name in ("per_day", "ratio") if name in figures[figure]), statistic)
    was, now = before[figure][key], figures[figure][key]
    told = value(before, figure, statistic)
    if was is None or now is None or told == UNKNOWN:
        return told
    if key == "ratio":
        points = round((now - was) * 100, 1)
        difference = f"{abs(points):g} points {'more' if points > 0 else 'less'}" if points else "the same"
    else:
        percent = round((now / was - 1) * 100) if was else None
        if percent is None:
            return told
        difference = f"{abs(percent)} % {'more' if percent > 0 else 'less'}" if percent else "the same"
    return f"{told}, now {difference}"


def of(figures: Answer, figure: str) -> str:
    """How much is behind a figure."""
    found = figures[figure]
    if "days_with_deployments" in found:
        if not found["deployments"]:
            return "0 deployments"
        return (
            f"{count(found['deployments'], 'deployment')} on {count(found['days_with_deployments'], 'day')}"
        )
    if "ratio" in found:
        part = found.get("failed", found.get("rework"))
        return f"{part} of {count(found['deployments'], 'deployment')}"
    number = count(found["count"], _MEASURED.get(figure, "incident"))
    return f"{number}; 9 in 10 in {duration(found['p90'])}" if found["count"] > 1 else number


def _number(figures: Answer, figure: str) -> str:
    return of(figures, figure).partition(";")[0].partition(" on ")[0]


def breaches(answers: Sequence[Answer]) -> Iterator[str]:
    """The limits of vsm.yaml that figures are beyond, a line each."""
    for answer in answers:
        for limit in answer.get("limits", ()):
            if limit["breached"]:
                write = share if limit["figure"] in ("change_fail_rate", "pipeline", "tests") else duration
                bound = "at least" if limit["at_least"] else "at most"
                yield (
                    f"Limit: {_LIMITED[limit['figure']].lower()} is {write(limit['value'])},"
                    f" and should be {bound} {write(limit['limit'])}"
                )
