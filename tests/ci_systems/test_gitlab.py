"""What a job of GitLab CI/CD tells, by the kind of its pipeline."""

from otel_vsm.ci import CiContext, detect

MERGE, HEAD, MAIN = "1" * 40, "2" * 40, "3" * 40
JOB = {
    "CI": "true",
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.com/acme/shop",
    "CI_PROJECT_PATH": "acme/shop",
    "CI_PIPELINE_ID": "1001",
    "CI_PIPELINE_URL": "https://gitlab.com/acme/shop/-/pipelines/1001",
    "CI_PIPELINE_NAME": "",
    "CI_JOB_ID": "2002",
    "CI_JOB_NAME": "unit 1/2",
    "CI_JOB_URL": "https://gitlab.com/acme/shop/-/jobs/2002",
    "CI_COMMIT_SHA": MAIN,
    "CI_COMMIT_MESSAGE": "Merge branch 'cart'\n\nSee merge request acme/shop!12",
    "CI_COMMIT_REF_NAME": "main",
}
REQUEST = {
    "CI_MERGE_REQUEST_IID": "12",
    "CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.com/acme/shop",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "cart",
    "CI_COMMIT_REF_NAME": "cart",
}


def detected(**env: str) -> CiContext:
    context = detect({**JOB, **env})
    assert context is not None
    return context


def fields(context: CiContext) -> tuple[str | None, ...]:
    return context.repository, context.request, context.revision, context.branch


def test_the_pipeline_is_told() -> None:
    context = detected()
    assert context.system == "GitLab CI/CD"
    assert context.attributes == {
        "vcs.provider.name": "gitlab",
        "cicd.pipeline.run.id": "1001",
        "cicd.pipeline.run.url.full": "https://gitlab.com/acme/shop/-/pipelines/1001",
        "cicd.pipeline.task.name": "unit 1/2",
        "cicd.pipeline.task.run.id": "2002",
        "cicd.pipeline.task.run.url.full": "https://gitlab.com/acme/shop/-/jobs/2002",
    }
    assert detected(CI_PIPELINE_NAME="Nightly").attributes["cicd.pipeline.name"] == "Nightly"


def test_a_branch() -> None:
    context = detected(CI_COMMIT_BRANCH="main")
    assert fields(context) == ("gitlab.com/acme/shop", None, MAIN, "main")
    assert context.message == JOB["CI_COMMIT_MESSAGE"]


def test_a_tag() -> None:
    context = detected(CI_COMMIT_TAG="v1.2", CI_COMMIT_REF_NAME="v1.2")
    assert (context.branch, context.tag) == ("v1.2", "v1.2")
    assert detected(CI_COMMIT_BRANCH="main").tag is None


def test_a_merge_request() -> None:
    assert fields(detected(**REQUEST, CI_COMMIT_SHA=HEAD)) == ("gitlab.com/acme/shop", "12", HEAD, "cart")


def test_merged_results_are_at_the_requests_head_and_not_at_the_made_up_merge() -> None:
    context = detected(**REQUEST, CI_COMMIT_SHA=MERGE, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=HEAD)
    assert fields(context) == ("gitlab.com/acme/shop", "12", HEAD, "cart")
    plain = detected(**REQUEST, CI_COMMIT_SHA=HEAD, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA="")
    assert plain.revision == HEAD


def test_a_forks_pipeline_is_of_the_projects_request() -> None:
    context = detected(**REQUEST, CI_PROJECT_URL="https://gitlab.com/ada/shop", CI_PROJECT_PATH="ada/shop")
    assert fields(context)[:2] == ("gitlab.com/acme/shop", "12")


def test_a_branch_with_one_open_request_in_this_project_is_of_it() -> None:
    assert detected(CI_OPEN_MERGE_REQUESTS="acme/shop!12").request == "12"
    assert detected(CI_OPEN_MERGE_REQUESTS="acme/shop!12,acme/shop!13").request is None
    assert detected(CI_OPEN_MERGE_REQUESTS="acme/other!12").request is None
    assert detected(CI_OPEN_MERGE_REQUESTS="acme/shop2!12").request is None


def test_where_a_merge_request_goes_and_when_its_commit_was_made() -> None:
    context = detected(
        **REQUEST,
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main",
        CI_MERGE_REQUEST_DIFF_BASE_SHA=MAIN,
        CI_DEFAULT_BRANCH="main",
        CI_COMMIT_TIMESTAMP="2026-10-01T08:00:00+02:00",
    )
    assert (context.base_branch, context.base_revision, context.default_branch) == ("main", MAIN, "main")
    assert context.committed_at == "2026-10-01T08:00:00+02:00"
