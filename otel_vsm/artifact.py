"""Artifacts by the names that people and tools give them: package URL, digest, reference of an image."""

import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from otel_vsm.emit import Artifact
from otel_vsm.text import one_line, sendable

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
_WHEEL = r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-[^-]+){3,4}\.whl"


def digest_of(name: str) -> str | None:
    """The digest that is in any name of an artifact: `sha256:` and 64 digits in lower case, one of another
    kind as it is written."""
    plain = unquote(name)
    if plain.startswith("pkg:"):
        match = re.search(_DIGEST_OF_PURL, plain)
        return f"sha256:{match[1].lower()}" if match else None
    if re.fullmatch(_OTHER_DIGEST, plain):
        return _normal(plain)
    match = re.fullmatch(_DIGEST, plain) or re.fullmatch(_IMAGE, plain)
    return f"sha256:{match['sha256'].lower()}" if match and match["sha256"] else None


def package_of(purl: str) -> str:
    """The package URL without qualifiers and subpath, nothing in it escaped; what is none stays as it is."""
    if not purl.startswith("pkg:"):
        return purl
    kind, slash, name = re.split(r"[?#]", purl)[0].removeprefix("pkg:").strip("/").partition("/")
    return f"pkg:{kind.lower()}{slash}{unquote(name)}"


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
        return NamedArtifact(Artifact(purl=name, hash=told or digest_of(name), version=version))
    if re.fullmatch(_DIGEST, name) or re.fullmatch(_OTHER_DIGEST, name):
        return NamedArtifact(Artifact(hash=told or digest_of(name), version=version))
    if os.path.isfile(name):  # noqa: PTH113 -- Path.is_file() raises for a name that is too long
        return _of_file(Path(name), told, version)
    image = re.fullmatch(_IMAGE, name)
    if not image or not (image["tag"] or image["sha256"] or "/" in image["name"]):
        return NamedArtifact(
            Artifact(hash=told, version=version),
            f"--artifact {one_line(name)} is left out: it is neither a file that is there nor a package URL"
            " (pkg:…) nor a digest (sha256:…) nor the reference of an image",
        )
    found, problem = digest_of(name), None
    if not (told or found):
        problem = (
            f"--artifact {one_line(name)} names no digest, by which the artifact would be known again:"
            " add @sha256:…, or give --artifact-hash"
        )
    return NamedArtifact(Artifact(image=image["name"], hash=told or found, version=version), problem)


def _of_file(path: Path, told: str | None, version: str | None) -> NamedArtifact:
    """The artifact that is in a file: known by what is in it."""
    from hashlib import file_digest

    from packageurl import PackageURL

    try:
        with path.open("rb") as file:
            digest = f"sha256:{file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        problem = f"--artifact {one_line(str(path))} cannot be read: {error.strerror}"
        return NamedArtifact(Artifact(hash=told, version=version), problem)
    kind, name, own_version = "generic", path.name, None
    if wheel := re.fullmatch(_WHEEL, path.name):
        kind, name, own_version = "pypi", wheel["name"], wheel["version"]
    purl = PackageURL(kind, None, name, version or own_version, {"checksum": digest}).to_string()
    return NamedArtifact(Artifact(purl=sendable(purl), hash=told or digest, version=version or own_version))


def _normal(digest: str) -> str:
    match = re.fullmatch(_DIGEST, digest)
    return f"sha256:{match['sha256'].lower()}" if match else digest
