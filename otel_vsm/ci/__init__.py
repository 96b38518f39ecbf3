"""What a CI system says about the job that we run in.

Each system is data, in a file of its own: where to read what. To add one, write such a file and list it in
`SYSTEMS`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from otel_vsm.ci import github_actions, gitlab
from otel_vsm.ci.source import JobEnvironment, first
from otel_vsm.identity import Repository, normalise_repository

SYSTEMS = (github_actions.SYSTEM, gitlab.SYSTEM)


class CiContext(NamedTuple):
    """None: this system, or this kind of job, does not say."""

    system: str
    repository: Repository | None
    request: str | None
    """The number of the pull or merge request in `repository`."""
    revision: str | None
    """The commit that the job is about; for a request its own head, not the merge that the CI made up."""
    branch: str | None
    message: str | None
    """The message of `revision`."""
    attributes: Mapping[str, str]


def detect(env: Mapping[str, str]) -> CiContext | None:
    """The CI system that the environment speaks of, and what it says."""
    for system in SYSTEMS:
        variable, value = system.present
        if env.get(variable) != value:
            continue
        job = JobEnvironment(env, system.event_file)
        repository = first(system.repository, job)
        attributes = {key: text.read(job) for key, text in system.attributes.items()}
        return CiContext(
            system=system.name,
            repository=normalise_repository(repository) if repository else None,
            request=first(system.request, job),
            revision=first(system.revision, job),
            branch=first(system.branch, job),
            message=first(system.message, job),
            attributes={key: value for key, value in attributes.items() if value},
        )
    return None


def is_automation(env: Mapping[str, str]) -> bool:
    """Whether any CI runs us; nearly all of them set `CI`, also those that are not known here."""
    return env.get("CI", "").lower() in ("true", "1") or any(
        env.get(variable) == value for variable, value in (system.present for system in SYSTEMS)
    )
