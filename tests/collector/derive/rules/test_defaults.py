"""What is declared fills in what spans leave open."""

from typing import Any

import ibis
import pyarrow as pa
import pytest

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive.rules.defaults import with_defaults

SHOP, OTHER = "github.com/acme/shop", "github.com/acme/other"
ONE = {"shop": {"repository": SHOP}}
MONOREPO = {
    "shop": {"repository": SHOP, "stages": ["shop-*"]},
    "cart": {"repository": SHOP, "stages": ["cart-*"]},
}
COLUMNS = pa.schema(
    [(name, pa.string()) for name in ("stage_name", "stage_type", "service", "repository", "team")]
)


def service_of(stage: str | None, repository: str | None, sections: dict[str, Any]) -> str | None:
    spans = pa.Table.from_pylist([{"stage_name": stage, "repository": repository}], schema=COLUMNS)
    filled = with_defaults(ibis.memtable(spans), Declared.model_validate(sections))
    services: list[str | None] = filled.to_pyarrow().column("service").to_pylist()
    return services[0]


@pytest.mark.parametrize(
    ("services", "stage", "repository", "service"),
    [
        (ONE, "build", SHOP, "shop"),
        (ONE, "build", OTHER, None),
        (ONE, "build", None, None),
        (ONE, None, SHOP, None),
        (MONOREPO, "cart-build", SHOP, "cart"),
        (MONOREPO, "cart-build", OTHER, None),
        (MONOREPO, "lint", SHOP, None),
        (MONOREPO | {"web": {"repository": SHOP}}, "lint", SHOP, "web"),
        (MONOREPO | {"web": {"repository": SHOP}}, "cart-build", SHOP, "cart"),
        ({"a": {"repository": SHOP}, "b": {"repository": SHOP}}, "build", SHOP, None),
        ({"a": {"stages": ["a-*"]}}, "a-1", SHOP, "a"),
    ],
)
def test_the_service_of_a_stage_is_the_one_that_owns_it_else_the_only_one_of_its_repository(
    services: dict[str, Any], stage: str | None, repository: str | None, service: str | None
) -> None:
    assert service_of(stage, repository, {"services": services}) == service


def test_what_is_said_of_the_stage_wins() -> None:
    said = {"services": MONOREPO, "stages": {"cart-smoke": {"service": "shop"}}}
    assert service_of("cart-smoke", SHOP, said) == "shop"
