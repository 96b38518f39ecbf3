"""The stamp: a small JSON file in an image that says which change the image was built from.

`otel-vsm stage package --stamp FILE` writes it, the resource detector of the running service reads it.
"""

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from otel_vsm import semconv
from otel_vsm.identity import Repository, repository_url

MAX_BYTES = 1 << 16
"""A stamp has a few hundred bytes. What is far larger is no stamp, and reading it would hold a service up."""


class StampError(Exception):
    """The file is no stamp; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Where a build came from. None: not known."""

    change_id: str | None = None
    repository: str | None = None
    """Normalised: `github.com/acme/shop`."""
    revision: str | None = None
    version: str | None = None
    artifact_purl: str | None = None
    artifact_hash: str | None = None
    deployment_id: str | None = None

    def attributes(self) -> dict[str, str]:
        """What is known, as attributes of the service's resource."""
        values = {
            semconv.VSM_CHANGE_ID: self.change_id,
            semconv.VCS_REPOSITORY_URL_FULL: self.repository and repository_url(Repository(self.repository)),
            semconv.VCS_REF_HEAD_REVISION: self.revision,
            semconv.SERVICE_VERSION: self.version,
            semconv.ARTIFACT_PURL: self.artifact_purl,
            semconv.ARTIFACT_HASH: self.artifact_hash,
            semconv.DEPLOYMENT_ID: self.deployment_id,
        }
        return {key: value for key, value in values.items() if value is not None}


def write_stamp(path: Path, *, stamp: Stamp) -> None:
    """Write the stamp, whole or not at all; the folder must exist. OSError where it cannot be written."""
    known = {name: value for name, value in asdict(stamp).items() if value}
    # In the same folder, since a file can only be renamed in one step within a file system.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2)
            file.write("\n")
            # The service may run as another user than the build; mkstemp lets only the owner read.
            os.fchmod(file.fileno(), 0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def read_stamp(path: Path) -> Stamp:
    """The stamp in a file.

    Names that this version does not know are passed over. StampError where the content is no stamp, OSError
    where there is no such file or it may not be read.
    """
    # Opening a named pipe would wait for its writer.
    if not path.is_file() and path.exists():
        raise StampError("not a regular file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise StampError(f"larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StampError("not JSON") from error
    if not isinstance(document, dict):
        raise StampError("not a JSON object")
    known = {
        field.name: document[field.name]
        for field in fields(Stamp)
        if document.get(field.name) not in (None, "")
    }
    for name, value in known.items():
        if not is_text(value):
            raise StampError(f"{name} is not a text")
    return Stamp(**known)


def is_text(value: object) -> bool:
    """Whether a value says something and can be sent: a lone surrogate would spoil the whole request."""
    return isinstance(value, str) and bool(value) and not any("\ud800" <= c <= "\udfff" for c in value)
