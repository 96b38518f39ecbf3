"""What a CI system says about the job that we run in.

Each system is data, in a file of its own: where to read what. Only the file of the system at hand is loaded.
To add one, write such a file and list it in `PRESENT`.
"""

import importlib
from collections.abc import Mapping
from typing import NamedTuple

from otel_vsm import semconv
from otel_vsm.ci.source import JobEnvironment, System, first
from otel_vsm.identity import Repository, normalise_repository

PRESENT: tuple[tuple[str, dict[str, str | None]], ...] = (
    # These two set the variables of GitHub Actions as well.
    ("forgejo", {"FORGEJO_ACTIONS": "true"}),
    ("gitea", {"GITEA_ACTIONS": "true"}),
    ("github_actions", {"GITHUB_ACTIONS": "true"}),
    ("gitlab", {"GITLAB_CI": "true"}),
    # People set JENKINS_URL for its command line too.
    ("jenkins", {"JENKINS_URL": None, "BUILD_TAG": None}),
    ("azure_pipelines", {"TF_BUILD": "True"}),
    ("circleci", {"CIRCLECI": "true"}),
    ("buildkite", {"BUILDKITE": "true"}),
    ("bitbucket", {"BITBUCKET_BUILD_NUMBER": None}),
    ("teamcity", {"TEAMCITY_VERSION": None}),
    ("travis", {"TRAVIS": "true"}),
    # Woodpecker once was Drone, and can set its variables as well.
    ("woodpecker", {"CI": "woodpecker"}),
    ("drone", {"DRONE": "true"}),
    ("codebuild", {"CODEBUILD_BUILD_ID": None}),
    ("tekton", {"TEKTON_PIPELINE_RUN": None}),
    ("argo_workflows", {"ARGO_WORKFLOW_NAME": None, "ARGO_NODE_ID": None}),
    ("netlify", {"NETLIFY": "true"}),
    ("vercel", {"VERCEL": "1"}),
    # It has no variable of its own.
    ("cloud_build", {"PROJECT_ID": None, "PROJECT_NUMBER": None, "BUILD_ID": None, "LOCATION": None}),
)
"""The file of each system, and the variables that give it away, with the values that they have there; None:
any. The first that is there counts."""


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
    """Since when the job waited for its turn, as RFC 3339 or in seconds since the epoch."""
    started_at: str | None
    """When the job itself began, in the same way."""
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
    """When the request was opened; all times are written in these ways."""
    merged_at: str | None
    merge_revision: str | None
    """The commit that the request became; of several, the last."""
    committed_at: str | None
    """When `revision` was committed."""
    fork: bool
    """The request is known to come from another repository."""


def detect(env: Mapping[str, str]) -> CiContext | None:
    """The CI system that the environment speaks of, and what it says."""
    for module, variables in PRESENT:
        if not _are_set(variables, env):
            continue
        system: System = importlib.import_module(f"otel_vsm.ci.{module}").SYSTEM
        job = JobEnvironment(env, system.event_file)
        address = first(system.repository, job)
        repository = normalise_repository(address) if address else None
        head_repository = first(system.head_repository, job)
        attributes = {key: text.read(job) for key, text in system.attributes.items()}
        attempt = first(system.attempt, job)
        return CiContext(
            system=system.name,
            repository=repository,
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
            run=attributes.get(semconv.CICD_PIPELINE_RUN_URL_FULL)
            or attributes.get(semconv.CICD_PIPELINE_RUN_ID),
            whole_history=system.whole_history,
            foreign_revision=first(system.foreign_revision, job),
            base_branch=(first(system.base_branch, job) or "").removeprefix("refs/heads/") or None,
            base_revision=first(system.base_revision, job),
            default_branch=first(system.default_branch, job),
            opened_at=first(system.opened_at, job),
            merged_at=first(system.merged_at, job),
            merge_revision=first(system.merge_revision, job),
            committed_at=first(system.committed_at, job),
            fork=bool(head_repository) and normalise_repository(head_repository or "") != repository,
        )
    return None


def is_automation(env: Mapping[str, str]) -> bool:
    """Whether any CI runs us; nearly all of them set `CI`, also those that are not known here."""
    return is_some_ci(env) or any(_are_set(variables, env) for _, variables in PRESENT)


def is_some_ci(env: Mapping[str, str]) -> bool:
    """Whether a CI says that it is one, if not which."""
    return env.get("CI", "").lower() in ("true", "1")


def _are_set(variables: Mapping[str, str | None], env: Mapping[str, str]) -> bool:
    for name, value in variables.items():
        if (value is not None and env.get(name) != value) or not env.get(name):
            return False
    return True
