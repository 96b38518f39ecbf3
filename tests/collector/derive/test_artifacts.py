"""A deployment finds what it brings by the artifact, whichever way each side spells it."""

from hashlib import sha256
from typing import Any

import pytest

from scenarios.events import spans
from scenarios.world import World

SPELLINGS: dict[str, tuple[str, str]] = {
    "package URL": ("artifact.purl", "pkg:oci/shop@sha256:{digest}"),
    "with qualifiers": ("artifact.purl", "pkg:oci/shop@sha256:{digest}?tag=1.4&arch=amd64"),
    "escaped": ("artifact.purl", "pkg:oci/shop@sha256%3A{digest}"),
    "digest": ("artifact.hash", "sha256:{digest}"),
    "bare digits": ("artifact.hash", "{DIGEST}"),
    "image": ("artifact.hash", "ghcr.io/acme/shop:1.4@sha256:{digest}"),
}
REPOSITORY = {"vcs.repository.url.full": "https://github.com/acme/shop"}
SHA = "ab" * 32


def package(number: int, attributes: dict[str, Any]) -> dict[str, Any]:
    stage = {"vsm.stage.name": "package", "vsm.stage.type": "package", "vcs.change.id": number}
    return {"at": "1h", "otlp": f"package {number}", "resource": REPOSITORY, "attributes": stage | attributes}


def deploy(number: int, attributes: dict[str, Any]) -> dict[str, Any]:
    stage = {"vsm.stage.name": "deploy", "vsm.stage.type": "deploy", "deployment.id": f"D{number}"}
    where = {"service.name": f"shop {number}", "deployment.environment.name": "production"}
    return {"at": "2h", "otlp": f"deploy {number}", "attributes": stage | where | attributes}


def carried(world: World, events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    world.clear()
    world.take(spans(events))
    rows = world.all("deployment_change")
    return {(row["deployment_id"], row["change_id"].rpartition("#")[2]) for row in rows}


def test_it_is_one_artifact_in_all_36_pairs_of_spellings(duckdb_world: World) -> None:
    events: list[dict[str, Any]] = []
    for made in SPELLINGS:
        for deployed in SPELLINGS:
            number = len(events) // 2 + 1
            digest = sha256(f"{number}".encode()).hexdigest()
            told = [
                {key: pattern.format(digest=digest, DIGEST=digest.upper())}
                for key, pattern in (SPELLINGS[made], SPELLINGS[deployed])
            ]
            events += [package(number, told[0]), deploy(number, told[1])]
    assert carried(duckdb_world, events) == {(f"D{number}", f"{number}") for number in range(1, 37)}


@pytest.mark.parametrize(
    ("made", "deployed", "is_one"),
    [
        ({"artifact.purl": "pkg:pypi/shop@1?x=y"}, {"artifact.purl": "pkg:pypi/shop@1#z"}, True),
        ({"artifact.purl": "pkg:pypi/shop@1"}, {"artifact.purl": "pkg:pypi/shop@2"}, False),
        (
            {"artifact.purl": "pkg:pypi/shop@1", "artifact.hash": SHA},
            {"artifact.purl": "pkg:pypi/shop@1"},
            True,
        ),
        (
            {"artifact.purl": "pkg:pypi/shop@1"},
            {"artifact.purl": "pkg:pypi/shop@1", "artifact.hash": SHA},
            True,
        ),
        (
            {"artifact.purl": "pkg:pypi/shop@1", "artifact.hash": "cd" * 32},
            {"artifact.purl": "pkg:pypi/shop@1", "artifact.hash": SHA},
            False,
        ),
    ],
)
def test_without_a_digest_on_both_sides_the_package_decides(
    duckdb_world: World, made: dict[str, Any], deployed: dict[str, Any], is_one: bool
) -> None:
    found = carried(duckdb_world, [package(1, made), deploy(1, deployed)])
    assert found == ({("D1", "1")} if is_one else set())
