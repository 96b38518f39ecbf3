"""Every page: what it shows of facts made by hand, without any, and of questions that cannot be answered."""

import html
import re

import pytest

from handmade.facts import FactStore
from handmade.web import Web, served
from otel_vsm import human
from otel_vsm.figures import FIGURES

PAGES = (
    *(
        "",
        "map",
        "future",
        "changes",
        "deployments",
        "incidents",
        "stages",
        "flow",
        "approvals",
        "streams",
        "profiles",
    ),
    *("measurement", "figure?figure=change_lead_time", "profiles?with=gitlab&figure=change_fail_rate"),
)


def text_of(web: Web, target: str) -> str:
    page = web.get(f"/{target}")
    assert page.status == 200, target
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["vsm-lag-seconds"] == "0"
    return html.unescape(page.body.decode())


def links(text: str) -> list[str]:
    return [link for link in re.findall(r'href="([^"#]*)"', text) if "://" not in link]


@pytest.mark.parametrize("target", PAGES)
def test_a_page_without_facts_is_a_page(web: Web, target: str) -> None:
    text_of(web, target)


@pytest.mark.browser
def test_every_link_leads_somewhere(web: Web, delivered: FactStore) -> None:
    # Links of one kind differ in what they are given: one of each is followed.
    seen: dict[tuple[str, ...], str] = {}
    to_follow = [""]
    while to_follow:
        target = to_follow.pop()
        page = web.get(f"/{target}")
        assert page.status == 200, target
        if page.headers["content-type"].startswith("text/html"):
            for link in links(html.unescape(page.body.decode())):
                path, _, query = link.lstrip(".").partition("?")
                kind = (path, *sorted(part.partition("=")[0] for part in query.split("&")))
                if kind not in seen:
                    seen[kind] = target
                    to_follow.append(link.lstrip("."))
    assert {path for path, *_ in seen} >= {page.partition("?")[0] for page in PAGES} | {
        "change",
        "deployment",
    }


def test_filters_stay_on_the_way_to_other_pages(web: Web, delivered: FactStore) -> None:
    text = text_of(web, "?window=7d&service=shop")
    assert "map?window=7d&service=shop" in links(text)
    assert '<option value="shop" selected>' in text
    assert '<option value="7d" selected>' in text
    again = text_of(web, "profiles?window=7d&with=gitlab")
    assert '<input type="hidden" name="with" value="gitlab">' in again


def test_names_and_months_are_offered(web: Web, delivered: FactStore) -> None:
    text = text_of(web, "changes")
    for value in ("shop", "r", "devlake"):
        assert f'<option value="{value}">' in text
    assert "production (default)" in text
    assert len(re.findall(r'<option value="\d{4}-\d\d">', text)) == 12


def test_a_name_that_nothing_is_known_of_stays_in_its_filter(web: Web, delivered: FactStore) -> None:
    text = text_of(web, "deployments?service=shpo")
    assert '<option value="shpo" selected>' in text
    assert "did you mean shop?" in text


def test_figures_are_those_of_the_api(web: Web, delivered: FactStore) -> None:
    text = text_of(web, "")
    dora, flow = (web.get(f"/api/v1/{name}").json for name in ("dora", "flow"))
    for name in ("change_lead_time", "deployment_frequency", "change_fail_rate", "deployment_rework_rate"):
        assert f">{human.value(FIGURES[name], dora[name], 'p50')}<" in text
    for name in ("flow_time", "flow_efficiency", "wip"):
        assert f">{human.value(FIGURES[name], flow[name], 'p50')}<" in text
    assert "4 h" in text
    assert flow["bottleneck"]["reason"] in text


def test_the_overview_says_who_suffers_and_which_limits_are_breached(web: Web, delivered: FactStore) -> None:
    text = text_of(web, "")
    assert "INC-1" in text
    assert "should be at most 5 %" in text
    assert "deployment?id=d%2F1" in links(text)


def test_the_table_is_told_apart_and_sorted_as_asked(web: Web, delivered: FactStore) -> None:
    assert '<a href=".?service=shop">shop</a>' in text_of(web, "")
    assert '<a href=".?repository=r">r</a>' in text_of(web, "?by=repository&sort=change_fail_rate&order=down")
    assert web.get("/?by=weather").status == 400


