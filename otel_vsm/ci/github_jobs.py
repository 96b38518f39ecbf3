"""The jobs of a run of GitHub Actions, as the API of GitHub and of Gitea has them.

https://docs.github.com/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run-attempt
"""

import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from otel_vsm import semconv
from otel_vsm.change_times import time_ns
from otel_vsm.ci.source import as_text, at_path
from otel_vsm.identity import SpanId, digest
from otel_vsm.semconv import TaskResult

TIMEOUT_S = 10.0
MAX_BYTES = 16 << 20
PER_PAGE = 100
MAX_PAGES = 10
"""A matrix has 256 jobs at most."""
_RESULTS = {
    "success": TaskResult.SUCCESS,
    "failure": TaskResult.FAILURE,
    "cancelled": TaskResult.CANCELLATION,
    "timed_out": TaskResult.TIMEOUT,
    "skipped": TaskResult.SKIP,
    "neutral": TaskResult.SKIP,
}
# What stands in the name of a step that wraps a command, and of one that wraps none.
_WRAPPER = r"otel-vsm|ci_plugins/github/stage"
_NO_WRAPPER = r"otel-vsm (?:doctor|flush|report|jobs|--)|github/(?:setup|report)\b|pip.* install"


class JobsError(Exception):
    """The jobs cannot be had; the message says why, and what to do."""


class Job(NamedTuple):
    """A job that is over. Times in nanoseconds since the epoch."""

    id: str
    name: str
    """Without the leg."""
    leg: str | None
    url: str | None
    runner: str | None
    result: TaskResult
    created_ns: int
    start_ns: int
    end_ns: int
    is_wrapped: bool
    """A step that calls a wrapper of ours was begun, so that the job told of itself."""

    @property
    def span_id(self) -> SpanId:
        """The same whoever tells of the job."""
        return SpanId(digest(f"vsm.job:{self.url or self.id}")[:16])

    @property
    def attributes(self) -> dict[str, str]:
        """What is said of the job itself."""
        known = {
            semconv.CICD_PIPELINE_TASK_NAME: self.name,
            semconv.CICD_PIPELINE_TASK_RUN_ID: self.id,
            semconv.CICD_PIPELINE_TASK_RUN_URL_FULL: self.url,
            semconv.CICD_WORKER_NAME: self.runner,
        }
        return {key: value for key, value in known.items() if value is not None}


def jobs_of_run(env: Mapping[str, str], token: str) -> list[Job]:
    """The jobs of our run that ended in this attempt of it. JobsError where they cannot be had."""
    api, repository = env.get("GITHUB_API_URL", ""), env.get("GITHUB_REPOSITORY", "")
    run, attempt = env.get("GITHUB_RUN_ID", ""), env.get("GITHUB_RUN_ATTEMPT", "") or "1"
    if not (api.startswith(("https://", "http://")) and repository and run):
        raise JobsError("GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_RUN_ID do not say where the jobs are")
    address = f"{api.rstrip('/')}/repos/{repository}/actions/runs/{run}/attempts/{attempt}"
    began_ns = time_ns(as_text(at_path(_get(address, token), "run_started_at")))
    jobs = map(job_of, _listed(f"{address}/jobs", token))
    # An attempt that runs failed jobs again lists the others as they were.
    return [job for job in jobs if job and (began_ns is None or job.end_ns >= began_ns)]


def _listed(address: str, token: str) -> Iterator[Any]:
    for page in range(1, MAX_PAGES + 1):
        jobs = at_path(_get(f"{address}?per_page={PER_PAGE}&page={page}", token), "jobs")
        if not isinstance(jobs, list):
            raise JobsError(f"{urllib.parse.urlsplit(address).netloc} does not answer with jobs")
        yield from jobs
        if len(jobs) < PER_PAGE:
            return


def job_of(content: Any) -> Job | None:
    """A job as GitHub tells of it; None for one that is not over."""
    identity, name = as_text(at_path(content, "id")), as_text(at_path(content, "name"))
    start_ns = time_ns(as_text(at_path(content, "started_at")))
    end_ns = time_ns(as_text(at_path(content, "completed_at")))
    result = result_of(at_path(content, "conclusion"))
    if not (identity and name and result) or start_ns is None or end_ns is None:
        return None
    leg = re.fullmatch(r"(?P<job>.+?) \((?P<leg>.+)\)", name)
    created_ns = time_ns(as_text(at_path(content, "created_at")))
    steps = at_path(content, "steps")
    return Job(
        id=identity,
        name=leg["job"] if leg else name,
        leg=leg["leg"] if leg else None,
        url=as_text(at_path(content, "html_url")),
        runner=as_text(at_path(content, "runner_name")),
        result=result,
        # Of a job that was skipped it can lie after the start.
        created_ns=start_ns if created_ns is None else min(created_ns, start_ns),
        start_ns=start_ns,
        end_ns=max(start_ns, end_ns),
        is_wrapped=isinstance(steps, list) and any(map(_is_wrapper, steps)),
    )


def result_of(conclusion: object) -> TaskResult | None:
    """What GitHub's conclusion of a job or check means; None where it is not over, or that is not known."""
    return _RESULTS.get(str(conclusion))


def _is_wrapper(step: Any) -> bool:
    name = str(at_path(step, "name"))
    began = at_path(step, "conclusion") not in (None, "skipped")
    return began and bool(re.search(_WRAPPER, name)) and not re.search(_NO_WRAPPER, name)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token is for the API alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _get(address: str, token: str) -> Any:
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
    host = urllib.parse.urlsplit(address).netloc
    try:
        request = urllib.request.Request(address, headers=headers)
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as response:
            body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise JobsError(f"{host} answers with more than {MAX_BYTES >> 20} MiB")
        return json.loads(body)
    except urllib.error.HTTPError as error:
        remedy = "; the job needs the permission actions: read" if error.code in (401, 403, 404) else ""
        raise JobsError(f"{host} answers {error.code}{remedy}") from None
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise JobsError(f"{host} does not answer ({type(error).__name__})") from None
