"""A month of the calendar as a window."""

import time
from datetime import UTC, datetime, timedelta

from handmade.web import Web


def test_a_month_begins_and_ends_in_the_time_zone_that_is_asked_for(web: Web) -> None:
    window = web.get("/api/v1/dora?window=2026-03&time_zone=Europe/Berlin").json["window"]
    assert window == {"from": "2026-02-28T23:00:00Z", "to": "2026-03-31T22:00:00Z"}


def test_the_month_that_goes_on_ends_now(web: Web) -> None:
    now = datetime.now(UTC)
    window = web.get(f"/api/v1/dora?window={now:%Y-%m}").json["window"]
    assert window["from"] == f"{now:%Y-%m}-01T00:00:00Z"
    assert datetime.fromisoformat(window["to"]).timestamp() <= time.time()


def test_a_month_that_has_not_begun_is_refused(web: Web) -> None:
    later = datetime.now(UTC) + timedelta(days=40)
    answer = web.get(f"/api/v1/dora?window={later:%Y-%m}")
    assert answer.status == 422
    assert "has not begun" in answer.json["detail"]


def test_before_the_epoch_there_is_no_window_and_nothing_in_it(web: Web) -> None:
    dora = web.get("/api/v1/dora?window=36500d").json
    assert dora["window"]["from"] == dora["previous"]["window"]["to"] == "1970-01-01T00:00:00Z"
    assert dora["previous"]["deployment_frequency"]["per_day"] == 0


def test_what_is_no_month_is_no_window(web: Web) -> None:
    for text in ("2026-13", "2026-5", "0001-01"):
        assert "is no length of time" in web.get(f"/api/v1/dora?window={text}").json["detail"]
