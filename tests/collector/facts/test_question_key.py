"""A question has the same key in every process, and no other question has it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from otel_vsm_collector.facts.question_key import question_key
from otel_vsm_collector.figures.registry import EXPLAINED, FAMILIES


def made_from(value: int) -> Callable[[], int]:
    def answer() -> int:
        return value

    return answer


def test_what_differs_has_another_key() -> None:
    different: list[Any] = [
        *(None, True, 1, "1", 1.0, (), ("1", "2"), ("12",), (("1",), "2"), {"1": 2}),
        *(re.compile("a"), re.compile("b"), int, made_from(1), made_from(2)),
        *(partial(made_from, 1), partial(made_from, 2), made_from, question_key),
        *FAMILIES,
        *EXPLAINED.values(),
        *(family.question for family in FAMILIES),
    ]
    keys = [question_key(one) for one in different]
    assert None not in keys
    assert len(set(keys)) == len({id(one) for one in different})
    assert question_key(made_from(1)) == question_key(made_from(1))


def test_what_has_no_text_of_its_own_has_no_key() -> None:
    assert question_key("x", object()) is None


def test_keys_are_the_same_in_every_process() -> None:
    code = (
        "from otel_vsm_collector.facts.question_key import question_key;"
        "from otel_vsm_collector.figures.registry import FAMILIES;"
        "print([question_key(family.question, ('service',)) for family in FAMILIES])"
    )
    here = [question_key(family.question, ("service",)) for family in FAMILIES]
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed}
        made = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        assert made.stdout.decode().strip() == str(here)
