"""What is behind a figure, and where two profiles differ about it."""

from collections import Counter
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.figures.explain import compare as differences
from otel_vsm_collector.figures.explain import figures
from otel_vsm_collector.figures.explain.page import Which, page
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind
from otel_vsm_collector.web.api import explain_models as models
from otel_vsm_collector.web.api.pagination import Paging, Place
from otel_vsm_collector.web.api.parameters import Name, known_by
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["explanations"], responses=REFUSED, dependencies=[Depends(once)])


class Asked(Paging):
    figure: figures.Figure = Field(description="As it is called in the answer that shows it.")
    rows: Which = Field("all", description="part: of a share, those above the line.")


@router.get("/explain")
def explain(reader: Reader, asked: Annotated[Asked, Query()]) -> models.Explanation:
    """The rows behind a figure and by which method each was found, with what was left out and why."""
    selection, place = asked.selection(reader), asked.place()
    counts = figures.counts(reader, asked.figure, selection)
    tallies = {
        counted: _tally([row for row in counts if row["counted"] is counted]) for counted in (True, False)
    }
    rows = page(
        reader,
        asked.figure,
        selection,
        which=asked.rows,
        limit=asked.limit + 1,
        after=None if place is None else (place.at_ns, place.id),
    )
    shown = rows[: asked.limit]
    last = Place(selection.from_ns, selection.to_ns, shown[-1]["at"], shown[-1]["id"]) if shown else None
    return models.Explanation.model_validate(
        {
            "figure": asked.figure,
            "profile": asked.profile or reader.facts.declared.profile,
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            "value": figures.value(reader, asked.figure, selection),
            "settings": figures.settings(asked.figure, selection.profile),
            "counted": tallies[True],
            "left_out": tallies[False],
            "reasons": {
                reason: Reason(reason).sentence
                for reason in sorted({*tallies[True]["by_reason"], *tallies[False]["by_reason"]})
            },
            "items": [_row(row) for row in shown],
            "next_cursor": last.written() if last and len(rows) > len(shown) else None,
        }
    )


class Compared(Paging):
    figure: figures.Figure = Field(description="As it is called in the answer that shows it.")
    with_: Name = Field(alias="with", description="The other profile.")


@router.get("/compare")
def compare(reader: Reader, asked: Annotated[Compared, Query()]) -> models.Comparison:
    """A figure by two profiles: the settings that differ, and what counts otherwise because of which."""
    selection, place = asked.selection(reader), asked.place()
    other = replace(selection, facts=known_by(reader, asked.with_, parameter="with"))
    told = [one.profile.model_dump(mode="json") for one in (selection, other)]
    names = {name: None for one in (selection, other) for name in figures.settings(asked.figure, one.profile)}
    differing = [name for name in names if told[0][name] != told[1][name]]
    alone = {
        name: replace(selection, facts=reader.facts.by(_with(selection.profile, other.profile, name)))
        for name in differing
        if name not in figures.OF_VALUES
    }
    sides = (selection, other, alone)
    tallied = differences.tally(reader, asked.figure, *sides)
    after = None if place is None else (place.at_ns, place.id)
    rows = differences.differences(reader, asked.figure, *sides, limit=asked.limit + 1, after=after)
    shown = rows[: asked.limit]
    last = Place(selection.from_ns, selection.to_ns, shown[-1]["at"], shown[-1]["id"]) if shown else None
    profiles = (asked.profile or reader.facts.declared.profile, asked.with_)
    values = [figures.value(reader, asked.figure, one) for one in (selection, other)]
    return models.Comparison.model_validate(
        {
            "figure": asked.figure,
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            **{
                side: {"name": name, "value": value}
                for side, name, value in zip(("profile", "with"), profiles, values, strict=True)
            },
            "settings": [
                {
                    "name": name,
                    "profile": told[0][name],
                    "with": told[1][name],
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
            "next_cursor": last.written() if last and len(rows) > len(shown) else None,
        }
    )


def _with(profile: Profile, other: Profile, setting: str) -> Profile:
    return profile.model_copy(update={setting: getattr(other, setting)})


def _counted(row: dict[str, Any], side: str) -> dict[str, Any]:
    share = [name for name in ("part", "whole") if row[f"{side}_{name}"]]
    return {
        "counted_as": share or (["value"] if row[f"{side}_rows"] else []),
        "value": row[f"{side}_value"],
    }


def _tally(counts: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"rows": sum(row["rows"] for row in counts)}
    for by in ("method", "reason"):
        tally: Counter[str] = Counter()
        for row in counts:
            if row[by] is not None:
                tally[row[by]] += row["rows"]
        found[f"by_{by}"] = dict(sorted(tally.items()))
    return found


def _row(row: dict[str, Any]) -> dict[str, Any]:
    share = [name for name in ("part", "whole") if row[name]]
    same = ("kind", "at", "value", "of_s", "stage", "revision", "method", "reason")
    return {
        **{name: row[name] for name in same},
        "id": row["name"],
        "counted_as": share or (["value"] if row["counted"] else []),
        **{name: row[name] for name in Kind if name in row},
    }
