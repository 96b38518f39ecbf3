"""Every figure of the catalogue is computed, and what is computed holds together."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from otel_vsm import figures as catalogue
from otel_vsm.semconv import metrics
from otel_vsm_collector.declared.profiles import BUILT_IN, Profile
from otel_vsm_collector.declared.sections import Limits
from otel_vsm_collector.facts.reader import Reader, Row
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Computed
from otel_vsm_collector.figures.groups import dora, dora_over, flow, parts_of
from otel_vsm_collector.figures.limits import limits
from otel_vsm_collector.figures.registry import EXPLAINED, FAMILIES, FIGURES, value
from scenarios import product
from scenarios.offsets import moment_ns
from scenarios.question import Question
from scenarios.world import World

LIMITED = [figure for figure in catalogue.FIGURES.values() if figure.limit]
EVER = Question(from_ns=moment_ns("-1000d"), to_ns=moment_ns("1000d"))


class Counting:
    """A reader that counts what it is asked."""

    def __init__(self, reader: Reader) -> None:
        self.facts, self.questions = reader.facts, 0
        self._reader = reader

    def answer(self, question: Any, selection: Selection, *shape: Any, **values: Any) -> list[Row]:
        self.questions += 1
        return self._reader.answer(question, selection, *shape, **values)


@pytest.fixture(scope="module")
def reader(everything: World) -> Reader:
    return product.reader(product.facts({}), everything)


def asked(reader: Reader, profile: str = "dora") -> Selection:
    return product.selection(EVER, reader.facts.named(profile))


def test_every_figure_is_computed_in_one_family() -> None:
    computed = [one.figure.name for family in FAMILIES for one in family.figures]
    assert sorted(computed) == sorted(catalogue.FIGURES)
    assert list(FIGURES) == list(catalogue.FIGURES)


def test_what_can_be_explained_has_rows_and_nothing_else_has() -> None:
    assert {name for name, one in FIGURES.items() if one.explained} == set(EXPLAINED)
    with pytest.raises(LookupError, match="nothing explains tests"):
        FIGURES["tests"].rows(Selection(from_ns=0, to_ns=1))


@pytest.mark.parametrize("profile", BUILT_IN)
def test_a_figure_depends_on_settings_that_profiles_have(profile: str) -> None:
    for computed in FIGURES.values():
        names = computed.settings_of(BUILT_IN[profile])
        assert set(names) <= Profile.model_fields.keys()
        assert len(set(names)) == len(names)


def test_a_metric_has_the_unit_of_its_figure() -> None:
    with pytest.raises(ValueError, match="flow"):
        Computed(
            figure=catalogue.FIGURES["flow_time"], value=lambda *_: None, metric=metrics.VSM_FLOW_THROUGHPUT
        )
    shown = {one.metric.name for one in FIGURES.values() if one.metric}
    assert {"vsm.dora.change_lead_time", "vsm.flow.throughput", "vsm.collector.ingest.delay"} <= shown


@pytest.mark.parametrize(
    ("name", "profile", "questions"),
    [
        ("change_lead_time", "dora", 1),
        ("change_fail_rate", "dora", 1),
        ("change_fail_rate", "gitlab", 2),
        ("change_fail_rate", "pelorus", 3),
        ("flow_efficiency", "dora", 1),
        ("approvals", "dora", 1),
    ],
)
def test_one_figure_asks_no_more_than_it_is_made_of(
    reader: Reader, name: str, profile: str, questions: int
) -> None:
    counting, selection = Counting(reader), asked(reader, profile)
    alone = value(name, parts_of(counting, selection))
    assert counting.questions == questions
    assert alone == (dora(reader, selection) | flow(reader, selection))[name]


def test_a_group_asks_each_family_once(reader: Reader) -> None:
    for group, families in ((dora, 4), (flow, 8)):
        counting = Counting(reader)
        group(counting, asked(reader))
        assert counting.questions == families


def test_limits_are_those_of_the_catalogue() -> None:
    keys = {figure.limit.key for figure in catalogue.FIGURES.values() if figure.limit}
    assert keys < Limits.model_fields.keys()
    others = {"approval_wait", "unfinished_after", "change_age", "unlinked", "lag"}
    assert Limits.model_fields.keys() - keys == others


@pytest.mark.parametrize(
    ("pass_rate", "lead_time_s", "breached"),
    [(0.97, 7 * 86400 + 1, True), (0.98, 7 * 86400, False), (None, None, False)],
)
def test_a_limit_is_breached_from_beyond_it_on(
    pass_rate: float | None, lead_time_s: float | None, breached: bool
) -> None:
    selection = Selection(from_ns=0, to_ns=1)
    values: dict[str, Any] = {figure.name: {"p50": None, "ratio": None} for figure in LIMITED}
    values |= {"tests": {"ratio": pass_rate}, "change_lead_time": {"p50": lead_time_s}}
    by_figure = {
        limit["figure"]: limit["breached"]
        for group in ("dora", "flow", "measurement")
        for limit in limits(group, values, selection)
    }
    assert (by_figure["tests"], by_figure["change_lead_time"]) == (breached, breached)
    assert set(by_figure) == {figure.name for figure in LIMITED}


def test_edges_tell_windows_apart_that_are_each_as_if_asked_alone(reader: Reader) -> None:
    edges = [moment_ns(at) for at in ("-1000d", "3h", "5h", "1000d")]
    selection = asked(reader)
    alone = [dora(reader, replace(selection, from_ns=start, to_ns=end)) for start, end in pairwise(edges)]
    assert dora_over(reader, selection, edges) == alone
