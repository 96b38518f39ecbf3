"""`otel-vsm jobs` tells of a run's jobs that did not tell of themselves, by GitHub's API."""

import pytest

from harness.cli import Cli, without_history
from harness.github_api import GitHubApi, at, job
from otel_vsm.record import Record

TOKEN = "ghs_secret"


@pytest.fixture
def env(github_api: GitHubApi) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": github_api.url,
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_RUN_ID": "100",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_JOB": "report",
        "GITHUB_TOKEN": TOKEN,
    }


def told(cli: Cli, env: dict[str, str], *options: str) -> dict[str, Record]:
    before = len(cli.receiver.records)
    done = cli("jobs", *options, env=env)
    assert (done.returncode, done.stdout) == (0, "")
    assert "warning" not in done.stderr
    return {record.name: record for record in without_history(cli.receiver.records[before:])}


def test_a_job_that_failed_before_its_wrapper_is_a_stage(
    cli: Cli, github_api: GitHubApi, env: dict[str, str]
) -> None:
    steps = (("Run actions/checkout@v4", "failure"), ("Run otel-vsm stage build -- make", "skipped"))
    github_api.jobs = [job(7, "build (py3.12, linux)", "failure", *steps)]
    [record] = told(cli, env).values()
    expected = {
        "vsm.stage.name": "build",
        "vsm.stage.type": "build",
        "vsm.stage.leg": "py3.12, linux",
        "vsm.stage.queue.duration": 30.0,
        "vsm.change.id": "github.com/acme/shop#12",
        "cicd.pipeline.run.id": "100",
        "cicd.pipeline.task.name": "build",
        "cicd.pipeline.task.run.id": "7",
        "cicd.pipeline.task.run.result": "failure",
        "cicd.worker.name": "runner-7",
    }
    assert {key: record.attributes.get(key) for key in expected} == expected
    assert record.end_ns - record.start_ns == 20_000_000_000
    # Told again, it is the same span.
    assert told(cli, env)["build"].span_id == record.span_id


@pytest.mark.parametrize(
    ("conclusion", "result"),
    [("cancelled", "cancellation"), ("timed_out", "timeout"), ("skipped", "skip"), ("neutral", "skip")],
)
def test_results_are_told_as_ours(
    cli: Cli, github_api: GitHubApi, env: dict[str, str], conclusion: str, result: str
) -> None:
    github_api.jobs = [job(1, "build", conclusion)]
    assert told(cli, env)["build"].attributes["cicd.pipeline.task.run.result"] == result


@pytest.mark.parametrize(
    ("step", "wraps"),
    [
        ("Run otel-vsm deploy --service shop", True),
        ("Run acme/otel-vsm/ci_plugins/github/stage@2f1b", True),
        ("Run ./ci_plugins/github/stage", True),
        ("test (otel-vsm)", True),
        ("Run acme/otel-vsm/ci_plugins/github/setup@2f1b", False),
        ("Run otel-vsm doctor", False),
        ("Run pip install otel-vsm", False),
        ("Run make", False),
    ],
)
def test_what_tells_of_itself_is_not_told_again(
    cli: Cli, github_api: GitHubApi, env: dict[str, str], step: str, wraps: bool
) -> None:
    github_api.jobs = [job(1, "unit", "success", (step, "success"))]
    assert set(told(cli, env)) == (set() if wraps else {"unit"})
    assert told(cli, env, "--wrapped", "unit") == {}
    names = told(cli, env, "--stage", "unit=test")
    assert set(names) == ({"stage.queued"} if wraps else {"test"})


def test_all_pages_are_asked_for_and_only_this_attempt_is_told(
    cli: Cli, github_api: GitHubApi, env: dict[str, str]
) -> None:
    github_api.jobs = [job(number, f"job-{number}", "success") for number in range(120)]
    github_api.jobs.append(job(500, "earlier", "success", started_at=at(-400), completed_at=at(-300)))
    github_api.jobs.append(job(501, "unfinished", None, completed_at=None))
    assert set(told(cli, env)) == {f"job-{number}" for number in range(120)}
    assert set(github_api.tokens) == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_API_URL": "file:///etc/passwd"}, "GITHUB_API_URL"),
        ({"GITHUB_API_URL": "http://127.0.0.1:1"}, "127.0.0.1:1 does not answer"),
    ],
)
def test_what_is_wrong_is_said_and_fails_nothing(
    cli: Cli, env: dict[str, str], change: dict[str, str], says: str
) -> None:
    done = cli("jobs", env={**env, **change})
    assert done.returncode == 0
    assert says in done.stderr
    assert cli.receiver.records == []


@pytest.mark.parametrize("status", [302, 403, 404, 500])
def test_a_refusal_is_said_without_the_token(
    cli: Cli, github_api: GitHubApi, env: dict[str, str], status: int
) -> None:
    github_api.status = status
    done = cli("jobs", env=env)
    assert done.returncode == 0
    assert f"answers {status}" in done.stderr
    assert ("actions: read" in done.stderr) is (status in (403, 404))
    assert TOKEN not in done.stderr


def test_an_answer_that_is_none_is_said(cli: Cli, github_api: GitHubApi, env: dict[str, str]) -> None:
    github_api.jobs = "nothing"  # type: ignore[assignment]
    done = cli("jobs", env=env)
    assert (done.returncode, "does not answer with jobs" in done.stderr) == (0, True)
    github_api.jobs = [None, 7, {"id": 1}, {"id": 2, "name": "x", "conclusion": "new", "started_at": "soon"}]
    assert told(cli, env) == {}


def test_without_an_endpoint_nothing_is_asked(quiet: Cli, github_api: GitHubApi, env: dict[str, str]) -> None:
    done = quiet("jobs", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert github_api.tokens == []
