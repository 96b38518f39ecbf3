"""The definitions show every scenario, setting of a profile and leg, and name tests that there are."""

import re
from pathlib import Path

import pytest
import yaml

from otel_vsm_collector.declared.profiles import BUILT_IN, Profile
from otel_vsm_collector.figures.lists.changes import LEGS
from scenarios.reading import CASES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "definitions.md").read_text()


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_scenario_is_shown_once(path: Path) -> None:
    why = " ".join(yaml.safe_load(path.read_text())["why"].split())
    assert PAGE.count(f"** {why}\n\n```text\n") == 1


@pytest.mark.parametrize("setting", Profile.model_fields)
def test_a_setting_is_shown_with_its_default(setting: str) -> None:
    assert f"\n| `{setting.removesuffix('_s')}` | `" in PAGE


@pytest.mark.parametrize("leg", LEGS)
def test_a_leg_is_shown(leg: str) -> None:
    assert f"\n| {leg.removesuffix('_s').replace('_', ' ')} | " in PAGE


def test_every_built_in_profile_is_shown() -> None:
    others = [name for name in BUILT_IN if name != "dora"]
    assert f"| setting | {' | '.join(f'`{name}`' for name in others)} |" in PAGE


@pytest.mark.parametrize(("file", "test"), sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE))))
def test_a_test_that_is_named_is_there(file: str, test: str) -> None:
    assert f"def {test}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("anchor", sorted(set(re.findall(r"\]\(#([\w-]+)\)", PAGE))))
def test_a_link_within_the_page_leads_somewhere(anchor: str) -> None:
    titles = re.findall(r"(?m)^## (.+)$", PAGE)
    assert anchor in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
