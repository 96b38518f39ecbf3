"""A file is read as a whole, or every problem of it is told where it stands."""

import re
from pathlib import Path

import pytest

from otel_vsm.semconv import EventName, FailureMethod, StageType
from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.load import WrongError, load, reload
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.sections import Limits, Service, Stage, Team

WRONG = Path(__file__).parent / "wrong"
"""One small file each for what can be wrong; what is said of it stands at its end, behind #!."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vsm.yaml"


def problems(path: Path) -> list[str]:
    """What is said of the file, without its name."""
    with pytest.raises(WrongError) as refused:
        load(path)
    assert all(line.startswith(f"{path}:") for line in refused.value.lines)
    return [line.removeprefix(f"{path}:") for line in refused.value.lines]


@pytest.mark.parametrize("path", sorted(WRONG.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_wrong_is_told_where_it_stands_with_what_is_allowed(path: Path) -> None:
    said = "\n".join(re.findall(r"^#! (.*)$", path.read_text(), re.MULTILINE))
    assert problems(path) == said.replace("\n  ", " ").splitlines()


def test_a_character_that_has_no_place_in_text_is_told(file: Path) -> None:
    file.write_text("\nowner: \a\n")
    assert problems(file) == ["2: the character '\\x07' has no place in YAML"]


def test_what_is_nested_without_end_is_refused(file: Path) -> None:
    file.write_text("[" * 5000)
    assert problems(file) == ["1: is nested too deeply to be read"]


def test_a_file_in_another_encoding_is_refused(file: Path) -> None:
    file.write_bytes("services: {}\nprofile: ö".encode("latin-1"))
    assert problems(file) == ["2: is not UTF-8; save it as that"]


def test_a_file_that_is_not_there_is_said_so(file: Path) -> None:
    assert problems(file) == [" cannot be read: No such file or directory"]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path) == [" cannot be read: Is a directory"]


def test_what_is_declared_is_read(file: Path) -> None:
    file.write_text("""\
environments:
  staging: [stage, 'stage-*']
stages:
  e2e: {type: test, quarantined: true}
services:
  shop: &ours
    repository: https://x:y@GitHub.com/acme/shop.git
  cart: {<<: *ours, stages: [cart-*]}
teams:
  ops: {services: [shop]}
windows: [1w, 4w]
limits: {approval_wait: 90min, lead_time: null, change_fail_rate: 5e-2}
profile: ours
profiles:
  ours: {extends: theirs, incident_window: 24h}
  theirs: {extends: devlake, failure_methods: [rollback], incident_window: null}
value_streams:
  buying: {start: work_item.created, owner: 'no', systems: [shop]}
""")
    declared = load(file)
    assert declared.environments == {
        "production": ("production", "prod"),
        "staging": ("stage", "stage-*"),
    }
    assert declared.stages == {"e2e": Stage(type=StageType.TEST, quarantined=True)}
    assert declared.services == {
        "shop": Service(repository="github.com/acme/shop"),
        "cart": Service(repository="github.com/acme/shop", stages=("cart-*",)),
    }
    assert declared.teams == {"ops": Team(services=("shop",))}
    assert declared.windows == (Length("1w"), Length("4w"))
    assert declared.limits == Limits(approval_wait=Length("90min"), lead_time=None, change_fail_rate=0.05)
    assert declared.value_streams["buying"].start is EventName.WORK_ITEM_CREATED
    assert declared.value_streams["buying"].owner == "no"
    ours, theirs = declared.profile_named(), declared.profile_named("theirs")
    assert ours == theirs.model_copy(update={"incident_window_s": 86400.0})
    assert theirs == declared.profile_named("devlake").model_copy(
        update={"failure_methods": (FailureMethod.ROLLBACK,)}
    )


def test_a_byte_order_mark_does_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfwindow: 2w")
    assert load(file).window == Length("2w")


class TestReload:
    def test_what_was_changed_holds(self, file: Path) -> None:
        file.write_text("window: 2w")
        assert reload(file, Declared(), say=pytest.fail) == Declared(window=Length("2w"))

    def test_what_held_goes_on_to_hold_where_something_is_wrong(self, file: Path) -> None:
        file.write_text("time_zone: UTC\nwindow: 30\nprofile: x")
        before, said = Declared(), list[str]()
        assert reload(file, before, say=said.append) is before
        assert said[0].startswith(f"{file}:2: window: ")
        assert said[1].startswith(f"{file}:3: profile: ")
        assert said[2:] == [f"{file} was not read again: what it declared before goes on to hold"]
