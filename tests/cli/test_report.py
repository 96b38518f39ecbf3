"""`otel-vsm report`, against something that answers as the collector's API does."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from otel_vsm.cli.report import report


def values(count: int = 0, **parts: float) -> dict[str, Any]:
    return {"unit": "s", "count": count} | dict.fromkeys(("mean", "p50", "p75", "p90", "p95", "max")) | parts


def rate(name: str, part: int, whole: int) -> dict[str, Any]:
    return {name: part, "deployments": whole, "ratio": part / whole if whole else None}


DORA = {
    "window": {"from": "2026-04-01T10:00:00Z", "to": "2026-05-01T10:00:00.5Z"},
    "profile": "dora",
    "change_lead_time": values(41, p50=187_200.0, p90=520_000.0),
    "deployment_frequency": {"deployments": 42, "days_with_deployments": 20, "per_day": 1.4},
    "change_fail_rate": rate("failed", 3, 42),
    "failed_deployment_recovery_time": values(3, p50=2_100.0, p90=9_000.0),
    "deployment_rework_rate": rate("rework", 2, 42),
    "time_to_restore": values(1, p50=1_980.0, p90=1_980.0),
    "time_to_detect": values(),
}
NOTHING = DORA | {
    "change_lead_time": values(),
    "deployment_frequency": {"deployments": 0, "days_with_deployments": 0, "per_day": 0.0},
    "change_fail_rate": rate("failed", 0, 0),
    "failed_deployment_recovery_time": values(),
    "deployment_rework_rate": rate("rework", 0, 0),
    "time_to_restore": values(),
}
BUILD = {
    "name": "build",
    "type": "build",
    "runs": 120,
    "process_time": values(120, p50=42.0),
    "wait_time": values(100, p50=18_000.0),
    "queue_time": values(),
    "success_ratio": 0.95,
    "first_pass_yield": 0.9,
    "complete_accurate": 0.875,
    "rework_runs": 7,
    "wip": 3,
}


@dataclass
class Api:
    """Answers with what it is given and remembers what it was asked."""

    url: str = ""
    dora: Any = field(default_factory=lambda: DORA)
    stages: list[Any] = field(default_factory=lambda: [BUILD])
    lag: str = "0"
    status: int = 200
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, urlsplit(self.path).query
            api.asked.append((path, parse_qs(query)))
            stages = {"items": api.stages, "next_cursor": None}
            body = json.dumps(api.dora if path == "/api/v1/dora" else stages).encode()
            self.send_response(api.status)
            self.send_header("vsm-lag-seconds", api.lag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    yield api
    server.shutdown()
    thread.join()
    server.server_close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(report, arguments)


def test_a_figure_says_what_it_means_and_how_much_is_behind_it(api: Api) -> None:
    result = run("--url", api.url)
    assert result.exit_code == 0, result.output
    lines = {
        line.partition("   ")[0]: line.split(maxsplit=0)[0] for line in result.output.splitlines() if line
    }
    assert "Delivery to production: 30d, 2026-04-01 10:00 to 2026-05-01 10:00 UTC" in lines
    lead = lines["Change lead time"]
    assert "2 d 4 h" in lead
    assert "9 in 10 within 6 d" in lead
    assert lead.endswith("first commit to running there; median of 41 changes")
    assert "1.4 per day" in lines["Deployment frequency"]
    assert "on 20 days" in lines["Deployment frequency"]
    assert "7.1 %" in lines["Change fail rate"]
    assert "3 of 42" in lines["Change fail rate"]
    assert "35 min" in lines["Recovery time"]
    assert "4.8 %" in lines["Deployment rework rate"]
    # Of a single value there is no spread.
    assert "9 in 10" not in lines["Time to restore"]
    assert lines["Time to restore"].endswith("median of 1 incident")
    assert " – " in lines["Time to detect"]


def test_a_stage_has_a_line_of_aligned_columns(api: Api) -> None:
    result = run("--url", api.url)
    head, build = (line for line in result.output.splitlines() if line.startswith(("STAGE", "build")))
    assert build.split("   ")[0] == "build"
    for column, cell in (
        ("RUNS", "120"),
        ("TAKES", "42 s"),
        ("WAITS BEFORE", "5 h"),
        ("SUCCEEDS", "95 %"),
        ("RIGHT FIRST TIME", "87.5 %"),
        ("REDONE", "7"),
        ("CHANGES IN IT", "3"),
    ):
        end = head.index(column) + len(column)
        assert build[:end].endswith(" " + cell), column


def test_what_is_asked_for_reaches_the_api(api: Api) -> None:
    result = run("--url", api.url + "/", "--window", "2w", "--service", "a&b", "--environment", "staging",
                 "--repository", "github.com/acme/shop", "--team", "core")  # fmt: skip
    assert result.exit_code == 0, result.output
    wanted = {"window": ["2w"], "service": ["a&b"], "environment": ["staging"],
              "repository": ["github.com/acme/shop"], "team": ["core"]}  # fmt: skip
    assert api.asked == [("/api/v1/dora", wanted), ("/api/v1/stages", wanted)]
    assert "Delivery to staging, service a&b, repository github.com/acme/shop, team core" in result.output


def test_json_is_what_the_api_answered(api: Api) -> None:
    result = run("--url", api.url, "--format", "json")
    assert json.loads(result.stdout) == {"dora": DORA, "stages": [BUILD]}


def test_nothing_to_show_says_why_and_what_to_do(api: Api) -> None:
    api.dora, api.stages = NOTHING, []
    result = run("--url", api.url, "--service", "shop")
    assert result.exit_code == 0
    assert "no stage ran, nothing was deployed, no incident ended" in result.output
    assert "otel-vsm report --window 365d" in result.output
    assert "leave out --service" in result.output
    assert "otel-vsm backfill git . --service shop" in result.output
    assert "Change lead time" not in result.output


def test_a_stage_alone_is_something_to_show(api: Api) -> None:
    api.dora = NOTHING
    result = run("--url", api.url)
    assert "Nothing is known" not in result.output
    assert "build" in result.output


def test_a_name_cannot_move_the_terminals_cursor(api: Api) -> None:
    api.stages = [BUILD | {"name": "evil\x1b[2J\nnext"}]
    result = run("--url", api.url)
    assert "\x1b" not in result.output
    assert "evil?[2J?next" in result.output


def test_a_collector_that_lags_is_said_beside_the_figures(api: Api) -> None:
    api.lag = "3.5"
    result = run("--url", api.url, "--format", "json")
    assert json.loads(result.stdout)["dora"] == DORA
    assert "3.5 s behind" in result.stderr


def test_no_collector_is_an_error_that_says_what_to_do() -> None:
    result = run("--url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "no collector answers at http://127.0.0.1:9" in result.stderr
    assert "otel-vsm collector" in result.stderr
    assert "--url" in result.stderr


def test_something_else_that_answers_is_not_taken_for_a_collector(api: Api) -> None:
    api.status, api.dora = 500, ["oops"]
    result = run("--url", api.url)
    assert result.exit_code == 1
    assert "is not how a collector answers" in result.stderr


@pytest.mark.parametrize("body", ["a page", {"other": "json"}])
def test_an_answer_that_is_no_report_is_an_error_without_a_traceback(api: Api, body: Any) -> None:
    api.dora = body
    result = run("--url", api.url)
    assert result.exit_code == 1, result.exception
    assert "is not how a collector answers" in result.stderr


def test_what_the_api_refuses_is_a_usage_error_in_its_words(api: Api) -> None:
    api.status, api.dora = 422, {"detail": "window: '3x' is no length of time", "errors": []}
    result = run("--url", api.url, "--window", "3x")
    assert result.exit_code == 2
    assert "window: '3x' is no length of time" in result.stderr


def test_an_address_without_scheme_is_a_usage_error() -> None:
    result = run("--url", "localhost:8750")
    assert result.exit_code == 2
    assert "http://127.0.0.1:8750" in result.stderr


def test_a_proxy_is_not_asked_for_a_collector_on_this_machine(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert run("--url", api.url).exit_code == 0


def test_it_needs_nothing_of_the_collectors_dependencies() -> None:
    code = "import sys, otel_vsm.cli.report; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"opentelemetry", "duckdb", "fastapi", "rich", "otel_vsm_collector"} & set(loaded)
