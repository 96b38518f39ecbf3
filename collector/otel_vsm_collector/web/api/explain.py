"""What is behind a figure, and where two profiles differ about it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures import registry
from otel_vsm_collector.figures.computed import OF_VALUES
from otel_vsm_collector.figures.explain.compare import differences, tally
from otel_vsm_collector.figures.explain.counts import counts
from otel_vsm_collector.figures.explain.page import Which, page
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind
from otel_vsm_collector.figures.groups import parts_of
from otel_vsm_collector.figures.measurement.left_out import left_out
from otel_vsm_collector.web.api import explain_models as models
from otel_vsm_collector.web.api.pagination import Paging, Position
from otel_vsm_collector.web.api.parameters import Filters, Name, notices
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["explanations"], responses=REFUSED, dependencies=[Depends(once)])


class Explained(Filters):
    figure: registry.ExplainedName = Field(description="As it is called in the answer that shows it.")
    rows: Which = Field("all", description="part: of a share, those above the line.")


class ExplainQuery(Explained, Paging):
    pass


@router.get("/explain")
def explain(reader: Reader, query: Annotated[ExplainQuery, Query()]) -> models.Explanation:
    """The rows behind a figure and by which method each was found, with what was left out and why."""
    selection, last = query.selection(reader), query.position()
    counted = counts(reader, query.figure, selection)
    tallies = {which: _tally([row for row in counted if row["counted"] is which]) for which in (True, False)}
    rows = page(
        reader,
        query.figure,
        selection,
        which=query.rows,
        limit=query.limit + 1,
        after=None if last is None else (last.at_ns, last.id),
    )
    shown = rows[: query.limit]
    return models.Explanation.model_validate(
        {
            "figure": query.figure,
            **query.context(reader, selection),
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            "value": _value(reader, query.figure, selection),
            "settings": _settings(query.figure, selection.profile),
            "counted": tallies[True],
            "left_out": tallies[False],
            "reasons": {
                reason: Reason(reason).sentence
                for reason in sorted({*tallies[True]["by_reason"], *tallies[False]["by_reason"]})
            },
            "spans_left_out": left_out(reader, selection),
            "items": [_row(row) for row in shown],
            "next_cursor": _next(selection, shown) if len(rows) > len(shown) else None,
        }
    )


class CompareQuery(Paging):
    figure: registry.ExplainedName = Field(description="As it is called in the answer that shows it.")
    with_: Name = Field(alias="with", description="The other profile.")


@router.get("/compare")
def compare(reader: Reader, query: Annotated[CompareQuery, Query()]) -> models.Comparison:
    """A figure by two profiles: the settings that differ, and what counts otherwise because of which."""
    selection, last = query.selection(reader), query.position()
    other = replace(selection, facts=query.facts(reader, query.with_, parameter="with"))
    ours, theirs = (one.profile.model_dump(mode="json") for one in (selection, other))
    names = {name: None for one in (selection, other) for name in _settings(query.figure, one.profile)}
    differing = [name for name in names if ours[name] != theirs[name]]
    alone = {
        name: replace(selection, facts=reader.facts.by(_with(selection.profile, other.profile, name)))
        for name in differing
        if name not in OF_VALUES
    }
    sides = (selection, other, alone)
    tallied = tally(reader, query.figure, *sides)
    after = None if last is None else (last.at_ns, last.id)
    rows = differences(reader, query.figure, *sides, limit=query.limit + 1, after=after)
    shown = rows[: query.limit]
    profiles = (query.profile or reader.facts.declared.profile, query.with_)
    values = [_value(reader, query.figure, one) for one in (selection, other)]
    return models.Comparison.model_validate(
        {
            "figure": query.figure,
            "notices": notices(reader, selection),
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            **{
                side: {"name": name, "value": value}
                for side, name, value in zip(("profile", "with"), profiles, values, strict=True)
            },
            "settings": [
                {
                    "name": name,
                    "profile": ours[name],
                    "with": theirs[name],
                    "rows": tallied["by_setting"].get(name),
                }
                for name in differing
            ],
            "rows": tallied["rows"],
            "several_together": tallied["several_together"],
            "items": [
                {
                    "kind": row["kind"],
                    "id": row["name"],
                    "at": row["at"],
                    "profile": _counted(row, "ours"),
                    "with": _counted(row, "theirs"),
                    "settings": row["settings"],
                }
                for row in shown
            ],
            "next_cursor": _next(selection, shown) if len(rows) > len(shown) else None,
        }
    )


def _next(selection: Selection, shown: Sequence[Mapping[str, Any]]) -> str:
    """The cursor of the page after the one that is shown."""
    return Position(selection.from_ns, selection.to_ns, shown[-1]["at"], shown[-1]["id"]).written()


def _value(reader: Reader, figure: str, selection: Selection) -> Any:
    """The figure, as the API shows it among the others."""
    return registry.value(figure, parts_of(reader, selection))


def _settings(figure: str, profile: Profile) -> dict[str, Any]:
    """The settings of a profile that a figure depends on, as they would be written."""
    written = profile.model_dump(mode="json")
    return {name: written[name] for name in registry.EXPLAINED[figure].settings_of(profile)}


def _with(profile: Profile, other: Profile, setting: str) -> Profile:
    return profile.model_copy(update={setting: getattr(other, setting)})


def _counted(row: dict[str, Any], side: str) -> dict[str, Any]:
    share = [name for name in ("part", "whole") if row[f"{side}_{name}"]]
    return {
        "counted_as": share or (["value"] if row[f"{side}_rows"] else []),
        "value": row[f"{side}_value"],
    }


def _tally(counts: list[dict[str, Any]]) -> dict[str, Any]:
    rows: dict[str, Any] = {"rows": sum(row["rows"] for row in counts)}
    for by in ("method", "reason"):
        number: Counter[str] = Counter()
        for row in counts:
            if row[by] is not None:
                number[row[by]] += row["rows"]
        rows[f"by_{by}"] = dict(sorted(number.items()))
    return rows


def _row(row: dict[str, Any]) -> dict[str, Any]:
    share = [name for name in ("part", "whole") if row[name]]
    same = ("kind", "at", "value", "of_s", "stage", "pipeline_run", "method", "reason")
    return {
        **{name: row[name] for name in same},
        "id": row["name"],
        "counted_as": share or (["value"] if row["counted"] else []),
        **{name: row[name] for name in Kind if name in row},
    }
