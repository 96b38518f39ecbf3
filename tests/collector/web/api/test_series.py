"""/api/v1/dora/series: days, weeks and months as a time zone has them, each beside the one before."""

from typing import Any

import pytest

from handmade.facts import FactStore
from handmade.web import Web

HOUR, DAY = 3600 * 10**9, 86400 * 10**9
MAY_1 = 1777593600 * 10**9
"""A Friday."""


@pytest.fixture
def deployed(facts: FactStore) -> FactStore:
    """Deployments as the 1st of May begins, in the last hour of the 3rd, and as the 4th begins (UTC)."""
    for number, hour in enumerate((0, 71, 72)):
        facts.insert(
            "deployment", id=f"d{number}", service="shop", environment="production", result="success",
            finished_at=MAY_1 + hour * HOUR, failed=number == 2, rework=False,
        )  # fmt: skip
    return facts


def deployments(items: list[Any]) -> list[int]:
    return [item["deployment_frequency"]["deployments"] for item in items]


def test_weeks_begin_on_monday_and_are_whole(web: Web, deployed: FactStore) -> None:
    found = web.get("/api/v1/dora/series?step=week&from=2026-05-02&to=2026-05-05").json
    assert (found["profile"], found["step"], found["time_zone"]) == ("dora", "week", "UTC")
    assert [item["window"] for item in found["items"]] == [
        {"from": "2026-04-27T00:00:00Z", "to": "2026-05-04T00:00:00Z"},
        {"from": "2026-05-04T00:00:00Z", "to": "2026-05-11T00:00:00Z"},
    ]
    assert deployments(found["items"]) == [2, 1]
    assert [item["change_fail_rate"]["ratio"] for item in found["items"]] == [0, 1]


def test_each_step_has_the_one_before_beside_it(web: Web, deployed: FactStore) -> None:
    first, second, third = web.get("/api/v1/dora/series?step=day&from=2026-05-02&to=2026-05-05").json["items"]
    assert deployments([first["previous"], first, second, third]) == [1, 0, 1, 1]
    assert first["previous"]["window"] == {"from": "2026-05-01T00:00:00Z", "to": "2026-05-02T00:00:00Z"}
    assert second["previous"] == {name: first[name] for name in second["previous"]}
    assert third["previous"] == {name: second[name] for name in third["previous"]}


def test_a_date_is_midnight_where_the_question_comes_from(web: Web, deployed: FactStore) -> None:
    zoned = "step=day&from=2026-05-01&to=2026-05-04&time_zone=Europe/Berlin"
    found = web.get(f"/api/v1/dora/series?{zoned}").json
    assert found["items"][0]["window"] == {"from": "2026-04-30T22:00:00Z", "to": "2026-05-01T22:00:00Z"}
    assert deployments(found["items"]) == [1, 0, 0]
    same = web.get("/api/v1/dora?from=2026-05-01&to=2026-05-04&time_zone=Europe/Berlin").json
    assert same["window"] == {"from": "2026-04-30T22:00:00Z", "to": "2026-05-03T22:00:00Z"}


def test_a_step_is_what_is_answered_for_its_window_alone(web: Web, deployed: FactStore) -> None:
    found = web.get("/api/v1/dora/series?step=month&from=2026-05-01&to=2026-05-02").json["items"][0]
    alone = web.get("/api/v1/dora?from=2026-05-01&to=2026-06-01").json
    del found["previous"]
    assert found == {name: alone[name] for name in found}


def test_a_series_of_a_year_is_answered_and_a_longer_one_refused(web: Web, deployed: FactStore) -> None:
    whole = web.get("/api/v1/dora/series?step=day&from=2025-05-04&to=2026-06-08").json["items"]
    assert len(whole) == 400
    assert sum(deployments(whole)) == 3
    found = web.get("/api/v1/dora/series?step=day&from=2025-05-03&to=2026-06-08")
    assert found.status == 422
    assert found.json["detail"] == "step: would be more than 400 in this window; take longer ones"


@pytest.mark.parametrize("step", ["year", "DAY"])
def test_an_unknown_step_is_refused_with_those_that_are_known(web: Web, step: str) -> None:
    found = web.get(f"/api/v1/dora/series?step={step}")
    assert found.status == 422
    assert "'day', 'week' or 'month'" in found.json["detail"]


@pytest.mark.parametrize(
    ("query", "begin"),
    [
        # Clocks are put back in the night after the 25th of October 2025.
        ("from=2025-10-26&to=2025-10-27&time_zone=Europe/Berlin", "2025-10-24T22:00:00Z"),
        ("from=2025-10-27&to=2025-10-28&time_zone=Europe/Berlin", "2025-10-25T22:00:00Z"),
        ("from=2025-10-27&to=2025-10-29&time_zone=Europe/Berlin", "2025-10-24T22:00:00Z"),
        ("from=2025-10-26&to=2025-10-27", "2025-10-25T00:00:00Z"),
        # Not of whole days.
        ("from=2025-10-27T12:00:00Z&to=2025-10-28T12:00:00Z&time_zone=Europe/Berlin", "2025-10-26T12:00:00Z"),
    ],
)
def test_before_a_window_of_whole_days_are_as_many_whole_days(web: Web, query: str, begin: str) -> None:
    found = web.get(f"/api/v1/dora?{query}").json
    assert found["previous"]["window"] == {"from": begin, "to": found["window"]["from"]}


def test_a_day_alone_and_in_a_series_have_the_same_day_before(web: Web) -> None:
    query = "from=2025-10-26&to=2025-10-27&time_zone=Europe/Berlin"
    [day] = web.get(f"/api/v1/dora/series?step=day&{query}").json["items"]
    assert day["previous"]["window"] == web.get(f"/api/v1/dora?{query}").json["previous"]["window"]
