"""What a running service says of the delivery that brought it: the hook in its OpenTelemetry SDK.

Known are the environment and the stamp in the image; for each thing told, the environment wins. Reading
both never fails, and costs a service one small file at most: no process, no network.
"""

import logging
import os
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

from opentelemetry.sdk.resources import Resource, ResourceDetector

from otel_vsm.identity import normalise_repository
from otel_vsm.stamp import Stamp, StampError, is_text, read_stamp
from otel_vsm.text import one_line

STAMP_VARIABLE = "OTEL_VSM_STAMP"
"""Path of the stamp; where it is set, the usual places are not looked at."""
STAMP_PATHS = (Path("otel-vsm.stamp.json"), Path("/etc/otel-vsm/stamp.json"))
"""Where a stamp usually is, from the working directory of the service; the first that exists counts."""
VARIABLES = {field.name: f"OTEL_VSM_{field.name.upper()}" for field in fields(Stamp)}
"""The variable that tells each field of a stamp: `OTEL_VSM_CHANGE_ID`, `OTEL_VSM_DEPLOYMENT_ID` …"""

_log = logging.getLogger(__name__)


class OtelVsmResourceDetector(ResourceDetector):
    """The resource detector `otel_vsm`: on by `OTEL_EXPERIMENTAL_RESOURCE_DETECTORS=otel_vsm`."""

    def detect(self) -> Resource:
        return Resource(resource_attributes())


def resource_attributes() -> dict[str, str]:
    """The change, repository, revision, version, artifact and deployment of this service, as far as known.

    For services that build their own `Resource`. Never raises; what cannot be read is left out.
    """
    try:
        return current_stamp().attributes()
    except Exception:  # a service must start, whatever is wrong with what it is told
        _log.warning("What delivered this service could not be read.", exc_info=True)
        return {}


def current_stamp() -> Stamp:
    """What the environment and the stamp tell of this service; repository and artifact are normalised."""
    environment = {field: os.environ.get(name, "") for field, name in VARIABLES.items()}
    told = {field: value for field, value in environment.items() if is_text(value)}
    stamp = _stamp_file()
    if "artifact_purl" in told:
        stamp = replace(stamp, artifact_hash=None)  # of another artifact
    stamp = replace(stamp, **told)
    if stamp.repository:
        stamp = replace(stamp, repository=normalise_repository(stamp.repository))
    return _with_artifact(stamp, stamp.artifact_purl) if stamp.artifact_purl else stamp


def _with_artifact(stamp: Stamp, name: str) -> Stamp:
    """The stamp with what any name of the artifact says: package URL, digest, reference of an image."""
    # Most services have no artifact to tell of, and need not load this.
    from otel_vsm.artifact import artifact_of

    named = artifact_of(name, stamp.artifact_hash, None)
    if named.problem:
        _warn("The artifact of the service is named by neither a package URL nor a digest, and is left out.")
    return replace(stamp, artifact_purl=named.artifact.purl, artifact_hash=named.artifact.hash)


def _stamp_file() -> Stamp:
    named_path = os.environ.get(STAMP_VARIABLE)
    for path in (Path(named_path),) if named_path else STAMP_PATHS:
        try:
            return read_stamp(path)
        except FileNotFoundError:
            if named_path:
                _warn(f"There is no stamp {one_line(str(path))}, which {STAMP_VARIABLE} names.")
        except (StampError, OSError) as error:
            _warn(f"The stamp {one_line(str(path))} tells nothing: {one_line(str(error))}.")
            break
    return Stamp()


@cache
def _warn(message: str) -> None:
    """Log a message once, however many resources the service makes."""
    _log.warning(message)
