"""One artifact by its digest, whichever way it is spelt."""

import hashlib
from pathlib import Path

import pytest

from otel_vsm.artifact import artifact_of, digest_of, package_of
from otel_vsm.emit import Artifact

DIGITS = "3b1f4C0a" * 8
HASH = f"sha256:{DIGITS.lower()}"


@pytest.mark.parametrize(
    ("name", "purl", "image"),
    [
        (DIGITS, None, None),
        (f"sha256:{DIGITS}", None, None),
        (f"SHA256:{DIGITS}", None, None),
        (f"pkg:oci/shop@sha256%3A{DIGITS}", f"pkg:oci/shop@sha256%3A{DIGITS}", None),
        (f"pkg:oci/shop@sha256:{DIGITS}?tag=1", f"pkg:oci/shop@sha256:{DIGITS}?tag=1", None),
        (
            f"pkg:pypi/shop@1.4?checksum=sha1:ab,sha256:{DIGITS}",
            f"pkg:pypi/shop@1.4?checksum=sha1:ab,sha256:{DIGITS}",
            None,
        ),
        (f"shop@sha256:{DIGITS}", None, "shop"),
        (f"ghcr.io/acme/shop@sha256:{DIGITS}", None, "ghcr.io/acme/shop"),
        (f"localhost:5000/acme/shop:1.4@sha256:{DIGITS}", None, "localhost:5000/acme/shop"),
        (f"docker://ghcr.io/acme/shop:1.4@sha256:{DIGITS}", None, "ghcr.io/acme/shop"),
    ],
)
def test_every_spelling_gives_the_digest(name: str, purl: str | None, image: str | None) -> None:
    named = artifact_of(name, None, "1.4")
    assert named.artifact == Artifact(purl=purl, hash=HASH, image=image, version="1.4")
    assert named.problem is None


@pytest.mark.parametrize("digest", [DIGITS, f"sha256:{DIGITS}", f"Sha256:{DIGITS}"])
def test_the_hash_that_is_named_wins(digest: str) -> None:
    named = artifact_of(f"ghcr.io/acme/shop@sha256:{'0' * 64}", digest, None)
    assert named.artifact == Artifact(hash=HASH, image="ghcr.io/acme/shop")
    assert artifact_of(None, digest, None).artifact == Artifact(hash=HASH)
    assert artifact_of("ghcr.io/acme/shop:1.4", digest, None).problem is None


def test_another_kind_of_digest_stays_as_it_is() -> None:
    assert artifact_of(f"sha512:{'a' * 128}", None, None).artifact == Artifact(hash=f"sha512:{'a' * 128}")


def test_a_package_needs_no_digest() -> None:
    assert artifact_of("pkg:pypi/shop@1.4", None, None) == (Artifact(purl="pkg:pypi/shop@1.4"), None)


@pytest.mark.parametrize("name", ["shop:1.4", "ghcr.io/acme/shop", "ghcr.io/acme/shop:1.4"])
def test_an_image_without_a_digest_is_no_artifact_that_can_be_found(name: str) -> None:
    named = artifact_of(name, None, None)
    assert named.artifact == Artifact(image=name.removesuffix(":1.4"))
    assert named.problem and "names no digest" in named.problem


@pytest.mark.parametrize("name", ["shop", "some words", "https://example.com/shop.tgz", "x" * 1000])
def test_what_is_no_artifact_is_left_out(name: str) -> None:
    named = artifact_of(name, None, None)
    assert named.artifact == Artifact()
    assert named.problem and "is left out" in named.problem
    assert len(named.problem) < 350


def test_a_digest_is_found_in_a_name_that_is_escaped() -> None:
    assert digest_of(f"sha256%3A{DIGITS}") == HASH
    assert digest_of("pkg:pypi/shop@1.4") is digest_of("ghcr.io/acme/shop:1.4") is digest_of("x") is None
    assert digest_of(f"sha512:{'a' * 128}") == f"sha512:{'a' * 128}"


@pytest.mark.parametrize(
    "name",
    [
        "pkg:npm/@acme/shop@1.4",
        "pkg:npm/%40acme/shop@1.4",
        "pkg:NPM/%40acme/shop@1.4?repository_url=https://npm.acme.dev#lib",
        "pkg://npm/@acme/shop@1.4/",
    ],
)
def test_a_package_is_known_without_qualifiers_and_subpath(name: str) -> None:
    assert package_of(name) == "pkg:npm/@acme/shop@1.4"


def test_what_is_no_package_url_stays_as_it_is() -> None:
    assert package_of("shop 1.4?") == "shop 1.4?"


def test_a_file_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "app 1.tgz").write_bytes(b"content")
    digest = f"sha256:{hashlib.sha256(b'content').hexdigest()}"
    assert artifact_of(str(tmp_path / "app 1.tgz"), None, "1.4").artifact == Artifact(
        purl=f"pkg:generic/app%201.tgz@1.4?checksum={digest}", hash=digest, version="1.4"
    )
    assert digest_of(f"pkg:generic/app%201.tgz@1.4?checksum={digest}") == digest
    (tmp_path / "app 1.tgz").write_bytes(b"other")
    assert artifact_of(str(tmp_path / "app 1.tgz"), None, "1.4").artifact.hash != digest
    (tmp_path / "My_Shop-1.4-py3-none-any.whl").write_bytes(b"content")
    assert artifact_of(str(tmp_path / "My_Shop-1.4-py3-none-any.whl"), None, None).artifact == Artifact(
        purl=f"pkg:pypi/my-shop@1.4?checksum={digest}", hash=digest, version="1.4"
    )
