"""Shops whose pipelines the plugins are tried in, and what a collector then says of their stages."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import PROGRAM
from harness.shop import Shop
from otel_vsm.testing import RunningCollector

PLUGINS = Path(__file__).parents[2] / "ci_plugins"
OpenShop = Callable[[str], Shop]


@pytest.fixture
def open_shop(tmp_path: Path, plain_env: dict[str, str], running_collector: RunningCollector) -> OpenShop:
    """Opens a shop by the name of its repository, with a commit of a day ago and `otel-vsm` on its PATH."""

    def open_shop(name: str) -> Shop:
        shop = Shop(tmp_path / "repository", plain_env, running_collector, name)
        shop.env["PATH"] = f"{Path(PROGRAM).parent}:{plain_env['PATH']}"
        shop.env.update(running_collector.environment())
        shop.commit("Start", ago=timedelta(days=1))
        return shop

    return open_shop


def stages(shop: Shop) -> dict[str, Any]:
    """Of each stage: its type, how often it ran, and the share of runs that succeeded."""
    items = shop.collector.get("/api/v1/stages", repository=shop.name, window="30d")["items"]
    return {item["name"]: (item["type"], item["runs"], item["success_ratio"]) for item in items}


def deployments(shop: Shop) -> list[tuple[str, str, str]]:
    items = shop.collector.get("/api/v1/deployments", repository=shop.name)["items"]
    return sorted((item["service"], item["environment"], item["result"]) for item in items)
