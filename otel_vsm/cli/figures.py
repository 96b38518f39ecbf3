"""The DORA figures of a report, in words: now, before, beside another profile, and beside their limits."""

from collections.abc import Iterator, Sequence

from otel_vsm.cli.asking import Json
from otel_vsm.cli.lines import Row, paragraph, table
from otel_vsm.figures import FIGURES, Figure, Kind, of
from otel_vsm.human import UNKNOWN, behind, count, duration, number, starts, value

DORA = of("dora")
_MEANING = (
    "Lead time: {} to running there. Failed: an incident, a rollback or a hotfix followed. Rework:"
    " only repaired an earlier one. Recovery: from there until users were well again. Restore, detect: from"
    " the start of an incident."
)
_STATISTICS = {"p50": "medians", "mean": "means"}


def dora(figures: Json, window: str) -> Iterator[str]:
    """The DORA figures beside those of the window before."""
    yield from table(*dora_rows(figures, window))
    yield ""
    yield from paragraph(meaning(figures))


def dora_rows(figures: Json, window: str) -> tuple[Row, list[Row]]:
    """The same as the heads and rows of a table."""
    statistic, before = figures["statistic"], figures["previous"]
    rows: list[Row] = [
        (
            figure.title,
            value(figure, figures[figure.name], statistic),
            change(figure, figures[figure.name], before[figure.name], statistic),
            counted(figure, figures[figure.name], _whole(figure, figures)),
        )
        for figure in DORA
    ]
    return ("FIGURE", "VALUE", f"{window} BEFORE".lstrip(), "OF"), rows


def meaning(figures: Json) -> str:
    """What the words of the table mean."""
    return f"Times are {_STATISTICS[figures['statistic']]}. " + _MEANING.format(
        starts(figures["change_lead_time"])
    )


def beside(figures: Json, other: Json, because: dict[str, list[str]]) -> Iterator[str]:
    """The same by two profiles; `because` says by figure what makes the difference."""
    rows: list[Row] = [
        (
            figure.title,
            value(figure, figures[figure.name], figures["statistic"]),
            value(figure, other[figure.name], other["statistic"]),
            _number(figure, figures),
            _number(figure, other),
        )
        for figure in DORA
    ]
    one, two = figures["profile"], other["profile"]
    yield from table(("FIGURE", one.upper(), two.upper(), f"OF ({one})", f"OF ({two})"), rows)
    counted_from = {
        name: starts(answer["change_lead_time"]) for name, answer in ((one, figures), (two, other))
    }
    if set(counted_from.values()) != {starts({})}:
        yield ""
        yield from paragraph(
            f"Lead time is from {'; '.join(f'{words} ({name})' for name, words in counted_from.items())}."
        )
    for name, reasons in because.items():
        yield ""
        yield from paragraph(f"{FIGURES[name].title} differs by {'; '.join(reasons)}.")


def change(figure: Figure, now: Json, before: Json, statistic: str) -> str:
    """What the figure was before, and how much more or less that makes it now."""
    was, current = figure.number(before, statistic), figure.number(now, statistic)
    written = value(figure, before, statistic)
    if was is None or current is None or written == UNKNOWN:
        return written
    if figure.kind is Kind.SHARE:
        points = round((current - was) * 100, 1)
        difference = f"{abs(points):g} points {'more' if points > 0 else 'less'}" if points else "the same"
    else:
        percent = round((current / was - 1) * 100) if was else None
        if percent is None:
            return written
        difference = f"{abs(percent)} % {'more' if percent > 0 else 'less'}" if percent else "the same"
    return f"{written}, now {difference}"


def counted(figure: Figure, value: Json, of: int = 0) -> str:
    """How much is behind a figure, `of` how much where there is more, and of a distribution how far it
    spreads."""
    whole = _behind(figure, value, of)
    is_spread = figure.kind is Kind.DURATION and figure.count(value) > 1
    return f"{whole}; 9 in 10 in {duration(value['p90'])}" if is_spread else whole


def _whole(figure: Figure, figures: Json) -> int:
    """How many failures there were to recover from; of another figure 0."""
    is_recovery = figure.name == "failed_deployment_recovery_time"
    return int(figures["change_fail_rate"]["failed"]) if is_recovery else 0


def _number(figure: Figure, figures: Json) -> str:
    return _behind(figure, figures[figure.name], _whole(figure, figures)).partition(" on ")[0]


def _behind(figure: Figure, value: Json, of: int) -> str:
    number = figure.count(value)
    return f"{number} of {count(of, figure.noun)}" if of > number else behind(figure, value)


def breaches(answers: Sequence[Json]) -> Iterator[str]:
    """The limits of vsm.yaml that figures are beyond, a line each."""
    for answer in answers:
        for limit in answer.get("limits", ()):
            if limit["breached"]:
                figure = FIGURES[limit["figure"]]
                bound = "at least" if limit["at_least"] else "at most"
                yield (
                    f"Limit: {figure.title.lower()} is {number(figure, limit['value'])},"
                    f" and should be {bound} {number(figure, limit['limit'])}"
                )
