"""The pages as people see and use them: nothing goes wrong, everybody can, filters and files work."""

import csv
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from otel_vsm.human import duration
from otel_vsm.testing import RunningCollector

pytestmark = pytest.mark.browser

WINDOW = "window=90d"
PAGES = (
    *("", "map", "future", "changes", "deployments", "incidents", "stages", "flow", "approvals", "streams"),
    *("measurement", "profiles?with=devlake&figure=change_fail_rate", "figure?figure=change_lead_time"),
    "?service=nobody",  # nothing to show, and a notice
    "?window=1m",  # refused
)
SERIOUS = ("serious", "critical")


def asked(target: str) -> str:
    return f"/{target}" if "window=" in target else f"/{target}{'&' if '?' in target else '?'}{WINDOW}"


def findings(page: Page) -> list[str]:
    """What keeps people from using the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html']} {one['nodes'][0]['failureSummary']}"
        for one in found
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("target", PAGES)
def test_a_page_works_for_everybody_wide_and_narrow_light_and_dark(
    page: Page, complaints: list[str], target: str
) -> None:
    page.goto(asked(target))
    # What was refused is answered with a status that says so, which the browser mentions.
    assert [one for one in complaints if "400 (Bad Request)" not in one or target != "?window=1m"] == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == []
    for width in (1280, 380):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_change_and_a_deployment_are_reached_by_links(page: Page, complaints: list[str]) -> None:
    page.goto(asked("changes?service=payments"))
    page.locator("tbody a").last.click()
    expect(page.locator("h1")).to_contain_text("Change github.com/acme/payments")
    expect(page.locator(".gantt rect").first).to_be_visible()
    assert findings(page) == []
    page.get_by_role("region", name="Deployments that carry it").get_by_role("link").first.click()
    expect(page.locator("h1")).to_contain_text("Deployment payments-")
    assert findings(page) == []
    assert complaints == []


def test_filters_are_chosen_and_stand_in_the_address(page: Page, looked_at: RunningCollector) -> None:
    page.goto(asked(""))
    page.locator("select[name=service]").select_option("search")
    page.get_by_role("button", name="Show").click()
    query = parse_qs(urlparse(page.url).query)
    assert (query["service"], query["window"]) == (["search"], ["90d"])
    lead_time = looked_at.get("/api/v1/dora", window="90d", service="search")["change_lead_time"]["p50"]
    expect(page.locator("article .figure").first).to_have_text(duration(lead_time))
    page.get_by_role("link", name="Stages").click()
    assert parse_qs(urlparse(page.url).query)["service"] == ["search"]
    page.get_by_role("link", name="Reset").click()
    assert urlparse(page.url).query == ""


def test_further_filters_open_and_months_are_windows(page: Page) -> None:
    page.goto(asked("deployments"))
    page.locator("select[name=window]").select_option(index=5)
    page.get_by_text("More filters").click()
    page.get_by_label("profile").select_option("gitlab")
    page.get_by_label("time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Show").click()
    about = page.locator(".about").first
    expect(about).to_contain_text("-01 00:00 to")
    expect(about).to_contain_text("Europe/Berlin, by the profile gitlab")


def test_the_table_is_sorted_by_a_column(page: Page) -> None:
    page.goto(asked(""))
    names = page.get_by_role("region", name="Figures by service").locator("tbody th")
    page.get_by_role("link", name="service", exact=True).last.click()
    assert names.all_inner_texts() == sorted(names.all_inner_texts(), reverse=True)
    page.get_by_role("region", name="Figures by service").get_by_role("link", name="Change fail rate").click()
    head = page.locator("th[aria-sort]")
    expect(head).to_have_attribute("aria-sort", "ascending")


def test_a_figure_opens_into_its_rows(page: Page, looked_at: RunningCollector) -> None:
    page.goto(asked(""))
    page.get_by_role("link", name="Change fail rate").first.click()
    shown = looked_at.get("/api/v1/explain", window="90d", figure="change_fail_rate")
    expect(page.locator("h2").filter(has_text="Counted:")).to_have_text(
        f"Counted: {shown['counted']['rows']}"
    )
    page.get_by_role("link", name="above the line").click()
    expect(page.locator("tbody tr")).to_have_count(shown["value"]["failed"])


def test_a_future_state_is_chosen_and_kept_in_the_address(page: Page, looked_at: RunningCollector) -> None:
    page.goto(asked("future"))
    page.get_by_label("Wait before scan then").select_option("25")
    page.get_by_role("button", name="Replay").click()
    then = looked_at.get("/api/v1/future", window="90d", wait='{"scan": 25}')["then"]["flow_time"]["p50"]
    expect(page.locator(".lead b")).to_have_text(duration(then))
    assert parse_qs(urlparse(page.url).query)["wait:scan"] == ["25"]
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".lead b")).to_have_text(duration(then))
    page.get_by_role("link", name="As now").click()
    expect(page.locator(".lead")).to_contain_text("Choose below")


def test_the_map_is_used_by_keyboard(page: Page) -> None:
    page.goto(asked("map"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.locator("svg.map a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/stages?*")
    assert urlparse(page.url).fragment == "stage-build"


def test_the_map_and_tables_are_files(page: Page, downloads: Path) -> None:
    page.goto(asked("map"))
    with page.expect_download() as download:
        page.get_by_role("link", name="SVG").click()
    drawn = downloads / "map.svg"
    download.value.save_as(drawn)
    page.goto(drawn.as_uri())
    assert page.locator("text").filter(has_text="scan").count() >= 1
    page.goto(asked("deployments"))
    link = page.get_by_role("link", name="CSV").get_attribute("href")
    rows = list(csv.DictReader(page.request.get(f"/{link}").text().splitlines()))
    assert {row["environment"] for row in rows} == {"production"}
    assert len(rows) > 100
