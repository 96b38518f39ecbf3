"""What was told by mistake is taken back by the words that it was told with."""

import pytest

from harness.cli import Cli, Repository
from otel_vsm.identity import change_root, incident_root
from otel_vsm.testing import RunningCollector

AT = ("--at", "2026-03-01T09:30:00Z")
SPAN, TRACE = "2ab248cfa8288917", "38e08dea033907f69fbb70c15f216a7d"
INCIDENT = ("--service", "shop", "--severity", "high")


@pytest.mark.parametrize(
    ("words", "only_told"),
    [
        (("change", "merged"), ()),
        (("change", "merged", "--change", "14"), ()),
        (("change", "merged", "--change", "14", "--revision", "main"), ()),
        (("change", "approved", *AT), ()),
        (("approval", "granted", "--gate", "production"), ()),
        (("work-item", "started", "--id", "SHOP-17"), ()),
        (("work-item", "blocked", "--id", "SHOP-17", "--change", "14", *AT), ()),
        (("incident", "acknowledged", "--id", "INC-1"), INCIDENT),
        (("incident", "detected", "--id", "INC-1", *AT), INCIDENT),
    ],
    ids=" ".join,
)
def test_the_same_words_find_it(cli: Cli, words: tuple[str, ...], only_told: tuple[str, ...]) -> None:
    told = cli.record(*words, *only_told)
    retraction = cli.record("retract", *words, "--team", "red")
    assert (retraction.trace_id, retraction.name) == (told.trace_id, "event.retracted")
    assert retraction.attributes["vsm.event.name"] == "event.retracted"
    assert retraction.attributes["vsm.retracts.span_id"] == told.span_id
    assert retraction.attributes["vsm.team"] == "red"
    assert retraction.start_ns == retraction.end_ns > told.start_ns
    again = cli.record("retract", *words)
    assert again.span_id == retraction.span_id != told.span_id


def test_it_says_whose_it_was(cli: Cli) -> None:
    of_change = cli.record("retract", "change", "merged")
    assert of_change.attributes["vsm.change.id"] == "github.com/acme/shop#12"
    assert of_change.parent_span_id == change_root("github.com/acme/shop#12").span_id
    of_incident = cli.record("retract", "incident", "mitigated", "--id", "INC-1")
    assert of_incident.attributes["vsm.incident.id"] == "INC-1"
    assert "vsm.change.id" not in of_incident.attributes
    assert of_incident.parent_span_id == incident_root("INC-1").span_id


def test_a_span_is_found_by_its_ids(cli: Cli) -> None:
    of_change = cli.record("retract", "span", SPAN.upper())
    assert of_change.trace_id == change_root("github.com/acme/shop#12").trace_id
    assert of_change.attributes["vsm.retracts.span_id"] == SPAN
    elsewhere = cli.record("retract", "span", SPAN, "--trace-id", TRACE)
    assert (elsewhere.trace_id, elsewhere.attributes["vsm.retracts.span_id"]) == (TRACE, SPAN)
    assert "vsm.change.id" not in elsewhere.attributes


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("change", "reviewed"), "change.reviewed can happen again: say with --at which one"),
        (("incident", "resolved", "--id", "INC-1"), "incident.resolved can happen again"),
        (("span", "2ab2"), "'2ab2' is not an id of 16 hexadecimal digits"),
        (("span", "0" * 16), "is not an id of 16 hexadecimal digits"),
        (("span", SPAN, "--trace-id", SPAN), "is not an id of 32 hexadecimal digits"),
        (("change", "merge"), "'merge' is not one of"),
    ],
)
def test_what_finds_nothing_is_refused(cli: Cli, words: tuple[str, ...], sentence: str) -> None:
    done = cli("retract", *words)
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())


def test_without_a_change_there_is_nothing_to_take_back(cli: Cli, shop: Repository) -> None:
    for words in (("change", "merged"), ("span", SPAN)):
        done = cli("retract", *words, cwd=shop.path.parent)
        assert done.returncode == 2
        assert "no change was found here: name it with --change" in done.stderr


def test_what_was_taken_back_counts_no_more(
    plain_env: dict[str, str], shop: Repository, running_collector: RunningCollector
) -> None:
    shop.git("remote", "set-url", "origin", "https://github.com/acme/taken-back")
    run = Cli({**plain_env, **running_collector.environment()}, shop.path)

    def told(*words: str) -> None:
        done = run(*words)
        assert (done.returncode, done.stderr) == (0, "")

    def events() -> set[str]:
        [change] = running_collector.get("/api/v1/changes", repository="github.com/acme/taken-back")["items"]
        return set(change["events"])

    told("change", "opened")
    told("change", "merged", "--team", "blue")
    assert events() == {"change.opened", "change.merged"}
    told("retract", "change", "merged", "--team", "red", "--actor", "human")
    assert events() == {"change.opened"}
    told("change", "merged")
    assert events() == {"change.opened"}
    asked = {"repository": "github.com/acme/taken-back", "window": "1d"}
    left_out = running_collector.get("/api/v1/measurement", **asked)["left_out"]
    assert (left_out["retracted"], left_out["retracts_nothing"], left_out["future"]) == (1, 0, 0)
    [retracted] = left_out["latest"]
    assert (retracted["name"], retracted["by_team"]) == ("change.merged", "red")
    assert retracted["by_actor_type"] == "human"
    explained = running_collector.get("/api/v1/explain", figure="change_lead_time", **asked)
    assert explained["spans_left_out"] == left_out