def test_a_window_of_a_century_is_shown(web: Web, delivered: FactStore) -> None:
    for page in ("", "flow"):
        assert "4 h" in text_of(web, f"{page}?window=36500d")


def test_the_map_has_the_stages_in_order_with_the_hand_offs_between_them(
    web: Web, delivered: FactStore
) -> None:
    text = text_of(web, "map")
    assert text.index(">build</text>") < text.index(">test</text>")
    assert "Bottleneck" in text
    assert "<td>ours</td><td>theirs</td>" in text
    drawing = web.get("/api/v1/map.svg")
    assert drawing.headers["content-type"].startswith("image/svg+xml")
    assert "attachment" in drawing.headers["content-disposition"]
    assert drawing.body.startswith(b'<svg xmlns="http://www.w3.org/2000/svg"')


def test_a_form_without_scripts_asks_for_a_future_state(web: Web, delivered: FactStore) -> None:
    text = text_of(web, "future?wait:test=50&process:build=0&wait:build=100")
    api = web.get("/api/v1/future?wait=%7B%22test%22:50%7D&process=%7B%22build%22:0%7D").json
    assert api["then"]["flow_time"]["p50"] < api["now"]["flow_time"]["p50"]
    assert f"half would have taken <b>{human.duration(api['then']['flow_time']['p50'])}</b>" in text
    assert '<option value="50" selected>50 %</option>' in text
    assert "No stage nope ended" in text_of(web, "future?wait:nope=50")
    for wrong in ("wait:test=x", "wait:test=-1", "process:test=1001", "other:test=5"):
        assert web.get(f"/future?{wrong}").status == 400, wrong


def test_a_change_shows_what_happened_when(delivered: FactStore) -> None:
    with served(delivered, {"trace_url": "https://traces.example.com/{trace_id}"}) as web:
        text = text_of(web, "change?id=r%231")
    assert f'href="https://traces.example.com/{"t" * 32}"' in text
    assert "<title>build: success, 30 min</title>" in text
    assert "change.first_commit" in text
    assert "INC-1" in text
    assert "4 h" in text


def test_a_change_that_is_not_delivered_has_no_lead_time_and_says_so(web: Web, delivered: FactStore) -> None:
    assert "It was not delivered to production" in text_of(web, "change?id=r%232")


def test_an_approval_that_is_waited_for_is_pending(web: Web, delivered: FactStore) -> None:
    assert "<strong>pending</strong>" in text_of(web, "approvals")


def test_a_stream_shows_what_was_declared_beside_what_was_measured(delivered: FactStore) -> None:
    stream = {
        "owner": "Ada",
        "systems": ["shop"],
        "repositories": ["r/x"],
        "teams": ["ours"],
        "stages": ["e2e"],
    }
    with served(delivered, {"value_streams": {"checkout": stream}}) as web:
        text = text_of(web, "streams")
    assert "Ada answers for it" in text
    assert "nothing ran of e2e" in text


def test_what_is_not_there_is_a_page_that_says_so(web: Web) -> None:
    for target in ("change?id=nope", "deployment?id=nope"):
        page = web.get(f"/{target}")
        assert page.status == 404
        assert "nope" in page.body.decode()
        assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_a_cursor_of_another_list_is_refused_on_a_page(web: Web, delivered: FactStore) -> None:
    page = web.get("/changes?cursor=x")
    assert page.status == 400
    assert "<code>cursor</code>" in page.body.decode()


def test_pages_go_on_where_the_last_ended(web: Web, delivered: FactStore) -> None:
    first = text_of(web, "changes?limit=1")
    [following] = {link for link in links(first) if "cursor=" in link}
    assert "r#1" in first
    assert "r#2" in text_of(web, following)
    assert "Newest" in text_of(web, following)


@pytest.mark.parametrize("target", ["map", "changes", "measurement"])
def test_every_page_says_when_it_is_behind(web: Web, target: str) -> None:
    web.facts.lag_s = 7.0
    assert "what came in the last 7 s is not in here yet" in web.get(f"/{target}").body.decode()
