"""The page for people: its figures, and where to read on."""

import time

from handmade.facts import FactStore
from handmade.web import Web, served

HOUR = 3600 * 10**9


def test_the_page_shows_the_figures_and_where_to_read_on(web: Web, facts: FactStore) -> None:
    now = time.time_ns()
    where = {"service": "shop", "environment": "production"}
    facts.insert("change", id="r#1", repository="r", first_seen_at=now - 5 * HOUR)
    facts.insert("delivery", **where, change_id="r#1", deployment_id="d/1", delivered_at=now - HOUR,
                 deploy_started_at=now - HOUR, lead_time_s=4 * 3600.0)  # fmt: skip
    facts.insert(
        "deployment", **where, id="d/1", revision="9f2c1d7e" + "0" * 32, result="success",
        started_at=now - HOUR, finished_at=now - HOUR, failed=True, failure_method="rollback",
        recovered_at=now - HOUR // 2, recovery_method="rollback", replaced_runs=0,
        backfilled=False,
    )  # fmt: skip
    page = web.get("/")
    assert page.status == 200
    text = page.body.decode()
    assert "4 h" in text
    assert "median from first commit to production, of 1 change<" in text
    assert "100 %" in text
    assert "9f2c1d7e<" in text
    assert "recovered after 30 min" in text
    assert '<a href="change?id=r%231" title="r#1">r#1</a>' in text
    assert 'href="deployment?id=d%2F1"' in text
    for target in ("figure?figure=change_lead_time", "map", "openapi.json", "metrics", "style.css"):
        assert f'href="{target}"' in text
        assert web.get("/" + target).status == 200, target


def test_a_page_without_facts_says_how_to_get_some(web: Web) -> None:
    text = web.get("/").body.decode()
    assert "Nothing was deployed to production" in text
    assert "otel-vsm stage build --" in text
    assert "No incident is active" in text


def test_the_page_says_when_it_is_behind(web: Web) -> None:
    assert "is not in here yet" not in web.get("/").body.decode()
    web.facts.lag_s = 7.0
    assert "what came in the last 7 s is not in here yet" in web.get("/").body.decode()


def test_names_cannot_break_out_of_the_page(web: Web, facts: FactStore) -> None:
    evil = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
    now = time.time_ns()
    facts.insert("change", id=evil, repository=evil, first_seen_at=now - HOUR)
    facts.insert("deployment", id=evil, service=evil, environment="production", version=evil, kind=evil,
                 result=evil, started_at=now - HOUR, finished_at=now - HOUR)  # fmt: skip
    text = web.get("/").body.decode()
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


def test_the_page_takes_what_the_api_takes(web: Web, facts: FactStore) -> None:
    facts.insert("deployment_report", id="d1", service="shop", environment="staging")
    query = "from=2026-05-01&to=2026-06-01&time_zone=Europe/Berlin&service=shop&environment=staging"
    text = web.get(f"/?{query}&profile=pelorus").body.decode()
    assert "Delivery to staging, service shop:" in text
    assert (
        '<time datetime="2026-04-30T22:00:00Z" title="2026-04-30 22:00 UTC">2026-05-01 00:00</time> to'
        in text
    )
    assert "Europe/Berlin, by the profile pelorus" in text
    assert "Nothing was deployed to staging" in text
    assert "mean from first commit" in text


def test_the_page_says_which_profile_holds_and_of_which_window(web: Web) -> None:
    assert "the last 30d, " in web.get("/").body.decode()
    assert "by the profile dora" in web.get("/?window=2w").body.decode()
    assert "the last 2w, " in web.get("/?window=2w").body.decode()


def test_a_question_that_cannot_be_answered_is_a_page_that_says_why(web: Web) -> None:
    for query, said in (
        ("window=1m", "<code>window</code>: &#39;1m&#39; may mean minutes or months"),
        ("window=30d&window=7d", "<code>window</code>: is given more than once"),
        ("servise=shop", "<code>servise</code>: no such parameter; known are"),
        ("profile=<b>", "<code>profile</code>: &#39;&lt;b&gt;&#39; is no profile"),
        ("from=2026-05-02&to=2026-05-01", "<code>from</code>: has to be before to"),
    ):
        page = web.get(f"/?{query}")
        assert page.status == 400, query
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert said in page.body.decode(), query


def test_the_page_of_a_value_stream_says_who_answers_for_it(facts: FactStore) -> None:
    stream = {"owner": "Ada", "systems": ["shop"], "primary_measure": "deployment_frequency"}
    with served(facts, {"value_streams": {"checkout": stream}}) as web:
        text = web.get("/?value_stream=checkout").body.decode()
    assert "Value stream checkout; Ada answers for it; it is judged by deployment frequency: –" in text
