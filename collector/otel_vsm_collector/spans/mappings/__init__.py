"""How the telemetry of emitters becomes ours.

Each emitter is data, in a file of its own. To add one, write such a file and list it in `MAPPINGS`.
"""

import hashlib
from collections.abc import Sequence

from otel_vsm_collector.spans.mappings import (
    argo_cd,
    azure_devops_receiver,
    bitbucket,
    buildkite,
    flux,
    github_receiver,
    gitlab_receiver,
    jenkins,
    mergify,
    otel_cicd_action,
    otel_vsm,
)
from otel_vsm_collector.spans.mappings.mapping import Mapping

EMITTERS = (
    github_receiver.MAPPING,
    gitlab_receiver.MAPPING,
    jenkins.MAPPING,
    otel_cicd_action.MAPPING,
    buildkite.MAPPING,
    azure_devops_receiver.MAPPING,
    argo_cd.MAPPING,
    flux.MAPPING,
    bitbucket.MAPPING,
    mergify.MAPPING,
)
"""Other tools than our own, the most used first."""
MAPPINGS = (*EMITTERS, otel_vsm.MAPPING)
"""Of several that are about a span the first holds: those of single tools before the convention, which many
tools follow in part."""


def fingerprint(mappings: Sequence[Mapping] = MAPPINGS) -> str:
    """Changes whenever a mapping does, or one of its conversions, and with nothing else."""
    return hashlib.sha256(repr(tuple(mappings)).encode()).hexdigest()
