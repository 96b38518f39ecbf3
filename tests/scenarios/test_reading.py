"""What a scenario says either counts, or is refused with a sentence: nothing in it goes by unseen."""

from pathlib import Path

import pytest

from scenarios.comparison import check, check_rows
from scenarios.events import spans
from scenarios.keys import UnknownKeyError
from scenarios.reading import load, read

SOUND = """
why: to be changed
events: [{at: 1h, deploy: D1, service: shop}]
expect: {deployment: {D1: {result: success}}}
"""


def test_a_sound_one_is_read() -> None:
    scenario = read(SOUND)
    assert [event["deploy"] for event in scenario.events] == ["D1"]
    assert [one.parts for one in scenario.expectations] == [{"deployment": {"D1": {"result": "success"}}}]


@pytest.mark.parametrize(
    ("replaced", "by", "sentences"),
    [
        ("why:", "wy: x\nwhy:", "a scenario has no 'wy'; … did you mean why?"),
        ("{deployment:", "{deployments:", "an expectation has no 'deployments'; … did you mean deployment?"),
        (
            "{deployment:",
            "{asked: {windows: [0h, 1h]}, deployment:",
            "asked has no 'windows'; … did you mean window?",
        ),
        (
            "{deployment:",
            "{series: [{flow: 1}], deployment:",
            "a series is what is expected where",
        ),
        (
            "{deployment:",
            "{asked: {step: day}, deployment:",
            "a series is what is expected where",
        ),
        ("{result: success}", "{}", "deployment.D1 says nothing"),
        ("{deployment: {D1: {result: success}}}", "{}", "an expectation says nothing"),
        ("D1: {result: success}", "D1: {result: success}, D1: {number: 0}", "line 4: 'D1' is given twice"),
        ("result: success", "finished_at: 12", "12 is no offset"),
    ],
)
def test_what_means_nothing_is_refused(replaced: str, by: str, sentences: str) -> None:
    with pytest.raises(ValueError) as raised:
        read(SOUND.replace(replaced, by))
    assert all(part in str(raised.value) for part in sentences.split(" … "))


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(SOUND.replace("expect:", "expects:"))
    with pytest.raises(ValueError, match=r"wrong\.yaml: a scenario has no 'expects'"):
        load(path)


@pytest.mark.parametrize(
    ("event", "sentences"),
    [
        ({"stage": "build", "servce": "shop"}, "a run of a stage has no 'servce'; … did you mean service?"),
        ({"deploy": "D1", "deployment_id": "D2"}, "a deployment has no 'deployment_id'"),
        ({"event": "change.merged", "span": "a"}, "an event has no 'span'"),
        ({"incident": "I1", "event": "started", "change": 1}, "an event of an incident has no 'change'"),
        ({"work_item": "T-1", "event": "created", "stage": "x"}, "an event of a work item has no 'stage'"),
    ],
)
def test_what_an_event_cannot_say_is_refused(event: dict[str, object], sentences: str) -> None:
    with pytest.raises(UnknownKeyError) as raised:
        spans([{"at": "1h", "stage": "build"}, {"at": "2h", **event}])
    assert str(raised.value).startswith("event 2: ")
    assert all(part in str(raised.value) for part in sentences.split(" … "))


def test_an_event_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="is about nothing; say one of retract, incident, "):
        spans([{"at": "1h", "service": "shop"}])


def test_what_no_answer_has_cannot_be_expected() -> None:
    with pytest.raises(AssertionError, match=r"flow\.wip has no 'p5'; allowed is p50; did you mean p50\?"):
        check({"wip": {"p50": 1}}, {"wip": {"p5": 1}}, "flow")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": [1, 2]}, {"a": [1]}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}),
        ({"a": 1.0}, {"a": 1.1}),
        ({"a": None}, {"a": {"b": 1}}),
    ],
)
def test_another_answer_than_expected_fails(found: dict[str, object], expected: dict[str, object]) -> None:
    check(found, found, "here")
    with pytest.raises(AssertionError):
        check(found, expected, "here")


def test_a_row_that_may_not_be_there_fails() -> None:
    check_rows({"D1": {"number": 0}}, {"D1": {"number": 0}, "D2": None}, "deployment")
    with pytest.raises(AssertionError):
        check_rows({"D1": {"number": 0}}, {"D1": None}, "deployment")
