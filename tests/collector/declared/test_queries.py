"""What derivations and figures ask of what is declared."""

import re
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from otel_vsm.semconv import StageType
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.patterns import matches, regex_of
from otel_vsm_collector.declared.profiles import BUILT_IN, DORA
from otel_vsm_collector.declared.sections import Stage


def declared(**sections: Any) -> Declared:
    return Declared.model_validate(sections)


def matched_by_the_engine(name: str, patterns: tuple[str, ...]) -> bool:
    with duckdb.connect() as connection:
        asked = connection.execute("SELECT regexp_matches(?, ?)", (name, regex_of(patterns)))
        return bool(asked.fetchall()[0][0])


@pytest.mark.parametrize(
    ("pattern", "name", "whether"),
    [
        ("build", "build", True),
        ("build", "Build", True),
        ("build", "build 2", False),
        ("build", "rebuild", False),
        ("build*", "build", True),
        ("build*", "build / linux", True),
        ("*", "", True),
        ("test ?", "test 1", True),
        ("test ?", "test 10", False),
        ("test [3.12]", "test [3.12]", True),
        ("test [3.12]", "test 3", False),
        ("a.b", "a-b", False),
        ("(a|b)+$", "(a|b)+$", True),
        ("größe", "GRÖSSE", False),
        ("größe", "GRÖßE", True),
        ("a*b", "a\nb", True),
        ("a\\d b_c", "a\\d b_c", True),
    ],
)
def test_a_pattern_matches_the_same_in_python_and_in_the_engine(
    pattern: str, name: str, whether: bool
) -> None:
    assert matches(name, (pattern,)) is whether
    assert matched_by_the_engine(name, (pattern,)) is whether


def test_no_pattern_matches_nothing() -> None:
    assert not matches("", ())
    assert not matched_by_the_engine("", ())


class TestEnvironments:
    def test_production_is_known_without_a_word(self) -> None:
        assert declared().environment_classes("Prod") == {"production"}
        assert declared().environment_classes("prod-eu") == frozenset()

    def test_wildcards_may_put_a_name_in_two_classes(self) -> None:
        both = declared(environments={"eu": ["eu-*"], "staging": ["*-staging"]})
        assert both.environment_classes("eu-staging") == {"eu", "staging"}

    def test_a_class_stands_for_all_its_names_and_a_name_for_itself(self) -> None:
        several = declared(environments={"production": ["live-*"]})
        assert re.search(several.environment_regex("production"), "LIVE-eu")
        assert not re.search(several.environment_regex("production"), "production")
        assert re.search(several.environment_regex("qa"), "qa")
        assert not re.search(several.environment_regex("qa"), "qa-2")
        assert re.search(several.environment_regex("qa*"), "qa-2")


class TestStages:
    def test_the_first_pattern_in_the_file_holds(self) -> None:
        told = declared(stages={"test-e2e": {"quarantined": True}, "test*": {"type": "test"}})
        assert told.stage("test-e2e") == Stage(quarantined=True)
        assert told.stage("test-unit") == Stage(type=StageType.TEST)
        assert told.stage("build") == Stage()


class TestTeams:
    @pytest.mark.parametrize(
        "sections",
        [
            {"services": {"shop": {"team": "a"}}, "stages": {"deploy*": {"team": "ops"}}},
            {"teams": {"a": {"services": ["shop"]}, "ops": {"stages": ["deploy*"]}}},
        ],
        ids=["by service and stage", "by team"],
    )
    def test_the_stage_is_asked_before_the_service(self, sections: Any) -> None:
        told = declared(**sections)
        assert told.team_of(service="shop", stage="deploy prod") == "ops"
        assert told.team_of(service="shop", stage="build") == "a"
        assert told.team_of(service="shop") == "a"
        assert told.team_of(stage="build") is None
        assert told.team_of(service="cart") is None
        assert told.team_of() is None


def test_a_project_is_the_first_value_stream_that_delivers_the_service() -> None:
    streams = {"a": {"systems": ["x"]}, "b": {"systems": ["x", "y"]}}
    told = declared(value_streams=streams)
    assert [told.project_of(service) for service in "xyz"] == ["a", "b", None]


class TestProfiles:
    def test_the_default_is_dora(self) -> None:
        assert declared().profile_named() is DORA

    def test_the_built_in_ones_are_there_beside_ones_own(self) -> None:
        told = declared(profiles={"ours": {}})
        assert told.profile_names == (*BUILT_IN, "ours")
        assert {name: told.profile_named(name) for name in BUILT_IN} == BUILT_IN
        assert told.profile_named("ours") == DORA

    def test_one_that_is_not_known_is_refused(self) -> None:
        with pytest.raises(KeyError, match="ours"):
            declared().profile_named("ours")

    def test_what_is_given_as_in_dora_wins_over_what_it_extends(self) -> None:
        told = declared(profiles={"ours": {"extends": "devlake", "unit": "change"}})
        assert told.profile_named("ours").unit == "change"


def test_contradictions_are_refused_also_where_no_file_is_read() -> None:
    with pytest.raises(ValidationError, match="as long as 7d"):
        declared(windows=["7d", "1w"])


def test_nothing_of_it_can_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        declared().window = None  # type: ignore[assignment]
