"""Artifacts by the names that people and tools give them: package URL, digest, reference of an image."""

import re
from typing import NamedTuple
from urllib.parse import unquote

from otel_vsm.emit import Artifact
from otel_vsm.text import one_line

_SHA256 = r"[0-9a-fA-F]{64}"
_DIGEST = rf"(?i:sha256[:=])?(?P<sha256>{_SHA256})"
_OTHER_DIGEST = r"[a-z0-9+._-]+:[0-9a-fA-F]{32,}"
# By its version, or by the checksum among its qualifiers.
_DIGEST_OF_PURL = rf"(?i:@|[?&,]checksums?=|,)(?i:sha256:)({_SHA256})(?![0-9a-fA-F])"
_IMAGE = (
    r"(?:(?:docker|oci|docker-pullable)://)?"
    r"(?P<name>[A-Za-z0-9.-]+(?::\d+(?=/))?(?:/[a-z0-9._-]+)*)"
    rf"(?P<tag>:\w[\w.-]*)?(?:@(?i:sha256):(?P<sha256>{_SHA256}))?"
)


class NamedArtifact(NamedTuple):
    artifact: Artifact
    problem: str | None = None
    """What of the name cannot be used, in words for the user."""


def artifact_of(name: str | None, digest: str | None, version: str | None) -> NamedArtifact:
    """The artifact that `--artifact`, `--artifact-hash` and `--version` name. The hash that is named wins."""
    told = _normal(digest) if digest else None
    if not name:
        return NamedArtifact(Artifact(hash=told, version=version))
    if name.startswith("pkg:"):
        match = re.search(_DIGEST_OF_PURL, unquote(name))
        found = f"sha256:{match[1].lower()}" if match else None
        return NamedArtifact(Artifact(purl=name, hash=told or found, version=version))
    if re.fullmatch(_DIGEST, name) or re.fullmatch(_OTHER_DIGEST, name):
        return NamedArtifact(Artifact(hash=told or _normal(name), version=version))
    image = re.fullmatch(_IMAGE, name)
    if not image or not (image["tag"] or image["sha256"] or "/" in image["name"]):
        return NamedArtifact(
            Artifact(hash=told, version=version),
            f"--artifact {one_line(name)} is left out: it is neither a package URL (pkg:…) nor a digest"
            " (sha256:…) nor the reference of an image",
        )
    found = f"sha256:{image['sha256'].lower()}" if image["sha256"] else None
    problem = None
    if not (told or found):
        problem = (
            f"--artifact {one_line(name)} names no digest, by which the artifact would be known again:"
            " add @sha256:…, or give --artifact-hash"
        )
    return NamedArtifact(Artifact(image=image["name"], hash=told or found, version=version), problem)


def _normal(digest: str) -> str:
    match = re.fullmatch(_DIGEST, digest)
    return f"sha256:{match['sha256'].lower()}" if match else digest
