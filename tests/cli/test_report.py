"""`otel-vsm report`, against something that answers as the collector's API does."""

import csv
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

from otel_vsm.cli.documents import FORMATS
from otel_vsm.cli.report import report


def values(count: int = 0, **parts: float) -> dict[str, Any]:
    return {"unit": "s", "count": count} | dict.fromkeys(("mean", "p50", "p75", "p90", "p95", "max")) | parts


def rate(name: str, part: int, whole: int) -> dict[str, Any]:
    return {name: part, "deployments": whole, "ratio": part / whole if whole else None}


def figures(lead_s: float, deployments: int, failed: int) -> dict[str, Any]:
    return {
        "change_lead_time": values(41, p50=lead_s, mean=lead_s * 2, p90=520_000.0),
        "deployment_frequency": {
            "deployments": deployments,
            "days_with_deployments": 20,
            "per_day": deployments / 30,
        },
        "change_fail_rate": rate("failed", failed, deployments),
        "failed_deployment_recovery_time": values(3, p50=2_100.0, p90=9_000.0),
        "deployment_rework_rate": rate("rework", 2, deployments),
        "time_to_restore": values(1, p50=1_980.0, p90=1_980.0),
        "time_to_detect": values(),
    }


LIMITS = [
    {"figure": "change_fail_rate", "value": 3 / 42, "limit": 0.05, "at_least": False, "breached": True},
    {"figure": "change_lead_time", "value": 1.0, "limit": 2.0, "at_least": False, "breached": False},
]
WINDOW = {"from": "2026-04-01T10:00:00Z", "to": "2026-05-01T10:00:00.5Z"}
LEAD_TIME: dict[str, Any] = values(41, p50=187_200.0, p90=520_000.0)
DORA = figures(187_200.0, 42, 3) | {
    "window": WINDOW,
    "profile": "dora",
    "statistic": "p50",
    "limits": LIMITS,
    "previous": figures(374_400.0, 21, 0) | {"window": WINDOW},
}
NONE = {
    "change_lead_time": values(),
    "deployment_frequency": {"deployments": 0, "days_with_deployments": 0, "per_day": 0.0},
    "change_fail_rate": rate("failed", 0, 0),
    "failed_deployment_recovery_time": values(),
    "deployment_rework_rate": rate("rework", 0, 0),
    "time_to_restore": values(),
}
NOTHING = DORA | NONE | {"previous": DORA["previous"] | NONE, "limits": []}
FLOW = {
    "flow_time": values(41, p50=200_000.0),
    "cycle_time": values(41, p50=100_000.0),
    "flow_efficiency": 0.25,
    "throughput_per_day": 1.5,
    "wip": 4,
    "work_in_progress": {
        "p50_age_s": 7_200.0,
        "max_age_s": 864_000.0,
        "by_stage": [{"stage": "build", "changes": 4, "unfinished": 1}],
        "oldest": [{"id": "github.com/acme/shop#7"}],
    },
    "bottleneck": {"reason": "Half of the delivered changes waited 5 h or more for build."},
    "rework": {"rework_runs": 7, "executions": 120, "ratio": 7 / 120, "flaky_runs": 0},
    "handoffs": {
        "count": 3,
        "wait_time": values(3, p50=600.0),
        "pairs": [{"from_team": "core", "to_team": "ops", "count": 2}],
    },
    "approvals": [
        {"gate": "release", "actor_type": "human", "granted": 4, "denied": 1, "pending": 1, "breaches": 2}
    ],
    "limits": [{"figure": "tests", "value": 0.9, "limit": 0.98, "at_least": True, "breached": True}],
}
BLOCKED: dict[str, Any] = {"oldest": [], "by_stage": [], "blocked_items": 3}
IDLE = FLOW | {"wip": 0, "approvals": [], "work_in_progress": {"oldest": [], "by_stage": []}}
MEASUREMENT = {
    "stage_runs": {"count": 120, "unlinked": 6, "why": {"no_identity": 6}},
    "deployments": {"count": 42, "unlinked": 1, "why": {"unknown_revision": 1}, "cut_history": 5},
    "left_out": {"retracted": 2, "retracts_nothing": 1, "future": 1},
    "excluded": {"clock_skew": 2},
    "clock_skew": {"child_before_parent": 3},
    "ingest_delay": values(9, p50=4.0) | {"backfilled": 3},
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
COMPARISON = {
    "settings": [
        {"name": "failure_methods", "profile": ["hotfix"], "with": [], "rows": 3},
        {"name": "median", "profile": "interpolated", "with": "lower", "rows": None},
        {"name": "unit", "profile": "change", "with": "request", "rows": 0},
    ],
    "several_together": 1,
    "items": [],
}


def explanation(asked: dict[str, list[str]]) -> dict[str, Any]:
    change = {"mapping": "links", "trace_id": "ab" * 16}
    row: dict[str, Any] = {
        "kind": "change",
        "id": "github.com/acme/a-long-name-of-a-repository#7",
        "change": change,
        "execution": None,
        "deployment": {"service": "shop", "version": None, "revision": "9f2c1d7e" + "0" * 32},
    }
    row |= {"at": "2026-04-02T10:00:00Z", "value": 7_200.0, "method": "change.first_commit", "reason": None}
    row |= {"stage": "build" if asked["figure"] == ["wip"] else None}
    if asked["figure"] == ["rework"]:
        execution = {"legs": 4, "pipeline_run": "77", "attempt": 2, "trace_id": "ab" * 16}
        execution |= {"service": "search", "revision": "5" * 40}
        row |= {"kind": "execution", "id": "t:1", "change": None, "execution": execution, "stage": "test"}
        row |= {"method": None, "deployment": None}
    if asked["figure"] == ["deployment_frequency"]:
        deployment = {"trace_id": "ab" * 16, "replaced_runs": 1, "attempt": 2}
        row |= {"kind": "deployment", "change": None, "deployment": deployment, "method": None}
    left_out = row | {"id": "github.com/acme/shop#8", "value": None, "reason": "clock_skew"}
    return {
        "figure": asked["figure"][0],
        "profile": "dora",
        "value": (DORA | FLOW)[asked["figure"][0]],
        "settings": {"unit": "change", "mapping": ["links", "revision"], "incident_severities": None},
        "counted": {"rows": 41, "by_method": {}, "by_reason": {}},
        "left_out": {"rows": 1, "by_method": {}, "by_reason": {"clock_skew": 1}},
        "spans_left_out": {
            "retracted": 2,
            "future": 1,
            "latest": [{"by_team": "red", "by_actor_type": "human"}],
        },
        "reasons": {"clock_skew": "the clocks disagree"},
        "items": [left_out if asked["rows"] == ["left_out"] else row],
    }


@dataclass
class Api:
    """Answers with what it is given and remembers what it was asked."""

    url: str = ""
    dora: Any = field(default_factory=lambda: DORA)
    other: Any = field(default_factory=lambda: DORA | figures(190_000.0, 42, 0) | {"profile": "devlake"})
    flow: Any = field(default_factory=lambda: FLOW)
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
            what = path.removeprefix("/api/v1/")
            answers = {
                "dora": api.other if "devlake" in parse_qs(query).get("profile", []) else api.dora,
                "flow": api.flow,
                "measurement": MEASUREMENT,
                "stages": {"items": api.stages, "next_cursor": None},
                "compare": COMPARISON,
                "map.svg": None,
            }
            answer = explanation(parse_qs(query)) if what == "explain" else answers[what]
            body = b"<svg >" if answer is None else json.dumps(answer).encode()
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


def lines_of(output: str) -> dict[str, str]:
    """The lines, by what stands in their first column."""
    return {line.partition("  ")[0]: line for line in output.splitlines() if line}


def test_a_figure_says_what_it_was_and_how_much_is_behind_it(api: Api) -> None:
    result = run("--url", api.url)
    assert result.exit_code == 0, result.output
    lines = lines_of(result.output)
    assert "Delivery to production, profile dora: 30d, 2026-04-01 10:00 to 2026-05-01 10:00 UTC" in lines
    lead = lines["Change lead time"]
    assert "2 d 4 h" in lead
    assert "4 d 8 h, now 50 % less" in lead
    assert lead.endswith("41 changes; 9 in 10 in 6 d")
    frequency = lines["Deployment frequency"]
    assert "1.4 per day" in frequency
    assert "4.9 per week, now 100 % more" in frequency
    assert frequency.endswith("42 deployments on 20 days")
    assert "7.1 %" in lines["Change fail rate"]
    assert "0 %, now 7.1 points more" in lines["Change fail rate"]
    assert lines["Change fail rate"].endswith("3 of 42 deployments")
    assert "35 min, now the same" in lines["Recovery time"]
    assert "4.8 %" in lines["Deployment rework rate"]
    # Of a single value there is no spread.
    assert lines["Time to restore"].endswith("1 incident")
    assert lines["Time to detect"].split()[-3:] == ["–", "0", "incidents"]
    assert "Times are medians" in result.output


def test_the_report_is_a_document_in_markdown_html_or_csv(api: Api) -> None:
    api.flow = FLOW | {"bottleneck": {"reason": "Half <b>waited</b> | for build."}}
    markdown, html, table = (run("--url", api.url, "--format", form).output for form in FORMATS)
    assert "| Change lead time | 2 d 4 h | 4 d 8 h, now 50 % less | 41 changes; 9 in 10 in 6 d |" in markdown
    assert r"Bottleneck: Half \<b\>waited\</b\> \| for build." in markdown
    assert "Limit: change fail rate is 7.1 %, and should be at most 5 %" in markdown
    assert html.startswith("<!doctype html>")
    assert "<td>Change lead time</td><td>2 d 4 h</td>" in html
    assert "Half &lt;b&gt;waited" in html
    assert '<div class="drawing"><svg ' in html
    rows = list(csv.reader(table.splitlines()))
    assert ["Change lead time", "2 d 4 h"] in [row[:2] for row in rows]
    assert [row[0] for row in rows if row].count("build") == 1


def test_a_document_is_of_the_report_alone(api: Api) -> None:
    result = run("--url", api.url, "--format", "html", "--explain", "change_fail_rate")
    assert result.exit_code == 2
    assert "leave out --explain" in result.output


def test_failures_without_recovery_are_said(api: Api) -> None:
    api.dora = DORA | {
        "change_fail_rate": rate("failed", 4, 42),
        "failed_deployment_recovery_time": values(),
    }
    recovery = next(line for line in run("--url", api.url).output.splitlines() if "Recovery time" in line)
    assert recovery.endswith("0 of 4 failures")


def test_the_window_is_said_in_the_time_zone_that_is_asked_for(api: Api) -> None:
    output = run("--url", api.url, "--time-zone", "Europe/Berlin").output
    assert "2026-04-01 12:00 to 2026-05-01 12:00 Europe/Berlin\n" in output
    assert "2026-04-01 10:00 to 2026-05-01 10:00 UTC\n" in run("--url", api.url).output


def test_by_a_profile_of_means_a_figure_is_a_mean(api: Api) -> None:
    api.dora = DORA | {"statistic": "mean"}
    result = run("--url", api.url)
    assert "4 d 8 h" in lines_of(result.output)["Change lead time"]
    assert "Times are means" in result.output


def test_it_fits_into_a_terminal(api: Api) -> None:
    for arguments in ([], ["--compare-with", "devlake"], ["--explain", "change_lead_time"]):
        result = run("--url", api.url, *arguments)
        assert result.exit_code == 0, result.output
        assert max(map(len, result.output.splitlines())) <= 100


def test_a_limit_that_is_breached_has_a_line(api: Api) -> None:
    limits = [line for line in run("--url", api.url).output.splitlines() if line.startswith("Limit")]
    assert limits == [
        "Limit: change fail rate is 7.1 %, and should be at most 5 %",
        "Limit: test pass rate is 90 %, and should be at least 98 %",
    ]


def test_flow_says_what_waits_and_what_holds_it_up(api: Api) -> None:
    output = run("--url", api.url).output
    lines = lines_of(output)
    assert "2 d 8 h" in lines["Flow time"]
    assert "25 %" in lines["Flow efficiency"]
    assert lines["Work in progress"].endswith("2 h old, up to 10 d (github.com/acme/shop#7); 1 unfinished")
    assert lines["Hand-offs"].endswith("wait 10 min; most from core to ops (2)")
    assert "2 of 6" in lines["Late approvals"]
    assert "Bottleneck: Half of the delivered changes waited 5 h or more for build." in output


def test_how_far_it_can_be_believed_is_said_in_the_end(api: Api) -> None:
    told = " ".join(run("--url", api.url).output.partition("Measured: ")[2].split())
    assert told == (
        "no change was found for 6 of 120 runs of stages and 1 of 42 deployments (no identity, unknown"
        " revision); 5 deployments told from a clone without the whole history; 2 changes delivered without a"
        " lead time; clocks disagree 3 times; 2 spans taken back; 1 retraction of what was never told;"
        " 1 span of a time to come; spans arrive 4 s after they end; 3 spans told afterwards."
    )


def test_a_figure_is_explained_row_by_row(api: Api) -> None:
    output = run("--url", api.url, "--explain", "change_lead_time").output
    assert "Left out before: 2 spans taken back, the last one by red, human\n" in output
    assert "Left out before: 1 span of a time to come\n" in output
    assert "Change lead time, by the profile dora: 2 d 4 h" in output
    assert "mapping links, revision; incident_severities any" in output
    counted, left_out = (line for line in output.splitlines() if "ab" * 16 in line)
    assert counted.startswith("…")
    assert "name-of-a-repository#7" in counted
    assert "2026-04-02  2 h    first_commit, links" in counted
    assert "… and 40 more, at /api/v1/explain" in output
    assert left_out.startswith("github.com/acme/shop#8")
    assert "clock_skew" in left_out
    assert output.splitlines().count("  shop 9f2c1d7e") == 2
    assert "clock_skew (1): the clocks disagree" in output
    asked = [query for path, query in api.asked if path.endswith("explain")]
    assert [query["rows"] for query in asked] == [["counted"], ["left_out"]]


def test_of_a_deployment_that_was_run_again_the_attempt_that_counts_is_shown(api: Api) -> None:
    output = run("--url", api.url, "--explain", "deployment_frequency").output
    counted, _ = (line for line in output.splitlines() if "ab" * 16 in line)
    assert "2 h    attempt 2" in counted


def test_of_an_execution_service_and_revision_are_shown(api: Api) -> None:
    output = run("--url", api.url, "--explain", "rework").output
    assert output.splitlines().count("  search 55555555") == 2


def test_of_a_share_what_is_above_the_line_is_shown(api: Api) -> None:
    output = run("--url", api.url, "--explain", "change_fail_rate").output
    assert "ABOVE THE LINE (3)" in output
    assert next(query["rows"] for path, query in api.asked if path.endswith("explain")) == ["part"]


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ("flow_time", "Flow time, by the profile dora: 2 d 8 h"),
        ("flow_efficiency", "Flow efficiency, by the profile dora: 25 %"),
        ("throughput_per_day", "Throughput, by the profile dora: 1.5 per day"),
        ("wip", "Work in progress, by the profile dora: 4 changes"),
        ("handoffs", "Hand-offs, by the profile dora: 3"),
        ("approvals", "Late approvals, by the profile dora: 2"),
        ("rework", "Rework, by the profile dora: 5.8 %"),
    ],
)
def test_figures_of_flow_are_explained_too(api: Api, figure: str, said: str) -> None:
    output = run("--url", api.url, "--explain", figure).output
    assert said in output
    assert "Behind it: 41 rows" in output
    assert ("links, build" in output) == (figure == "wip")
    assert ("ABOVE THE LINE (7)" in output) == (figure == "rework")
    assert ("test, 4 legs, in 77.2" in output) == (figure == "rework")


