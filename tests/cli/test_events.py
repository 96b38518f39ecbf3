"""The commands that tell of an instant."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from harness.cli import Cli, Repository
from otel_vsm.identity import change_root, incident_root, work_item_root
from otel_vsm.testing import OtlpReceiver

AT = ("--at", "2026-03-01T09:30:00Z")
AT_NS = 1_772_357_400_000_000_000
CI = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/shop"}
REQUEST = {**CI, "GITHUB_REF": "refs/pull/77/merge", "GITHUB_SHA": "0" * 40}


def test_an_event_of_a_change_is_told(cli: Cli, shop: Repository) -> None:
    record = cli.record("change", "merged", *AT, "--team", "checkout")
    assert (record.trace_id, record.parent_span_id) == change_root("github.com/acme/shop#12")
    assert (record.name, record.start_ns, record.end_ns) == ("change.merged", AT_NS, AT_NS)
    assert record.attributes == {
        "vsm.event.name": "change.merged",
        "vsm.change.id": "github.com/acme/shop#12",
        "vcs.repository.url.full": "https://github.com/acme/shop",
        "vcs.change.id": "12",
        "vcs.ref.head.revision": shop.git("rev-parse", "HEAD"),
        "vcs.ref.head.name": "main",
        "vcs.ref.head.type": "branch",
        "vcs.owner.name": "acme",
        "vcs.repository.name": "shop",
        "vsm.team": "checkout",
        "vsm.backfilled": True,
    }


def test_without_a_time_it_is_now(cli: Cli) -> None:
    before = time.time_ns()
    record = cli.record("change", "opened")
    assert before <= record.start_ns == record.end_ns <= time.time_ns()


def test_what_is_told_twice_is_one_event(cli: Cli) -> None:
    assert cli.record("change", "opened", *AT).span_id == cli.record("change", "opened", *AT).span_id
    assert cli.record("change", "opened").span_id != cli.record("change", "merged").span_id
    assert cli.record("change", "opened").span_id != cli.record("change", "opened", "--change", "13").span_id


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (["work-item", "--id", "SHOP-17"], "blocked"),
        (["work-item", "--id", "SHOP-17"], "unblocked"),
        (["change"], "reviewed"),
        (["change"], "approved"),
        (["incident", "--id", "INC-42", "--service", "shop"], "started"),
        (["incident", "--id", "INC-42", "--service", "shop"], "resolved"),
    ],
)
def test_what_happens_again_is_another_event(cli: Cli, command: list[str], event: str) -> None:
    first, second = AT, ("--at", "2026-03-01T09:30:01Z")
    span_ids = [cli.record(*command, event, *at).span_id for at in (first, second, first)]
    assert span_ids[0] == span_ids[2] != span_ids[1]
    # Within its second, it is the same one: other tools may round.
    assert cli.record(*command, event, "--at", "2026-03-01T09:30:00.9Z").span_id == span_ids[0]
    assert cli.record(*command, event).span_id not in span_ids


def test_gates_are_apart(cli: Cli) -> None:
    security = cli.record("approval", "granted", "--gate", "security", *AT, "--actor", "human")
    production = cli.record("approval", "granted", "--gate", "production", *AT)
    assert security.span_id != production.span_id
    assert security.attributes["vsm.approval.gate"] == "security"
    assert security.attributes["vsm.event.name"] == "approval.granted"
    assert security.attributes["vsm.actor.type"] == "human"


@pytest.mark.parametrize(
    "given", ["13", "#13", "!13", "github.com/acme/shop#13", "https://github.com/acme/shop/pull/13"]
)
def test_a_named_change_may_be_another_than_the_checkout(cli: Cli, given: str) -> None:
    record = cli.record("change", "approved", "--change", given)
    assert record.trace_id == change_root("github.com/acme/shop#13").trace_id
    assert record.attributes["vcs.change.id"] == "13"
    # HEAD is of change 12. With both on one span, the two would be taken for one change.
    assert "vcs.ref.head.revision" not in record.attributes
    assert "vcs.ref.head.name" not in record.attributes


@pytest.mark.parametrize(
    "command",
    [
        ("change", "merged"),
        ("approval", "granted", "--gate", "g"),
        ("work-item", "started", "--id", "W"),
        ("incident", "detected", "--id", "I", "--service", "shop"),
        ("retract", "change", "merged"),
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_change_that_cannot_be_read_is_refused(cli: Cli, command: tuple[str, ...], by: str) -> None:
    address = "https://ada:sec/ret@github.com/acme/shop#13"
    done = (
        cli(*command, "--change", address)
        if by == "option"
        else cli(*command, env={"OTEL_VSM_CHANGE_ID": address})
    )
    assert done.returncode == 2
    assert "give a request's number, <repository>#<number>" in " ".join(done.stderr.split())
    assert "sec" not in done.stderr
    assert not cli.receiver.records


def test_a_named_change_of_another_repository_has_nothing_of_this_one(cli: Cli) -> None:
    sha = "9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d"
    attributes = cli.record("change", "merged", "--change", f"gitlab.com/acme/api@{sha}").attributes
    assert attributes["vsm.change.id"] == f"gitlab.com/acme/api@{sha}"
    assert attributes["vcs.repository.url.full"] == "https://gitlab.com/acme/api"
    assert attributes["vcs.ref.head.revision"] == sha
    assert "vcs.ref.head.name" not in attributes


def test_a_work_item_has_a_trace_of_its_own(cli: Cli) -> None:
    record = cli.record("work-item", "started", "--id", "SHOP-17", *AT)
    assert (record.trace_id, record.parent_span_id) == work_item_root("SHOP-17")
    assert record.attributes == {
        "vsm.event.name": "work_item.started",
        "vsm.work_item.id": "SHOP-17",
        "vsm.backfilled": True,
    }


@pytest.mark.parametrize(
    ("options", "env", "change"),
    [
        (["--change", "13"], {}, "#13"),
        ([], {"OTEL_VSM_CHANGE_ID": "github.com/acme/shop#14"}, "#14"),
        ([], REQUEST, "#77"),
        (["--change", "13"], REQUEST, "#13"),
    ],
)
def test_a_work_item_of_a_change_that_is_said(
    cli: Cli, options: list[str], env: dict[str, str], change: str
) -> None:
    record = cli.record("work-item", "blocked", "--id", "SHOP-17", *options, env=env)
    assert record.attributes["vsm.change.id"] == f"github.com/acme/shop{change}"
    assert record.trace_id == change_root(f"github.com/acme/shop{change}").trace_id
    assert "vcs.ref.head.revision" not in record.attributes


def test_an_incident_has_a_trace_of_its_own_and_no_change(cli: Cli) -> None:
    record = cli.record(
        *("incident", "detected", "--id", "INC-42", "--service", "shop", "--severity", "high"),
        *("--deployment", "d-1", "--team", "on call", *AT),
    )
    assert (record.trace_id, record.parent_span_id) == incident_root("INC-42")
    assert record.attributes == {
        "vsm.event.name": "incident.detected",
        "vsm.incident.id": "INC-42",
        "vsm.incident.severity": "high",
        "service.name": "shop",
        "deployment.environment.name": "production",
        "deployment.id": "d-1",
        "vsm.team": "on call",
        "vsm.backfilled": True,
    }
    assert record.links == ()


def test_a_change_that_is_named_is_linked_to_the_incident(cli: Cli) -> None:
    record = cli.record(
        *("incident", "resolved", "--id", "INC-42", "--service", "shop", "--environment", "staging"),
        *("--change", "github.com/acme/shop#12"),
    )
    assert record.links == (change_root("github.com/acme/shop#12"),)
    assert "vsm.change.id" not in record.attributes
    assert record.attributes["deployment.environment.name"] == "staging"


def test_an_event_in_a_stage_is_its_child(cli: Cli) -> None:
    trace_id = change_root("github.com/acme/shop#12").trace_id
    record = cli.record("change", "merged", env={"TRACEPARENT": f"00-{trace_id}-00f067aa0ba902b7-01"})
    assert record.parent_span_id == "00f067aa0ba902b7"


def test_a_dead_endpoint_does_not_fail_it(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    with otlp_receiver.refusing():
        done = cli("change", "merged")
    assert (done.returncode, done.stdout) == (0, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        ("change", "merged"),
        ("approval", "granted", "--gate", "production"),
        ("work-item", "started", "--id", "SHOP-1"),
        ("incident", "started", "--id", "I", "--service", "shop"),
        ("deploy", "--service", "shop", "--environment", "production"),
        ("begin", "review"),
        ("end", "review"),
    ],
)
def test_what_is_still_to_come_is_refused(cli: Cli, command: tuple[str, ...]) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=4)
    assert cli(*command, "--at", soon.isoformat()).returncode == 0
    later = soon + timedelta(minutes=2)
    done = cli(*command, "--at", later.isoformat())
    assert done.returncode == 2
    assert "is still to come" in done.stderr


def test_what_is_told_as_it_happens_is_not_backfilled(cli: Cli) -> None:
    assert "vsm.backfilled" not in cli.record("change", "merged").attributes
    told = cli.record("change", "merged", "--at", "2026-03-01T09:30:00Z")
    assert told.attributes["vsm.backfilled"] is True


def test_a_statement_of_three_commits_is_three_statements(cli: Cli, shop: Repository) -> None:
    shas = [shop.commit(f"Step {step}") for step in range(3)]
    at = ("--at", "2026-03-01T09:30:00Z")
    records = [cli.record("change", "merged", "--change", "14", "--revision", sha, *at) for sha in shas]
    assert [record.attributes["vcs.ref.head.revision"] for record in records] == shas
    assert len({record.span_id for record in records}) == 3
    again = cli.record("change", "merged", "--change", "14", "--revision", shas[0], *at)
    assert again == records[0]
