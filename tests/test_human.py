"""Figures as people write them."""

import pytest

from otel_vsm import human
from otel_vsm.figures import FIGURES


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.012, "12 ms"),
        (0.42, "420 ms"),
        (0.9996, "1 s"),
        (1.44, "1.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (42, "42 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (420.5, "7 min"),
        (601, "10 min"),
        (3_570, "1 h"),
        (9_000, "2 h 30 min"),
        (43_000, "12 h"),
        (86_399, "1 d"),
        (187_200, "2 d 4 h"),
        (520_000, "6 d"),
        (86_400 * 45.4, "45 d"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float | None, written: str) -> None:
    assert human.duration(seconds) == written


@pytest.mark.parametrize(
    ("ratio", "written"), [(None, "–"), (0, "0 %"), (1, "100 %"), (3 / 42, "7.1 %"), (0.875, "87.5 %")]
)
def test_a_share_is_in_percent(ratio: float | None, written: str) -> None:
    assert human.share(ratio) == written


@pytest.mark.parametrize(
    ("per_day", "written"),
    [
        (12, "12 per day"),
        (1.4, "1.4 per day"),
        (0.5, "3.5 per week"),
        (0.1, "3 per month"),
        (0.01, "0.3 per month"),
    ],
)
def test_a_rate_is_of_the_period_in_which_it_happens(per_day: float, written: str) -> None:
    assert human.rate(per_day) == written


def test_a_count_has_its_noun_in_the_right_number() -> None:
    assert human.count(0, "change") == "0 changes"
    assert human.count(1, "change") == "1 change"
    assert human.count(12_345, "change") == "12 345 changes"


NOTHING = {"deployments": 0, "days_with_deployments": 0, "per_day": 0.0}


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("change_lead_time", {"p50": 187_200.0}, "2 d 4 h"),
        ("change_lead_time", {"p50": None}, "–"),
        ("change_fail_rate", {"ratio": 3 / 42}, "7.1 %"),
        ("deployment_frequency", {"deployments": 42, "per_day": 1.4}, "1.4 per day"),
        ("deployment_frequency", NOTHING, "–"),
        ("throughput_per_day", 0.0, "0 per month"),
        ("wip", 1, "1 change"),
        ("handoffs", {"count": 3}, "3"),
        ("approvals", [{"breaches": 2}], "2"),
    ],
)
def test_a_figure_is_written_as_its_kind_is(name: str, value: object, written: str) -> None:
    assert human.value(FIGURES[name], value, "p50") == written


@pytest.mark.parametrize(
    ("name", "value", "behind", "beside"),
    [
        (
            "change_lead_time",
            {"count": 1},
            "1 change",
            "median from first commit to production, of 1 change",
        ),
        (
            "deployment_rework_rate",
            {"rework": 2, "deployments": 42},
            "2 of 42 deployments",
            "2 of 42 deployments only repaired an earlier one",
        ),
        (
            "deployment_frequency",
            {"deployments": 42, "days_with_deployments": 20},
            "42 deployments on 20 days",
            "42 successful deployments on 20 days",
        ),
        ("deployment_frequency", NOTHING, "0 deployments", "0 successful deployments"),
    ],
)
def test_a_figure_says_how_much_is_behind_it(name: str, value: object, behind: str, beside: str) -> None:
    assert human.behind(FIGURES[name], value) == behind
    assert human.beside(FIGURES[name], value) == beside