def test_two_profiles_are_shown_side_by_side_with_what_makes_them_differ(api: Api) -> None:
    output = run("--url", api.url, "--compare-with", "devlake").output
    lines = lines_of(output)
    fails = lines["Change fail rate"].split("  ")
    assert [cell.strip() for cell in fails if cell][1:] == [
        "7.1 %",
        "0 %",
        "3 of 42 deployments",
        "0 of 42 deployments",
    ]
    told = " ".join(output.split())
    assert (
        "Change fail rate differs by failure_methods (hotfix / ): 3 rows; median (interpolated / lower);"
        " several together: 1 row." in told
    )
    compared = {query["figure"][0] for path, query in api.asked if path.endswith("compare")}
    assert "time_to_restore" not in compared, "what is the same needs no reason"


def test_a_stage_has_a_line_of_aligned_columns(api: Api) -> None:
    result = run("--url", api.url)
    head, build = (line for line in result.output.splitlines() if line.startswith(("STAGE", "build")))
    assert build.split("  ")[0] == "build"
    for column, cell in (
        ("RUNS", "120"),
        ("TAKES", "42 s"),
        ("WAITS BEFORE", "5 h"),
        ("SUCCEEDS", "95 %"),
        ("RIGHT FIRST TIME", "90 %"),
        ("%C/A", "87.5 %"),
        ("REDONE", "7"),
        ("IN IT", "3"),
    ):
        end = head.index(column) + len(column)
        assert build[:end].endswith(" " + cell), column


