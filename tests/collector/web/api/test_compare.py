"""/api/v1/compare: a figure by two profiles, and what makes the difference."""

import pytest

from handmade.facts import FactStore
from handmade.web import Web

DAY = 86400 * 10**9
MAY_1 = 1777593600 * 10**9
SHOP = {"service": "shop", "environment": "production"}
IN_MAY = "from=2026-05-01&to=2026-06-01"


@pytest.fixture
def deployed(facts: FactStore) -> FactStore:
    """Two deployments, of which the first was rolled back."""
    for number in (1, 2):
        finished = {"started_at": MAY_1, "finished_at": MAY_1 + number * DAY}
        facts.insert(
            "deployment_report", **SHOP, **finished, id=f"d{number}", result="success", kind="rollout"
        )
        facts.insert("deployment_order", **SHOP, id=f"d{number}", before=number - 1, number=number)
        facts.insert(
            "deployment", **SHOP, **finished, id=f"d{number}", result="success", failed=number == 1,
            failure_method="rollback" if number == 1 else None, rework=number == 2,
        )  # fmt: skip
    facts.insert(
        "evidence", deployment_id="d1", method="rollback", source_kind="deployment", source_id="d2", at=MAY_1
    )
    return facts


def test_both_values_and_the_setting_that_makes_the_difference(web: Web, deployed: FactStore) -> None:
    found = web.get(f"/api/v1/compare?figure=change_fail_rate&with=middleware&{IN_MAY}").json
    assert (found["profile"]["name"], found["profile"]["value"]["ratio"]) == ("dora", 0.5)
    assert (found["with"]["name"], found["with"]["value"]["ratio"]) == ("middleware", 0)
    settings = {setting["name"]: setting for setting in found["settings"]}
    assert settings["failure_methods"]["with"] == ["incident_link", "incident_window"]
    assert {name: setting["rows"] for name, setting in settings.items()} == {
        "failure_methods": 1,
        "incident_window_s": 0,
    }
    assert (found["rows"], found["several_together"], found["next_cursor"]) == (1, 0, None)
    assert found["items"] == [
        {
            "kind": "deployment",
            "id": "d1",
            "at": "2026-05-02T00:00:00Z",
            "profile": {"counted_as": ["part", "whole"], "value": None},
            "with": {"counted_as": ["whole"], "value": None},
            "settings": ["failure_methods"],
        }
    ]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("figure=change_lead_time", "with"),
        ("figure=change_lead_time&with=devlak", "with"),
        ("with=devlake&figure=nothing", "figure"),
        ("with=devlake&figure=change_lead_time&profile=other", "profile"),
    ],
)
def test_what_is_not_known_is_refused(web: Web, query: str, parameter: str) -> None:
    found = web.get(f"/api/v1/compare?{query}")
    assert found.status == 422
    assert found.json["errors"][0]["parameter"] == parameter
