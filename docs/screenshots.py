"""Pictures of the pages, with the demo's history: `make screenshots` writes docs/pages/ anew.

They are no part of `make docs`: they need Chromium, and differ each time, since the history ends now.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from demo.history import generate
from demo.service import is_derived
from demo.spans import spans_of
from otel_vsm.export import export_all
from otel_vsm.testing import RunningCollector, collector

FOLDER = Path(__file__).parent / "pages"
WIDTH = 1280
VSM = """
value_streams:
  buying:
    recipient: people who buy
    owner: Ada
    systems: [shop, payments]
    teams: [checkout]
    stages: [build, test, scan, package, "deploy*"]
    known_delays: [the change advisory board meets on Tuesdays]
    primary_measure: change_lead_time
"""
PAGES = {
    "overview": "",
    "map": "map",
    "future": "future?wait:scan=25",
    "changes": "changes",
    "deployments": "deployments",
    "incidents": "incidents",
    "stages": "stages",
    "flow": "flow",
    "approvals": "approvals",
    "streams": "streams",
    "profiles": "profiles?with=devlake&figure=change_fail_rate",
    "measurement": "measurement",
    "figure": "figure?figure=change_fail_rate&rows=part",
}
TALLEST = 1100
"""Of long pages the beginning is enough."""


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("Chromium is missing. On Debian and Ubuntu: apt-get install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with demonstrated() as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.set_default_timeout(60_000)
        for name, target in PAGES.items():
            page.goto(f"{running.web}/{target}{'&' if '?' in target else '?'}window=90d")
            _shoot(page, name)
        page.goto(f"{running.web}/changes?window=90d&service=payments")
        page.locator("tbody a").nth(5).click()
        _shoot(page, "change")
        browser.close()
    return 0


def _shoot(page: Page, name: str) -> None:
    tall = page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(tall, TALLEST)}
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True, clip=clip)  # type: ignore[arg-type]


@contextmanager
def demonstrated() -> Iterator[RunningCollector]:
    """A collector with the demo's history."""
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "vsm.yaml"
        config.write_text(VSM)
        with collector("--config", str(config)) as running:
            os.environ.update(running.environment(), OTEL_VSM_STATE_DIR=str(Path(name) / "state"))
            export_all(spans_of(generate(datetime.now(UTC))).records)
            if not is_derived(running.web):
                raise RuntimeError("the collector has not derived everything yet")
            yield running


if __name__ == "__main__":
    sys.exit(main())