def test_what_is_asked_for_reaches_the_api(api: Api) -> None:
    result = run("--url", api.url + "/", "--window", "2w", "--service", "a&b", "--environment", "staging",
                 "--repository", "github.com/acme/shop", "--team", "core", "--value-stream", "sales",
                 "--severity", "high", "--profile", "devlake", "--time-zone", "Europe/Berlin")  # fmt: skip
    assert result.exit_code == 0, result.output
    wanted = {"window": ["2w"], "service": ["a&b"], "environment": ["staging"],
              "repository": ["github.com/acme/shop"], "team": ["core"], "value_stream": ["sales"],
              "severity": ["high"], "profile": ["devlake"], "time_zone": ["Europe/Berlin"]}  # fmt: skip
    asked = [(f"/api/v1/{path}", wanted) for path in ("dora", "flow", "stages")]
    # No incident is measured.
    measured = {name: one for name, one in wanted.items() if name != "severity"}
    assert api.asked == [*asked, ("/api/v1/measurement", measured)]
    assert "Delivery to staging, service a&b, repository github.com/acme/shop, team core" in result.output
    assert ", value stream sales, severity high, profile devlake: 2w, " in result.output


def test_json_is_what_the_api_answered(api: Api) -> None:
    result = run("--url", api.url, "--format", "json")
    assert json.loads(result.stdout) == {
        "dora": DORA,
        "flow": FLOW,
        "stages": [BUILD],
        "measurement": MEASUREMENT,
    }


