"""What a CI system says about the job that we run in.

Each system is data, in a file of its own: where to read what. To add one, write such a file and list it in
`SYSTEMS`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from otel_vsm import semconv
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
    tag: str | None
    """What `branch` is where the job is of a tag."""
    message: str | None
    """The message of `revision`."""
    attributes: Mapping[str, str | int]
    leg: str | None
    """Which leg of a matrix, or which shard, the job is."""
    queued_at: str | None
    """Since when the job waited for its turn, as RFC 3339."""
    started_at: str | None
    """When the job itself began, as RFC 3339."""
    job: str | None
    """What tells this job from all others."""
    run: str | None
    """What tells this run of the pipeline from all others."""
    whole_history: str
    """The setting by which the checkout has the whole history, in words for the user."""
    foreign_revision: str | None
    """A commit that the checkout may be at, and that is not the request's: what the job began with."""
    base_branch: str | None
    """The branch that the request is to be merged into."""
    base_revision: str | None
    default_branch: str | None
    opened_at: str | None
    """When the request was opened, as RFC 3339; so are the other times."""
    merged_at: str | None
    merge_revision: str | None
    """The commit that the request became; of several, the last."""
    committed_at: str | None
    """When `revision` was committed."""


def detect(env: Mapping[str, str]) -> CiContext | None:
    """The CI system that the environment speaks of, and what it says."""
    for system in SYSTEMS:
        variable, value = system.present
        if env.get(variable) != value:
            continue
        job = JobEnvironment(env, system.event_file)
        repository = first(system.repository, job)
        attributes = {key: text.read(job) for key, text in system.attributes.items()}
        attempt = first(system.attempt, job)
        return CiContext(
            system=system.name,
            repository=normalise_repository(repository) if repository else None,
            request=first(system.request, job),
            revision=first(system.revision, job),
            branch=first(system.branch, job),
            tag=first(system.tag, job),
            message=first(system.message, job),
            attributes={
                **{key: value for key, value in attributes.items() if value},
                **({semconv.VSM_RUN_ATTEMPT: int(attempt)} if attempt else {}),
            },
            leg=first(system.leg, job),
            queued_at=first(system.queued_at, job),
            started_at=first(system.started_at, job),
            job=first(system.job, job),
            run=attributes[semconv.CICD_PIPELINE_RUN_URL_FULL] or attributes[semconv.CICD_PIPELINE_RUN_ID],
            whole_history=system.whole_history,
            foreign_revision=first(system.foreign_revision, job),
            base_branch=(first(system.base_branch, job) or "").removeprefix("refs/heads/") or None,
            base_revision=first(system.base_revision, job),
            default_branch=first(system.default_branch, job),
            opened_at=first(system.opened_at, job),
            merged_at=first(system.merged_at, job),
            merge_revision=first(system.merge_revision, job),
            committed_at=first(system.committed_at, job),
        )
    return None


def is_automation(env: Mapping[str, str]) -> bool:
    """Whether any CI runs us; nearly all of them set `CI`, also those that are not known here."""
    return env.get("CI", "").lower() in ("true", "1") or any(
        env.get(variable) == value for variable, value in (system.present for system in SYSTEMS)
    )
