"""Product and reference give the same answers about random worlds.

Many worlds lie side by side in one ledger, and are asked for together: what costs the product most is how
often it is asked. Where the two disagree, the smallest part of the smallest world that shows it is told.

`OTEL_VSM_WORLDS=10000 pytest tests/reference` compares that many.
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from reference.answers import ANSWERS
from reference.asked import declarations, own_profiles, profiles, questions
from reference.difference import Difference, differences
from reference.product import Product
from reference.story import Facts, Story
from reference.worlds import SEED, WORLDS, World, spans_of, worlds
from scenarios.question import Question

Example = TypeVar("Example")

SIDE_BY_SIDE = 100
OWN_PROFILES = 20
MEANING = {"at", "event", "stage", "deploy", "incident", "work_item", "stage_name", "deployment_id"}
"""What an event is about: without it there is none."""


def made_up(strategy: st.SearchStrategy[Example], number: int, told_apart_by: object) -> list[Example]:
    """That many examples; other ones with another OTEL_VSM_WORLDS_SEED."""
    found: list[Example] = []

    @seed(f"{SEED} {told_apart_by}")
    @settings(
        max_examples=number,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Example) -> None:
        found.append(example)

    collect()
    return found


class Comparison:
    """Both sides, over the same settings."""

    def __init__(self, declared: Declared) -> None:
        self.declared, self.product = declared, Product(declared)

    def differences(
        self,
        side_by_side: list[World],
        profiles: list[Profile],
        questions: list[Question],
        figures: Iterable[str] = tuple(ANSWERS),
    ) -> Iterator[tuple[str, Profile, Question, Difference]]:
        ledger = spans_of(side_by_side)
        self.product.take(ledger)
        facts = Facts(
            (row for row, _ in ledger), (link for _, links in ledger for link in links), self.declared
        )
        for profile in profiles:
            story = Story(facts, profile)
            for question in questions:
                for figure in figures:
                    product = self.product.ask(figure, question, profile)
                    for difference in differences(ANSWERS[figure](story, question), product):
                        yield figure, profile, question, difference

    def smallest(
        self, side_by_side: list[World], figure: str, profile: Profile, question: Question
    ) -> list[World]:
        """As few worlds, of as few events that say as little, as still show a difference in a figure."""

        def differs(worlds: list[World]) -> bool:
            found = self.differences(worlds, [profile], [question], [figure])
            return next(found, None) is not None

        # The numbers of the worlds stay, since a question may be about one of them.
        for number, world in enumerate(side_by_side):
            if world:
                side_by_side = _simpler(side_by_side, number, [], differs)
        for number, world in enumerate(side_by_side):
            for place in reversed(range(len(world))):
                now = side_by_side[number]
                side_by_side = _simpler(side_by_side, number, now[:place] + now[place + 1 :], differs)
            for place, event in enumerate(side_by_side[number]):
                for key in event.keys() - MEANING:
                    now = side_by_side[number]
                    less = {name: value for name, value in now[place].items() if name != key}
                    instead = [*now[:place], less, *now[place + 1 :]]
                    side_by_side = _simpler(side_by_side, number, instead, differs)
        return side_by_side


def _simpler(
    side_by_side: list[World], number: int, world: World, differs: Callable[[list[World]], bool]
) -> list[World]:
    """The worlds with one of them replaced by a simpler one, if that still differs."""
    instead = [*side_by_side[:number], world, *side_by_side[number + 1 :]]
    return instead if differs(instead) else side_by_side


@pytest.mark.worlds
@pytest.mark.parametrize("settings", ["few", "many"])
def test_product_and_reference_agree(settings: str) -> None:
    random = Random(f"{SEED} {settings}")
    comparison = Comparison(declarations(SIDE_BY_SIDE)[settings == "many"])
    own = made_up(own_profiles, OWN_PROFILES, "profiles")
    different = made_up(worlds, WORLDS // 2, settings)
    for place in range(0, len(different), SIDE_BY_SIDE):
        side_by_side = different[place : place + SIDE_BY_SIDE]
        asked = questions(len(side_by_side), random)
        found = comparison.differences(side_by_side, profiles(own, random), asked)
        for figure, profile, question, _ in found:
            smallest = comparison.smallest(side_by_side, figure, profile, question)
            again = comparison.differences(smallest, [profile], [question], [figure])
            events = (f"world {number}: {event}" for number, world in enumerate(smallest) for event in world)
            pytest.fail(
                "\n".join((figure, str(profile), str(question), *events, *(str(one) for *_, one in again)))
            )