def test_nothing_to_show_says_why_and_what_to_do(api: Api) -> None:
    api.dora, api.stages, api.flow = NOTHING, [], IDLE
    result = run("--url", api.url, "--service", "shop")
    assert result.exit_code == 0
    assert "no stage ran, nothing was deployed, no incident ended" in result.output
    assert "otel-vsm report --window 365d" in result.output
    assert "leave out --service" in result.output
    assert "otel-vsm backfill git . --service shop" in result.output
    assert "Change lead time" not in result.output


@pytest.mark.parametrize(
    ("dora", "flow", "said"),
    [
        ({}, {"wip": 2}, "2 open changes"),
        ({}, {"approvals": [{"pending": 1, "breaches": 0}]}, "1 waiting approval"),
        (
            {},
            {"work_in_progress": {"oldest": [], "by_stage": [], "blocked_items": 3}},
            "3 blocked work items",
        ),
        ({"active_incidents": 1}, {}, "1 active incident"),
    ],
)
def test_what_is_under_way_is_something_to_show(
    api: Api, dora: dict[str, Any], flow: dict[str, Any], said: str
) -> None:
    api.dora, api.stages, api.flow = NOTHING | dora, [], IDLE | flow
    output = run("--url", api.url).output
    assert "Nothing is known" not in output
    assert f"Under way: {said}." in output


