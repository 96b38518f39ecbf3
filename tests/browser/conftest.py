"""A collector with the demo's history, and Chromium of the system to look at it with."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from demo.history import generate
from demo.service import is_derived
from demo.spans import spans_of
from otel_vsm.export import export_all
from otel_vsm.testing import RunningCollector, collector

VSM = """
value_streams:
  buying: {owner: Ada, systems: [shop, payments], teams: [checkout], stages: [build, test, "deploy*", e2e]}
"""


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    folder = tmp_path_factory.mktemp("collector")
    (folder / "vsm.yaml").write_text(VSM)
    with (
        collector("--config", str(folder / "vsm.yaml")) as running,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("OTEL_VSM_STATE_DIR", str(folder / "state"))
        for name, value in running.environment().items():
            environment.setenv(name, value)
        export_all(spans_of(generate(datetime.now(UTC))).records)
        assert is_derived(running.web)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed; on Debian and Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser, looked_at: RunningCollector) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=looked_at.web, accept_downloads=True)
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    """An empty page. What it complains of, and what it cannot load, is kept."""
    opened = context.new_page()
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("requestfailed", lambda request: complaints.append(request.url))
    return opened


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path
