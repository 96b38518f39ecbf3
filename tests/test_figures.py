"""The catalogue of figures: what it says of each, and what stands for a value."""

import ast
from collections.abc import Callable
from typing import Any

import pytest

from otel_vsm.figures import EXPLAINED, FIGURES, MEASURES, of


def test_it_is_read_with_the_standard_library_alone(run_python: Callable[..., Any]) -> None:
    done = run_python(
        "import sys\n"
        "bare = set(sys.modules)\n"
        "import otel_vsm.figures, otel_vsm.human\n"
        "print({name.partition('.')[0] for name in set(sys.modules) - bare} - sys.stdlib_module_names)"
    )
    assert ast.literal_eval(done.stdout) == {"otel_vsm"}


def test_every_figure_is_in_one_answer_of_the_api() -> None:
    answered = [figure.name for group in ("dora", "flow", "measurement") for figure in of(group)]
    assert sorted(answered) == sorted(FIGURES)


def test_what_explains_and_what_measures_a_value_stream_is_in_the_order_of_the_answers() -> None:
    assert [figure.name for figure in EXPLAINED][:2] == ["change_lead_time", "deployment_frequency"]
    assert "ingest_delay" not in {figure.name for figure in EXPLAINED}
    assert "throughput_per_day" in {figure.name for figure in MEASURES}


def test_the_share_of_what_went_wrong_is_a_loss_and_that_of_what_went_well_is_none() -> None:
    losses = {name for name, figure in FIGURES.items() if figure.is_loss}
    assert losses == {"change_fail_rate", "deployment_rework_rate", "rework", "rollback"}


def test_a_limit_is_a_least_where_more_is_better() -> None:
    least = {name for name, figure in FIGURES.items() if figure.limit and figure.at_least}
    assert least == {"pipeline", "tests"}


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("change_lead_time", "s"),
        ("change_fail_rate", "1"),
        ("throughput_per_day", "{change}/d"),
        ("wip", "{change}"),
    ],
)
def test_a_unit_follows_from_what_is_counted(name: str, unit: str) -> None:
    assert FIGURES[name].unit == unit


@pytest.mark.parametrize(
    ("name", "value", "number", "count"),
    [
        ("change_lead_time", {"count": 3, "p50": 60.0, "mean": 90.0}, 90.0, 3),
        ("change_lead_time", {"count": 0, "p50": None, "mean": None}, None, 0),
        ("change_fail_rate", {"failed": 1, "deployments": 4, "ratio": 0.25}, 0.25, 4),
        ("flow_efficiency", None, None, 0),
        ("deployment_frequency", {"deployments": 60, "days_with_deployments": 9, "per_day": 2.0}, 2.0, 60),
        ("throughput_per_day", 1.5, 1.5, 0),
        ("wip", 4, 4, 0),
        ("handoffs", {"count": 3, "pairs": []}, 3, 3),
        ("approvals", [{"breaches": 2}, {"breaches": 1}], 3, 0),
    ],
)
def test_one_number_stands_for_a_value(name: str, value: Any, number: float | None, count: int) -> None:
    assert FIGURES[name].number(value, "mean") == number
    assert FIGURES[name].count(value) == count