def test_the_ends_of_a_window_are_asked_for_instead_of_its_length(api: Api) -> None:
    result = run("--url", api.url, "--from", "2026-04-01", "--to", "2026-05-01")
    assert result.exit_code == 0, result.output
    assert api.asked[0][1] == {"from": ["2026-04-01"], "to": ["2026-05-01"], "environment": ["production"]}
    assert "profile dora: 2026-04-01 10:00 to 2026-05-01 10:00 UTC" in result.output
    assert "VALUE" in result.output
    assert "  BEFORE" in result.output


def test_what_a_lead_time_is_counted_from_is_said_where_it_is_not_the_first_commit_for_all(api: Api) -> None:
    starts = {"change.first_commit": 30, "change.opened": 8, "span": 3}
    api.dora = DORA | {"change_lead_time": LEAD_TIME | {"starts": starts}}
    words = "first commit (30) or opening (8) or earliest span (3)"
    for arguments in ([], ["--compare-with", "devlake"]):
        assert words in " ".join(run("--url", api.url, *arguments).output.split()), arguments
    api.dora = DORA | {"change_lead_time": LEAD_TIME | {"starts": {"change.first_commit": 41}}}
    assert "Lead time: first commit to running there" in run("--url", api.url).output


def test_a_name_that_nothing_is_known_of_is_said(api: Api) -> None:
    message = "nothing is known of the service 'shpo'; did you mean shop?"
    api.dora = DORA | {"notices": [{"parameter": "service", "message": message}]}
    for arguments in ([], ["--compare-with", "devlake"], ["--explain", "change_lead_time"]):
        assert f"Note: {message}" in run("--url", api.url, "--service", "shpo", *arguments).output


def test_a_declared_value_stream_says_who_answers_for_it_and_what_it_is_judged_by(api: Api) -> None:
    stream = {"name": "checkout", "recipient": "people who buy", "owner": "Ada"}
    api.dora = DORA | {"value_stream": stream | {"primary_measure": "change_lead_time"}}
    assert (
        "Value stream checkout; for people who buy; Ada answers for it; judged by change lead time: 2 d 4 h"
        in run("--url", api.url, "--value-stream", "checkout").output
    )


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
